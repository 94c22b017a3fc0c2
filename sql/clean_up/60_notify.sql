-- What: tells PostgREST, at the commit, to read the schema anew.
-- Why: it would go on offering the retired table and the view artworks_v2.
-- Inverse: none.
-- Locks: none.
-- Stage: locked
SELECT PG_NOTIFY('pgrst', 'reload schema')
