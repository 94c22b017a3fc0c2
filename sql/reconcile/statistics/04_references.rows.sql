-- What: for each foreign key to the legacy table, the statement that counts its rows and sums their amount, if they have one: all of them,
--   and those whose artwork is in the clean table. Artworks in transit, whose id is in the log, are not counted. Two foreign keys over one
--   column make one statement.
-- Why: orders are money. Each row that references an artwork must find it after the switch too, so both numbers must be equal.
-- Locks: ACCESS SHARE on the referencing tables and on public.artworks_v2; run it in the snapshot of `compare`.
SELECT DISTINCT
  c.conrelid::regclass || '.' || a.attname AS object,
  FORMAT(
    $do$
INSERT INTO artwork_migration.statistic (run, name, label, detail, value)
SELECT
  %1$s,
  x.name,
  %2$L,
  x.detail,
  x.value
FROM (
  SELECT
    COUNT(*) AS legacy_rows,
    COUNT(c.id) AS clean_rows,
    COALESCE(SUM(%3$s), 0) AS legacy_sum,
    COALESCE(SUM(%3$s) FILTER (WHERE c.id IS NOT NULL), 0) AS clean_sum
  FROM %4$s AS r
  LEFT JOIN public.artworks_v2 AS c ON r.%5$I = c.id
  WHERE
    r.%5$I IS NOT NULL
    AND NOT EXISTS (SELECT FROM artwork_migration.pending_artwork AS p WHERE p.id = r.%5$I)
) AS n
CROSS JOIN LATERAL (
  VALUES
    ('reference_rows', 'legacy', n.legacy_rows),
    ('reference_rows', 'clean', n.clean_rows),
    (%6$L, 'legacy', n.legacy_sum),
    (%6$L, 'clean', n.clean_sum)
) AS x (name, detail, value)
WHERE x.name IS NOT NULL$do$,
    CAST(:run AS bigint),
    c.conrelid::regclass || '.' || a.attname,
    COALESCE('r.' || QUOTE_IDENT(m.attname) || '::numeric', 'NULL::numeric'),
    c.conrelid::regclass,
    a.attname,
    'reference_sum of ' || m.attname
  ) AS "do"
FROM pg_catalog.pg_constraint AS c
INNER JOIN pg_catalog.pg_attribute AS a ON c.conrelid = a.attrelid AND a.attnum = c.conkey[1]
LEFT JOIN LATERAL (
  SELECT n.attname
  FROM pg_catalog.pg_attribute AS n
  WHERE
    n.attrelid = c.conrelid AND n.attnum > 0 AND NOT n.attisdropped
    AND n.attname ~* '(amount|total)'
    AND n.atttypid IN ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype, 'numeric'::regtype)
  ORDER BY n.attnum
  LIMIT 1
) AS m ON TRUE
WHERE c.contype = 'f' AND c.confrelid = 'public.artworks'::regclass AND c.conrelid <> 'public.artworks'::regclass AND c.conparentid = 0
