-- What: writes what depends on the serving table now, and the names of its parts, into the list.
-- Why: nothing is created after it in this transaction, and from the commit on others may create more.
-- Inverse: dependent_at_switch drops the list as a whole.
-- Locks: none beyond those taken.
-- Stage: locked
INSERT INTO artwork_migration.dependent_at_switch (kind, object, name)
SELECT
  n.type,
  n.identity,
  h.name
FROM (
  SELECT DISTINCT
    b.class AS classid,
    b.oid AS objid,
    0 AS objsubid,
    g.tgname AS name
  FROM artwork_migration.bound_object AS b
  LEFT JOIN pg_catalog.pg_trigger AS g ON b.class = 'pg_trigger'::regclass AND b.oid = g.oid
  WHERE b.outside AND b.table_oid IN (TO_REGCLASS('public.artworks'), TO_REGCLASS('public.artworks_v2'))
  UNION ALL
  SELECT
    'pg_constraint'::regclass AS classid,
    k.oid AS objid,
    0 AS objsubid,
    k.conname AS name
  FROM pg_catalog.pg_constraint AS k
  WHERE k.conrelid IN ('public.artworks'::regclass, 'public.artworks_old'::regclass) AND k.contype <> 't'
  UNION ALL
  SELECT
    'pg_class'::regclass AS classid,
    c.oid AS objid,
    0 AS objsubid,
    c.relname AS name
  FROM pg_catalog.pg_index AS i
  INNER JOIN pg_catalog.pg_class AS c ON i.indexrelid = c.oid
  WHERE i.indrelid IN ('public.artworks'::regclass, 'public.artworks_old'::regclass)
  UNION ALL
  SELECT
    'pg_class'::regclass AS classid,
    a.attrelid AS objid,
    a.attnum AS objsubid,
    a.attname AS name
  FROM pg_catalog.pg_attribute AS a
  WHERE a.attrelid = 'public.artworks'::regclass AND a.attnum > 0 AND NOT a.attisdropped
) AS h
CROSS JOIN LATERAL PG_IDENTIFY_OBJECT(h.classid, h.objid, h.objsubid) AS n
