-- What: builds each materialized view on artworks once more, on the clean table, in our schema: with its indexes, owner, grants and
--   comments.
-- Why: built under the lock it would make writers wait, made WITH NO DATA it would fail its readers. Under the lock only names are
--   swapped (55). In a deparsed text every name is a full one, so the table is public.artworks wherever it stands outside a literal.
-- Inverse: 55_materialized_views.rows.sql drops it on the way back.
-- Locks: ACCESS SHARE on what the view reads, for as long as it takes.
-- Stage: prepare
-- Remedy: Drop it before the switch and create it anew after it, or rename it (or its index), or rewrite it on columns that both tables
--   have.
-- Given: column_gone
WITH views AS (
  SELECT DISTINCT
    c.oid,
    c.relname,
    c.relnamespace::regnamespace::text AS schema_name,
    c.oid::regclass::text AS object,
    c.relowner,
    c.relacl,
    c.reloptions,
    RTRIM(PG_GET_VIEWDEF(c.oid), ';') AS definition,
    (
      SELECT STRING_AGG(g.name, ', ')
      FROM pg_catalog.pg_depend AS x INNER JOIN artwork_migration.column_gone AS g ON x.refobjsubid = g.number
      WHERE x.classid = 'pg_rewrite'::regclass AND x.objid = w.oid AND x.refobjid = d.refobjid
    ) AS gone
  FROM pg_catalog.pg_depend AS d
  INNER JOIN pg_catalog.pg_rewrite AS w ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
  INNER JOIN pg_catalog.pg_class AS c ON w.ev_class = c.oid
  WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = 'public.artworks'::regclass AND c.relkind = 'm'
),

names AS (
  SELECT
    v.oid,
    c.relname,
    COUNT(*) OVER (PARTITION BY c.relname) > 1
    OR EXISTS (
      SELECT FROM pg_catalog.pg_class AS x
      WHERE x.relnamespace = TO_REGNAMESPACE('artwork_migration') AND x.relname = c.relname
    ) AS taken
  FROM views AS v
  LEFT JOIN pg_catalog.pg_index AS i ON v.oid = i.indrelid
  INNER JOIN pg_catalog.pg_class AS c ON c.oid IN (v.oid, i.indexrelid)
  GROUP BY v.oid, c.relname
),

grants AS (
  SELECT
    v.oid,
    acl.grantee,
    acl.privilege_type,
    acl.is_grantable,
    '' AS column_list
  FROM views AS v
  CROSS JOIN LATERAL ACLEXPLODE(v.relacl) AS acl
  WHERE acl.grantee <> v.relowner
  UNION ALL
  SELECT
    v.oid,
    acl.grantee,
    acl.privilege_type,
    acl.is_grantable,
    FORMAT(' (%I)', a.attname)
  FROM views AS v
  INNER JOIN pg_catalog.pg_attribute AS a ON v.oid = a.attrelid AND NOT a.attisdropped
  CROSS JOIN LATERAL ACLEXPLODE(a.attacl) AS acl
),

steps AS (
  SELECT
    v.oid,
    1 AS place,
    FORMAT(
      'CREATE MATERIALIZED VIEW artwork_migration.%I%s AS %s',
      v.relname,
      ' WITH (' || ARRAY_TO_STRING(v.reloptions, ', ') || ')',
      REGEXP_REPLACE(
        REGEXP_REPLACE(v.definition, '\mpublic\.artworks\M(?=\s+[a-z_"])', 'public.artworks_v2', 'g'),
        '\mpublic\.artworks\M', 'public.artworks_v2 artworks', 'g'
      )
    ) AS "do"
  FROM views AS v
  UNION ALL
  SELECT
    v.oid,
    2,
    REPLACE(
      PG_GET_INDEXDEF(i.indexrelid),
      FORMAT(' ON %s.%I USING ', v.schema_name, v.relname),
      FORMAT(' ON artwork_migration.%I USING ', v.relname)
    )
  FROM views AS v
  INNER JOIN pg_catalog.pg_index AS i ON v.oid = i.indrelid
  UNION ALL
  SELECT
    v.oid,
    3,
    FORMAT('SELECT artwork_migration.revoke_from_all(''TABLE'', %L)', FORMAT('artwork_migration.%I', v.relname))
  FROM views AS v
  UNION ALL
  SELECT
    v.oid,
    4,
    FORMAT(
      'GRANT %s%s ON artwork_migration.%I TO %s%s',
      g.privilege_type,
      g.column_list,
      v.relname,
      CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE QUOTE_IDENT(PG_GET_USERBYID(g.grantee)) END,
      CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END
    )
  FROM views AS v
  INNER JOIN grants AS g ON v.oid = g.oid
  UNION ALL
  SELECT
    v.oid,
    5,
    FORMAT(
      'COMMENT ON %s IS %L',
      CASE t.objsubid
        WHEN 0 THEN FORMAT('MATERIALIZED VIEW artwork_migration.%I', v.relname)
        ELSE
          FORMAT(
            'COLUMN artwork_migration.%I.%I',
            v.relname,
            (SELECT a.attname FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = v.oid AND a.attnum = t.objsubid)
          )
      END,
      t.description
    )
  FROM views AS v
  INNER JOIN pg_catalog.pg_description AS t ON v.oid = t.objoid AND t.classoid = 'pg_class'::regclass
  UNION ALL
  SELECT
    v.oid,
    6,
    FORMAT('ALTER MATERIALIZED VIEW artwork_migration.%I OWNER TO %I', v.relname, PG_GET_USERBYID(v.relowner))
  FROM views AS v
)

SELECT
  FORMAT('twin of materialized view %s', v.object) AS object,
  s."do",
  NULL AS undo,
  CASE
    WHEN v.gone IS NOT NULL THEN FORMAT('it reads %s, which the clean table does not have.', v.gone)
    WHEN
      REGEXP_COUNT(v.definition, '\mpublic\.artworks\M')
      > REGEXP_COUNT(REGEXP_REPLACE(v.definition, '''[^'']*''', '', 'g'), '\mpublic\.artworks\M')
      THEN 'it holds a literal in which the table''s name cannot be told from the table.'
    WHEN EXISTS (
      SELECT FROM pg_catalog.pg_depend AS x INNER JOIN pg_catalog.pg_rewrite AS w ON x.objid = w.oid
      WHERE x.classid = 'pg_rewrite'::regclass AND x.refobjid = v.oid AND w.ev_class <> v.oid
    ) THEN 'another view reads it, and would go on reading the retired one.'
    WHEN EXISTS (SELECT FROM names AS n WHERE n.oid = v.oid AND OCTET_LENGTH(n.relname) > 59)
      THEN 'its name, or an index''s, has no room for _old.'
    WHEN EXISTS (SELECT FROM names AS n WHERE n.oid = v.oid AND n.taken)
      THEN 'its name, or an index''s, is that of another one of these or of a table of ours; the twins stand in one schema.'
  END AS problem
FROM steps AS s
INNER JOIN views AS v ON s.oid = v.oid
ORDER BY v.object, s.place, s."do"
