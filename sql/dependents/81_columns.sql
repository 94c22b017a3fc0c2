-- What: what single columns have beyond their type: defaults, generated values, sequences, comments, and how they are stored and sampled.
-- Why: as for the table. It is carried over for a column that the clean table has under any name, and stays for every other one.
-- Locks: none.
SELECT
  s.object,
  CASE WHEN s.given AND m.clean_column IS NOT NULL THEN 'the clean column gets it at deploy-schema' ELSE 'stays with the retired table' END
  || COALESCE('; ' || s.note, '') AS action
FROM pg_catalog.pg_attribute AS a
INNER JOIN pg_catalog.pg_type AS t ON a.atttypid = t.oid
LEFT JOIN
  JSONB_TO_RECORDSET(CAST(:mapping AS jsonb)) AS m (clean_column text, legacy_column text, on_update boolean, carried boolean)
  ON a.attname = m.legacy_column AND (m.on_update OR m.carried OR m.clean_column = 'id')
CROSS JOIN
  LATERAL (
    SELECT
      1 AS place,
      FORMAT(CASE a.attgenerated WHEN '' THEN 'default of column %I' ELSE 'generated column %I' END, a.attname) AS object,
      FALSE AS given,
      NULL AS note
    -- the default of a column that the clean table has is a rule
    WHERE a.atthasdef AND (m.clean_column IS NULL OR a.attgenerated <> '')
    UNION ALL
    SELECT
      2,
      FORMAT('identity of column %I', a.attname),
      FALSE,
      'the clean table has no such column'
    WHERE a.attidentity <> ''
    UNION ALL
    SELECT
      3,
      FORMAT('sequence %s of column %I', d.objid::regclass, a.attname),
      FALSE,
      'it goes at clean-up, unless it was given to another column'
    FROM pg_catalog.pg_depend AS d
    INNER JOIN pg_catalog.pg_class AS c ON d.objid = c.oid AND c.relkind = 'S'
    WHERE
      d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum
      AND d.deptype IN ('a', 'i')
    UNION ALL
    SELECT
      4,
      FORMAT('comment on column %I', a.attname),
      TRUE,
      NULL
    WHERE COL_DESCRIPTION(a.attrelid, a.attnum) IS NOT NULL
    UNION ALL
    SELECT
      5,
      FORMAT('statistics target %s of column %I', a.attstattarget, a.attname),
      TRUE,
      NULL
    WHERE a.attstattarget >= 0
    UNION ALL
    SELECT
      6,
      FORMAT('options %s of column %I', o.options, a.attname),
      TRUE,
      NULL
    -- those whose names begin with pg_ are the server's own: 15.20 keeps a version of each text column there
    FROM (SELECT STRING_AGG(x.option, ', ') AS options FROM UNNEST(a.attoptions) AS x (option) WHERE x.option NOT LIKE 'pg\_%') AS o
    WHERE o.options IS NOT NULL
    UNION ALL
    SELECT
      7,
      FORMAT('storage %s of column %I', x.word, a.attname),
      TRUE,
      NULL
    FROM (VALUES ('p', 'PLAIN'), ('e', 'EXTERNAL'), ('m', 'MAIN'), ('x', 'EXTENDED')) AS x (storage, word)
    WHERE x.storage = a.attstorage AND a.attstorage <> t.typstorage
    UNION ALL
    SELECT
      8,
      FORMAT('compression %s of column %I', CASE a.attcompression WHEN 'l' THEN 'lz4' ELSE 'pglz' END, a.attname),
      TRUE,
      NULL
    WHERE a.attcompression <> ''
  ) AS s
WHERE a.attrelid = 'public.artworks'::regclass AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY s.place, a.attnum
