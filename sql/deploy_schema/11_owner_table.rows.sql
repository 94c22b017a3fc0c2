-- What: the views owner_table (the row of owner_table.sql as it is now) and users (the users that an artwork without an owner is given to
--   by its e-mail; where no users are created there are none).
-- Why: every later statement reads these two, so none of them has to know which kind of database this is. The row is stored, because
--   triggers and functions are made for it; the drift of users is a prerequisite of the later verbs (users_contract). Where the rows come
--   with a sign-up nothing is read from that table: its e-mails are not ours, and row level security may hide them.
-- Inverse: in the rows.
-- Locks: ACCESS SHARE on public.users.
-- Stage: prepare
SELECT
  'artwork_migration.owner_table' AS object,
  FORMAT(
    $do$CREATE VIEW artwork_migration.owner_table AS
SELECT %L::text AS relation, %L::text AS column_name, %L::boolean AS creates_users, %L::text AS on_update$do$,
    CAST(:owner_relation AS text), CAST(:owner_column AS text), CAST(:creates_users AS boolean), CAST(:owner_on_update AS text)
  ) AS "do",
  'DROP VIEW artwork_migration.owner_table' AS undo
UNION ALL
SELECT
  'artwork_migration.users' AS object,
  'CREATE VIEW artwork_migration.users AS ' || CAST(:users AS text) AS "do",
  'DROP VIEW artwork_migration.users' AS undo
