-- What: the view of what is bound to the serving table, to the view artworks_v2 or to the row type of either, and the list of what it
--   shows when the names have changed hands (64), with the names that the way back gives back.
-- Why: the way back must know what has come, or gone, since. The list is in names: numbers of the catalog do not tell what is new, because
--   an older function may be replaced by one that is bound, and a database that was restored from a dump has other numbers.
-- Locks: none on a table of the application.
-- Stage: prepare
CREATE VIEW artwork_migration.bound_to_artworks AS
WITH bound AS (
  SELECT
    'pg_class'::regclass AS classid,
    c.oid
  FROM pg_catalog.pg_class AS c
  WHERE c.oid IN (TO_REGCLASS('public.artworks'), TO_REGCLASS('public.artworks_v2'))
  UNION ALL
  SELECT
    'pg_type'::regclass AS classid,
    t.oid
  FROM pg_catalog.pg_type AS r
  CROSS JOIN LATERAL UNNEST(ARRAY[r.oid, r.typarray]) AS t (oid)
  WHERE r.typrelid IN (TO_REGCLASS('public.artworks'), TO_REGCLASS('public.artworks_v2'))
)

SELECT DISTINCT
  CASE WHEN v.oid IS NULL THEN d.classid ELSE 'pg_class'::regclass END AS classid,
  COALESCE(v.oid, d.objid) AS objid
FROM pg_catalog.pg_depend AS d
INNER JOIN bound AS b ON d.refclassid = b.classid AND d.refobjid = b.oid
LEFT JOIN pg_catalog.pg_rewrite AS w ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
LEFT JOIN pg_catalog.pg_class AS v ON w.ev_class = v.oid AND w.rulename = '_RETURN'
LEFT JOIN pg_catalog.pg_class AS r ON d.classid = 'pg_class'::regclass AND d.objid = r.oid
LEFT JOIN pg_catalog.pg_proc AS f ON d.classid = 'pg_proc'::regclass AND d.objid = f.oid
LEFT JOIN pg_catalog.pg_policy AS p ON d.classid = 'pg_policy'::regclass AND d.objid = p.oid
LEFT JOIN pg_catalog.pg_constraint AS k ON d.classid = 'pg_constraint'::regclass AND d.objid = k.oid
LEFT JOIN pg_catalog.pg_trigger AS g ON d.classid = 'pg_trigger'::regclass AND d.objid = g.oid
WHERE
  (d.deptype = 'n' OR d.classid IN ('pg_trigger'::regclass, 'pg_publication_rel'::regclass))
  AND COALESCE(v.relnamespace, r.relnamespace, f.pronamespace) IS DISTINCT FROM 'artwork_migration'::regnamespace
  -- its own policies and grants are compared with the retired table's; its own keys and checks stay with it
  AND p.polrelid IS DISTINCT FROM TO_REGCLASS('public.artworks') AND k.conrelid IS DISTINCT FROM TO_REGCLASS('public.artworks')
  AND g.tgisinternal IS NOT TRUE AND STARTS_WITH(LOWER(g.tgname), 'artwork_migration_') IS NOT TRUE;

CREATE TABLE artwork_migration.dependent_at_switch (
  kind text NOT NULL,
  object text NOT NULL,
  name text,
  CONSTRAINT dependent_at_switch_pkey PRIMARY KEY (kind, object)
);

-- Undo:
-- Why: the way back has asked them, and another switch makes its own.
DROP TABLE artwork_migration.dependent_at_switch;
DROP VIEW artwork_migration.bound_to_artworks;
