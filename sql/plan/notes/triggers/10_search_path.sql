-- What: a trigger of the legacy table whose function sets no search_path and whose text names a table without its schema.
-- Why: our write-through fires it with a search_path of its own; it would not find the table, and the write would stand in refused_write.
-- Locks: none.
-- Remedy: ALTER FUNCTION … SET search_path = public, or write the schema before the name.
SELECT DISTINCT
  FORMAT('trigger %s on public.artworks', g.tgname) AS subject,
  FORMAT('function %s names %s without a schema and sets no search_path.', f.oid::regprocedure, n.tables) AS problem,
  TRUE AS attention
FROM pg_catalog.pg_trigger AS g
INNER JOIN pg_catalog.pg_proc AS f ON g.tgfoid = f.oid
CROSS JOIN
  LATERAL (
    SELECT STRING_AGG(c.relname, ', ' ORDER BY c.relname) AS tables
    FROM pg_catalog.pg_class AS c
    WHERE
      c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v', 'm', 'p')
      AND f.prosrc ~* ('\m(from|join|into|update)\s+(only\s+)?"?' || c.relname || '\M(?!\.)')
  ) AS n
WHERE
  g.tgrelid = TO_REGCLASS('public.artworks') AND NOT g.tgisinternal AND n.tables IS NOT NULL
  AND NOT EXISTS (SELECT FROM UNNEST(f.proconfig) AS s (setting) WHERE s.setting LIKE 'search\_path=%')
ORDER BY 1
