-- What: a legacy column that takes no NULL and that a new artwork of the clean side has no value for, unless a decision accepts it.
-- Why: the legacy table rejects each such artwork: it would be on the clean side only, block the switch, and not be carried back after it.
--   The default of a column counts where the clean column takes it over, or where nothing is written to the legacy column.
-- Locks: none.
-- Remedy: Let the column take NULL, or give it the default that the application wants (ALTER TABLE … SET DEFAULT). Or decide to go on
--   without (accept_rejected_artworks): then nobody may create an artwork on the clean side before the switch.
-- Given: decision
SELECT
  'public.artworks.' || a.attname AS subject,
  'it takes no NULL and has no default, and a new artwork of the clean side has no value for it.' AS problem,
  FORMAT('ALTER TABLE public.artworks ALTER COLUMN %I DROP NOT NULL', a.attname) AS statement
FROM pg_catalog.pg_attribute AS a
LEFT JOIN
  JSONB_TO_RECORDSET(CAST(:mapping AS jsonb)) AS m (clean_column text, legacy_column text, filled text)
  ON a.attname = m.legacy_column
WHERE
  a.attrelid = TO_REGCLASS('public.artworks') AND a.attnum > 0 AND NOT a.attisdropped
  AND a.attnotnull AND NOT a.atthasdef AND a.attidentity = '' AND m.filled IS NULL
  AND (SELECT d.value FROM artwork_migration.decision AS d WHERE d.name = 'accept_rejected_artworks' ORDER BY d.number DESC LIMIT 1)
  IS DISTINCT FROM 'yes'
ORDER BY a.attnum
