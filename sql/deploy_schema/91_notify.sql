-- What: makes PostgREST reload its schema cache at the commit.
-- Why: it would not know the application functions and answer PGRST202.
-- Locks: none.
-- Stage: locked
SELECT PG_NOTIFY('pgrst', 'reload schema');

-- Undo:
-- Why: the application functions are dropped.
SELECT PG_NOTIFY('pgrst', 'reload schema');
