-- What: a key, a check, an index or the life-cycle trigger that got its name at the switch was renamed or dropped since.
-- Why: the rollback gives it its old name back, and would not find it.
-- Locks: none.
-- Remedy: Give it its name back, or create it anew under that name.
SELECT DISTINCT
  QUOTE_IDENT(h.name) AS subject,
  'the switch gave this name to a part of artworks or artworks_old, and no part has it now.' AS problem
FROM artwork_migration.dependent_at_switch AS h
WHERE
  h.kind <> 'table column'
  AND (
    FORMAT('name artworks_v2%s', SUBSTRING(h.name FROM LENGTH('artworks_'))) = ANY(CAST(:known AS text[]))
    OR FORMAT('name artworks%s', SUBSTRING(h.name FROM LENGTH('artworks_old_'))) = ANY(CAST(:known AS text[]))
  )
  AND h.name NOT IN (
    SELECT k.conname FROM pg_catalog.pg_constraint AS k
    WHERE k.conrelid IN ('public.artworks'::regclass, 'public.artworks_old'::regclass)
    UNION ALL
    SELECT c.relname
    FROM pg_catalog.pg_index AS i INNER JOIN pg_catalog.pg_class AS c ON i.indexrelid = c.oid
    WHERE i.indrelid IN ('public.artworks'::regclass, 'public.artworks_old'::regclass)
    UNION ALL
    SELECT g.tgname FROM pg_catalog.pg_trigger AS g
    WHERE g.tgrelid = 'public.artworks'::regclass
  )
ORDER BY 1
