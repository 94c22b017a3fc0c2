-- What: an object of the application that depends on one of our objects in the schema legacy_names, or that is in that schema.
-- Why: nothing is dropped with CASCADE. Dependencies are followed as DROP does.
-- Locks: none.
-- Remedy: Drop it, or create it again on the tables in public, then plan again.
WITH RECURSIVE gone AS (
  SELECT
    o.class,
    o.oid
  FROM artwork_migration.legacy_names_object AS o
  UNION
  SELECT
    d.classid,
    d.objid
  FROM gone AS g
  INNER JOIN pg_catalog.pg_depend AS d ON g.class = d.refclassid AND g.oid = d.refobjid
  WHERE d.deptype = 'i' OR (d.deptype = 'a' AND d.classid <> 'pg_rewrite'::regclass)
)

SELECT DISTINCT
  CASE w.rulename
    WHEN '_RETURN' THEN PG_DESCRIBE_OBJECT('pg_class'::regclass, w.ev_class, 0)
    ELSE PG_DESCRIBE_OBJECT(d.classid, d.objid, 0)
  END AS subject,
  FORMAT('it depends on the %s, which is dropped.', PG_DESCRIBE_OBJECT(d.refclassid, d.refobjid, 0)) AS problem
FROM gone AS g
INNER JOIN pg_catalog.pg_depend AS d ON g.class = d.refclassid AND g.oid = d.refobjid
LEFT JOIN pg_catalog.pg_rewrite AS w ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
WHERE NOT EXISTS (SELECT FROM gone AS o WHERE o.class = d.classid AND o.oid = d.objid)
ORDER BY 1
