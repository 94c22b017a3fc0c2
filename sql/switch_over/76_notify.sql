-- What: makes PostgREST reload its schema at the commit, and revokes access to what is new in our schema from all other roles.
-- Why: PostgREST would go on answering with the columns of the retired table.
-- Locks: none.
-- Stage: locked
SELECT
  artwork_migration.close_schema(),
  PG_NOTIFY('pgrst', 'reload schema');

-- Undo:
-- Why: the legacy table's columns are back.
SELECT PG_NOTIFY('pgrst', 'reload schema');
