-- What: tells PostgREST, at the commit, to read the schema anew.
-- Why: it would not know the functions for the application, and answer PGRST202.
-- Locks: none.
-- Stage: locked
SELECT PG_NOTIFY('pgrst', 'reload schema');

-- Undo:
-- Why: the functions for the application are gone.
SELECT PG_NOTIFY('pgrst', 'reload schema');
