-- What: tells PostgREST, at the commit, to read the schema anew, and closes what is new in our schema to everybody else.
-- Why: it would go on answering with the columns of the retired table.
-- Locks: none.
-- Stage: locked
SELECT
  artwork_migration.close_schema(),
  PG_NOTIFY('pgrst', 'reload schema');

-- Undo:
-- Why: the legacy table's columns are back.
SELECT PG_NOTIFY('pgrst', 'reload schema');
