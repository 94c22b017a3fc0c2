-- What: another migration tool is at work on the legacy table or on users, or was stopped halfway: a trigger, a column or a copy of the
--   table as pgroll, Reshape, pg_repack, pg-osc, pgslice or Psycopack create them.
-- Why: it would replace our table by another one, or its triggers would write rows that we have just copied.
-- Locks: none.
-- Remedy: Complete or abort that migration with its own tool.
SELECT
  o.subject,
  FORMAT('it looks like an object that %s creates while it runs.', o.tool) AS problem
FROM (
  SELECT
    FORMAT('trigger %s on %s', g.tgname, g.tgrelid::regclass) AS subject,
    k.tool
  FROM pg_catalog.pg_trigger AS g
  INNER JOIN (
    VALUES
    ('\_pgroll\_%', 'pgroll'), ('\_\_reshape\_%', 'Reshape'), ('repack\_trigger%', 'pg_repack'),
    ('primary\_to\_audit\_table\_trigger%', 'pg-osc'), ('artworks\_mirror\_trigger', 'pgslice'), ('psycopack\_%', 'Psycopack')
  ) AS k (pattern, tool) ON g.tgname LIKE k.pattern
  WHERE g.tgrelid IN (TO_REGCLASS('public.artworks'), TO_REGCLASS('public.users'))
  UNION ALL
  SELECT
    FORMAT('column %s of %s', a.attname, a.attrelid::regclass) AS subject,
    k.tool
  FROM pg_catalog.pg_attribute AS a
  INNER JOIN (VALUES ('\_pgroll\_%', 'pgroll'), ('\_\_reshape\_%', 'Reshape')) AS k (pattern, tool) ON a.attname LIKE k.pattern
  WHERE a.attrelid IN (TO_REGCLASS('public.artworks'), TO_REGCLASS('public.users')) AND NOT a.attisdropped
  UNION ALL
  SELECT
    'table ' || c.oid::regclass AS subject,
    k.tool
  FROM pg_catalog.pg_class AS c
  INNER JOIN (
    VALUES
    ('pgosc\_st\_artworks\_%', 'pg-osc'), ('pgosc\_at\_artworks\_%', 'pg-osc'), ('artworks\_intermediate', 'pgslice')
  ) AS k (pattern, tool) ON c.relname LIKE k.pattern
  WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
  UNION ALL
  SELECT
    'table ' || c.oid::regclass AS subject,
    'pg_repack' AS tool
  FROM pg_catalog.pg_class AS c
  WHERE
    c.relnamespace = TO_REGNAMESPACE('repack')::oid
    AND c.relname IN ('log_' || TO_REGCLASS('public.artworks')::oid, 'log_' || TO_REGCLASS('public.users')::oid)
) AS o
ORDER BY o.subject
