-- What: an object depends on artworks, to the view artworks_v2 or to the row type of either, and was not when the tables got their new
--   names.
-- Why: the rollback recreates what the switch recreated, and nothing else: this object would stay with the clean table, or keep the view.
--   A dependent that was dropped since and created again under its name is recognised by that name (:known).
-- Locks: none.
-- Remedy: Drop it before the rollback and create it anew after it; if it was only renamed, give it its old name back.
-- Given: bound_object, dependent
SELECT DISTINCT
  PG_DESCRIBE_OBJECT(b.class, b.oid, 0) AS subject,
  'it was created on artworks, or on artworks_v2, or got this name, after the switch.' AS problem
FROM artwork_migration.bound_object AS b
CROSS JOIN LATERAL PG_IDENTIFY_OBJECT(b.class, b.oid, 0) AS i
WHERE
  b.outside AND b.table_oid IN (TO_REGCLASS('public.artworks'), TO_REGCLASS('public.artworks_v2'))
  AND NOT EXISTS (SELECT FROM artwork_migration.dependent_at_switch AS h WHERE h.kind = i.type AND h.object = i.identity)
  AND NOT EXISTS (
    SELECT FROM artwork_migration.dependent AS d
    WHERE d.class = b.class AND d.oid = b.oid AND d.object = ANY(CAST(:known AS text[]))
  )
ORDER BY 1
