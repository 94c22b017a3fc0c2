-- What: tells PostgREST, at the commit, to read the schema anew.
-- Why: the legacy table's columns are back.
-- Inverse: 65_notify.sql
-- Locks: none.
-- Stage: locked
SELECT PG_NOTIFY('pgrst', 'reload schema')
