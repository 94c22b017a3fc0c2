-- What: the view round_trip: for each row of both tables the columns whose clean value, written back, would differ from the legacy value.
-- Why: it is made of the reverse mapping (mapping.sql) and the two tables alone. So it also finds an error in the forward mapping, which
--   reconcile shares with the copy, and the roll back can rely on it.
-- Inverse: in the rows.
-- Locks: ACCESS SHARE on public.artworks.
-- Stage: prepare
SELECT
  'artwork_migration.round_trip' AS object,
  FORMAT(
    $do$CREATE VIEW artwork_migration.round_trip AS
SELECT
  a.id,
  ARRAY_REMOVE(ARRAY[%s], NULL) AS about
FROM public.artworks AS a
INNER JOIN public.artworks_v2 AS c ON a.id = c.id$do$,
    STRING_AGG(
      FORMAT(
        'CASE WHEN (%s) IS NOT TRUE THEN %L END',
        REPLACE(REPLACE(m.same, '#', FORMAT('a.%I', m.legacy_column)), '@', REPLACE(m.back, '@', FORMAT('c.%I', m.clean_column))),
        m.clean_column
      ),
      E',\n    '
      ORDER BY m.position
    )
  ) AS "do",
  'DROP VIEW artwork_migration.round_trip' AS undo
FROM
  JSONB_TO_RECORDSET(CAST(:mapping AS jsonb))
    AS m (position int, clean_column text, legacy_column text, on_update boolean, back text, same text)
INNER JOIN pg_catalog.pg_attribute AS a
  ON m.legacy_column = a.attname AND a.attrelid = 'public.artworks'::regclass AND NOT a.attisdropped
WHERE m.on_update
