-- What: everything that the catalog binds to the table which is called artworks, the definition of every dependent and of the table's own
--   policies, and its parents and subscriptions, which the catalog binds in another way: each object with words for it.
-- Why: the plan holds these definitions. A view or a key created since would be in none of its statements; a view, policy, trigger or
--   publication changed since would get its old definition back. So the plan asks, and its transaction asks again under the locks, in both
--   directions, for one checksum. An object has several rows: a check depends on a column twice, in two ways.
-- Locks: none.
-- Given: bound_object, dependent
SELECT
  b.class,
  b.oid,
  CONCAT_WS(' ', b.class, b.oid, b.is_row_type, b.column_number, b.deptype) AS words
FROM artwork_migration.bound_object AS b
WHERE b.table_oid = TO_REGCLASS('public.artworks')
UNION ALL
SELECT
  d.class,
  d.oid,
  CONCAT_WS(' ', d.class, d.oid, d.definition) AS words
FROM artwork_migration.dependent AS d
UNION ALL
SELECT
  'pg_policy'::regclass::oid AS class,
  p.oid,
  CONCAT_WS(' ', p.oid, PG_GET_EXPR(p.polqual, p.polrelid), PG_GET_EXPR(p.polwithcheck, p.polrelid)) AS words
FROM pg_catalog.pg_policy AS p
WHERE p.polrelid = TO_REGCLASS('public.artworks')
UNION ALL
SELECT
  'pg_class'::regclass::oid AS class,
  i.inhparent AS oid,
  'child of ' || i.inhparent AS words
FROM pg_catalog.pg_inherits AS i
WHERE i.inhrelid = TO_REGCLASS('public.artworks')
UNION ALL
SELECT
  'pg_subscription'::regclass::oid AS class,
  s.srsubid AS oid,
  'written by ' || s.srsubid AS words
FROM pg_catalog.pg_subscription_rel AS s
WHERE s.srrelid = TO_REGCLASS('public.artworks')
