-- What: the view legacy_artwork: the mapping and the disposition (legacy_artwork.sql) on this database's tables.
-- Why: the view is bound to the table, so it follows a rename. The search_path resolves the five unqualified names of that file.
-- Inverse: in the rows.
-- Locks: ACCESS SHARE on public.artworks and public.users.
-- Stage: prepare
SELECT
  'artwork_migration.legacy_artwork' AS object,
  FORMAT(
    $do$SET LOCAL search_path = artwork_migration, public;
CREATE VIEW artwork_migration.legacy_artwork AS
%s;
SET LOCAL search_path = ''$do$,
    CAST(:legacy_artwork AS text)
  ) AS "do",
  'DROP VIEW artwork_migration.legacy_artwork' AS undo
