-- What: tables whose name looks like a copy of the legacy table, and triggers whose name looks like one that maintains a copy.
-- Why: somebody may have begun a migration by hand. A name proves nothing, so this does not stop the migration.
-- Locks: none.
-- Remedy: Find the owner; drop the object if it is not needed.
SELECT
  o.subject,
  'its name looks like a copy of artworks, or like a trigger that maintains one.' AS problem,
  TRUE AS attention
FROM (
  SELECT 'table ' || c.oid::regclass AS subject
  FROM pg_catalog.pg_class AS c
  WHERE
    c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
    AND c.relname ~ '^_?artworks_(new|shadow|copy|backup|bak|tmp|retired|v[0-9]+)$'
  UNION ALL
  SELECT FORMAT('trigger %s on public.artworks', g.tgname)
  FROM pg_catalog.pg_trigger AS g
  WHERE g.tgrelid = TO_REGCLASS('public.artworks') AND NOT g.tgisinternal AND g.tgname ~ '_(new|shadow|copy|mirror|sync)$'
) AS o
ORDER BY o.subject
