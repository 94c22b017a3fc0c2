-- What: makes PostgREST reload its schema cache at the commit.
-- Why: it would still offer the retired table and the view artworks_v2.
-- Inverse: none.
-- Locks: none.
-- Stage: locked
SELECT PG_NOTIFY('pgrst', 'reload schema')
