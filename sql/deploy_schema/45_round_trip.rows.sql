-- What: the view round_trip: for each row of both tables the columns whose value, written back, would not be what the legacy table holds.
-- Why: it is made of the way back (mapping.sql) and the bare tables alone, so it also finds a mistake in the way forward, which reconcile
--   shares with the copy; and a rollback may rely on it.
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
