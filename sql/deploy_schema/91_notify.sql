-- What: tells PostgREST, at the commit, to read the schema anew.
-- Why: it would not know the functions for the application, and answer PGRST202.
-- Inverse: 91_notify.undo.sql
-- Locks: none.
-- Stage: locked
SELECT PG_NOTIFY('pgrst', 'reload schema')
