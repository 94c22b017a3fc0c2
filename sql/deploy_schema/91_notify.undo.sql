-- What: tells PostgREST, at the commit, to read the schema anew.
-- Why: the functions for the application are gone.
-- Inverse: 91_notify.sql
-- Locks: none.
-- Stage: locked
SELECT PG_NOTIFY('pgrst', 'reload schema')
