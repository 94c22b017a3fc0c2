-- What: tables that are named like a copy of the legacy one, and triggers of it that are named like those that keep such a copy up.
-- Why: somebody may have begun this by hand before; a name alone says no more, so the migration is not stopped by it.
-- Locks: none.
-- Remedy: Find out whose it is; drop it if nobody needs it.
SELECT
  o.subject,
  'its name is that of a copy of artworks, or of what keeps one up.' AS problem,
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
