-- What: one checksum over everything that the catalog binds to the table which is called artworks, over the definition of every dependent
--   and of the table's own policies, and over its parents and subscriptions, which the catalog binds in another way.
-- Why: the plan holds these definitions. A view or a key created since would be in none of its statements; a view, policy, trigger or
--   publication changed since would get its old definition back. So the plan asks, and its transaction asks again under the locks, in both
--   directions. Sorted by the words: a check depends on a column twice, in two ways.
-- Locks: none.
-- Given: bound_object, dependent
SELECT MD5(STRING_AGG(w.words, ',' ORDER BY w.words)) AS checksum
FROM (
  SELECT CONCAT_WS(' ', b.class, b.oid, b.is_row_type, b.column_number, b.deptype) AS words
  FROM artwork_migration.bound_object AS b
  WHERE b.table_oid = TO_REGCLASS('public.artworks')
  UNION ALL
  SELECT CONCAT_WS(' ', d.class, d.oid, d.definition)
  FROM artwork_migration.dependent AS d
  UNION ALL
  SELECT CONCAT_WS(' ', p.oid, PG_GET_EXPR(p.polqual, p.polrelid), PG_GET_EXPR(p.polwithcheck, p.polrelid))
  FROM pg_catalog.pg_policy AS p
  WHERE p.polrelid = TO_REGCLASS('public.artworks')
  UNION ALL
  SELECT 'child of ' || i.inhparent
  FROM pg_catalog.pg_inherits AS i
  WHERE i.inhrelid = TO_REGCLASS('public.artworks')
  UNION ALL
  SELECT 'written by ' || s.srsubid
  FROM pg_catalog.pg_subscription_rel AS s
  WHERE s.srrelid = TO_REGCLASS('public.artworks')
) AS w
