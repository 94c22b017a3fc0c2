-- What: the views owner_table (owner_table.sql on this database) and users: the users that an artwork without an owner is given to by its
--   e-mail. Where no users are created there are none.
-- Why: every later statement reads these two, so none of them has to know which kind of database this is. Where the rows are made by a
--   sign-up nothing is read from that table: its e-mails are not ours, and row level security may hide them.
-- Inverse: in the rows.
-- Locks: ACCESS SHARE on public.users.
-- Stage: prepare
SELECT
  'artwork_migration.owner_table' AS object,
  'CREATE VIEW artwork_migration.owner_table AS ' || CAST(:owner_table AS text) AS "do",
  'DROP VIEW artwork_migration.owner_table' AS undo
UNION ALL
SELECT
  'artwork_migration.users' AS object,
  'CREATE VIEW artwork_migration.users AS ' || CAST(:users AS text) AS "do",
  'DROP VIEW artwork_migration.users' AS undo
