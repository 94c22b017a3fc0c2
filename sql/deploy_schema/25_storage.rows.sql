-- What: storage parameters, statistics targets, column options, storage and compression of the legacy table, set on the clean table.
-- Why: somebody tuned them for this data, and their absence would be noticed only when the table is slow.
-- Inverse: none; the table is dropped as a whole.
-- Locks: none on a table of the application.
-- Stage: prepare
SELECT
  s.object,
  s."do",
  NULL AS undo
FROM (
  SELECT
    'public.artworks_v2' AS object,
    FORMAT('ALTER TABLE public.artworks_v2 SET (%s)', o.parameter) AS "do"
  FROM pg_catalog.pg_class AS c
  LEFT JOIN pg_catalog.pg_class AS t ON c.reltoastrelid = t.oid
  CROSS JOIN
    LATERAL UNNEST(c.reloptions || ARRAY(SELECT 'toast.' || x.parameter FROM UNNEST(t.reloptions) AS x (parameter))) AS o (parameter)
  WHERE c.oid = 'public.artworks'::regclass
  UNION ALL
  SELECT
    FORMAT('public.artworks_v2.%I', m.clean_column),
    FORMAT('ALTER TABLE public.artworks_v2 ALTER COLUMN %I SET %s', m.clean_column, w.words)
  FROM JSONB_TO_RECORDSET(CAST(:mapping AS jsonb)) AS m (clean_column text, legacy_column text, on_update boolean)
  INNER JOIN pg_catalog.pg_attribute AS a
    ON m.legacy_column = a.attname AND a.attrelid = 'public.artworks'::regclass AND NOT a.attisdropped
  CROSS JOIN
    LATERAL (
      VALUES
      (CASE WHEN a.attstattarget >= 0 THEN FORMAT('STATISTICS %s', a.attstattarget) END),
      -- without the server's own, see dependents/columns
      ('(' || (SELECT STRING_AGG(x.option, ', ') FROM UNNEST(a.attoptions) AS x (option) WHERE x.option NOT LIKE 'pg\_%') || ')'),
      (
        CASE WHEN a.attstorage <> (SELECT t.typstorage FROM pg_catalog.pg_type AS t WHERE t.oid = a.atttypid) THEN 'STORAGE ' END
        || CASE a.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END
      ),
      ('COMPRESSION ' || CASE a.attcompression WHEN 'l' THEN 'lz4' WHEN 'p' THEN 'pglz' END)
    ) AS w (words)
  WHERE (m.on_update OR m.clean_column = 'id') AND w.words IS NOT NULL
) AS s
ORDER BY s.object, s."do"
