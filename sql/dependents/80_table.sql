-- What: what the table itself has: owner, row level security, comment, storage parameters, place and labels.
-- Why: anyone who approves must know what the clean table gets of it and what it does not get.
-- Locks: none.
SELECT
  s.object,
  s.action
FROM pg_catalog.pg_class AS c
LEFT JOIN pg_catalog.pg_class AS t ON c.reltoastrelid = t.oid
CROSS JOIN
  LATERAL (
    SELECT
      1 AS place,
      FORMAT('owner %I', PG_GET_USERBYID(c.relowner)) AS object,
      'the clean table gets it at deploy-schema' AS action
    UNION ALL
    SELECT
      2,
      'row level security' || CASE WHEN c.relforcerowsecurity THEN ', forced on the owner' ELSE '' END,
      'the clean table gets it at deploy-schema'
    WHERE c.relrowsecurity OR c.relforcerowsecurity
    UNION ALL
    SELECT
      3,
      'comment on the table',
      'the clean table gets it at deploy-schema'
    WHERE OBJ_DESCRIPTION(c.oid, 'pg_class') IS NOT NULL
    UNION ALL
    SELECT
      4,
      'storage parameter ' || o.parameter,
      'the clean table gets it at deploy-schema'
    FROM UNNEST(c.reloptions || ARRAY(SELECT 'toast.' || x.parameter FROM UNNEST(t.reloptions) AS x (parameter))) AS o (parameter)
    UNION ALL
    SELECT
      5,
      FORMAT('tablespace %I', p.spcname),
      'stays with the retired table; the clean table is made in the database''s default tablespace'
    FROM pg_catalog.pg_tablespace AS p
    WHERE p.oid = c.reltablespace
    UNION ALL
    SELECT
      6,
      'UNLOGGED',
      'stays with the retired table; the clean table is logged, so it survives a crash'
    WHERE c.relpersistence = 'u'
    UNION ALL
    SELECT
      7,
      FORMAT('CLUSTER by %s', i.indexrelid::regclass),
      'stays with the retired table; the clean table is clustered by no index'
    FROM pg_catalog.pg_index AS i
    WHERE i.indrelid = c.oid AND i.indisclustered
    UNION ALL
    SELECT
      8,
      FORMAT('security label of %s on %s', l.provider, PG_DESCRIBE_OBJECT(l.classoid, l.objoid, l.objsubid)),
      'stays with the retired table; label artworks_v2 by hand'
    FROM pg_catalog.pg_seclabel AS l
    WHERE l.classoid = 'pg_class'::regclass AND l.objoid = c.oid
  ) AS s
WHERE c.oid = 'public.artworks'::regclass
ORDER BY s.place, s.object
