-- What: the materialized views on artworks: each is built once more on the clean table before the switch, in our schema, with its indexes,
--   owner, grants and comments. Under the lock this twin takes its names, and the old one is called _old. After the commit it is refreshed.
-- Why: built under the lock it would make writers wait; created WITH NO DATA it would fail its readers. In a deparsed definition every name
--   is qualified, so public.artworks outside a literal is always the table. The refresh brings what was written since the twin was built,
--   concurrently where a unique index over all rows allows it. The old one is kept for the rollback.
-- Inverse: in the rows; the twin is dropped.
-- Locks: ACCESS EXCLUSIVE on the materialized view, taken before.
-- Remedy: Drop it before the switch and create it anew after it, or rename it (or its index), or rewrite it on columns that both tables
--   have.
-- Given: bound_to_artworks, column_gone
WITH views AS (
  SELECT
    b.class,
    b.columns,
    n.nspname,
    FORMAT('%I.%I', n.nspname, c.relname) AS name,
    RTRIM(PG_GET_VIEWDEF(c.oid), ';') AS definition,
    c.*
  FROM artwork_migration.bound_to_artworks AS b
  INNER JOIN pg_catalog.pg_class AS c ON b.class = 'pg_class'::regclass AND b.oid = c.oid
  INNER JOIN pg_catalog.pg_namespace AS n ON c.relnamespace = n.oid
  WHERE c.relkind = 'm'
),

-- of each view and of its indexes
names AS (
  SELECT
    v.oid,
    c.relname AS name,
    COUNT(*) OVER (PARTITION BY c.relname) > 1
    OR EXISTS (
      SELECT FROM pg_catalog.pg_class AS x
      WHERE x.relnamespace = TO_REGNAMESPACE('artwork_migration') AND x.relname = c.relname
    ) AS taken
  FROM views AS v
  LEFT JOIN pg_catalog.pg_index AS i ON v.oid = i.indrelid
  INNER JOIN pg_catalog.pg_class AS c ON c.oid IN (v.oid, i.indexrelid)
  GROUP BY v.oid, c.relname
)

SELECT
  FORMAT('materialized view %s', v.name) AS object,
  v.class,
  v.oid,
  CONCAT_WS(' ', v.reloptions, v.definition) AS definition,
  v.relowner AS owner,
  v.oid AS locked,
  'built anew on the clean table before the switch, which swaps the names; refreshed after it; the old one, _old, goes at clean-up'
    AS action,
  CASE
    WHEN EXISTS (SELECT FROM artwork_migration.column_gone AS g WHERE g.absent AND g.number = ANY(v.columns))
      THEN (
        SELECT FORMAT('it reads %s.', STRING_AGG(g.problem, '; ' ORDER BY g.name))
        FROM artwork_migration.column_gone AS g
        WHERE g.absent AND g.number = ANY(v.columns)
      )
    WHEN
      REGEXP_COUNT(v.definition, '\mpublic\.artworks\M')
      > REGEXP_COUNT(REGEXP_REPLACE(v.definition, '''[^'']*''', '', 'g'), '\mpublic\.artworks\M')
      THEN 'it holds a literal in which the table''s name cannot be distinguished from the table.'
    WHEN EXISTS (
      SELECT FROM pg_catalog.pg_depend AS x INNER JOIN pg_catalog.pg_rewrite AS w ON x.objid = w.oid
      WHERE x.classid = 'pg_rewrite'::regclass AND x.refobjid = v.oid AND w.ev_class <> v.oid
    ) THEN 'another view reads it, and would go on reading the retired one.'
    WHEN EXISTS (SELECT FROM names AS n WHERE n.oid = v.oid AND OCTET_LENGTH(n.name) > 59)
      THEN 'its name, or an index''s, has no room for _old.'
    WHEN EXISTS (SELECT FROM names AS n WHERE n.oid = v.oid AND n.taken)
      THEN 'its name, or an index''s, is also that of another one of these or of a table of our schema, in which the twins are built.'
    ELSE (
      SELECT FORMAT('the name %I.%I is taken.', v.nspname, MIN(n.name || '_old'))
      FROM names AS n
      WHERE n.oid = v.oid AND TO_REGCLASS(FORMAT('%I.%I', v.nspname, n.name || '_old')) IS NOT NULL
      HAVING COUNT(*) > 0
    )
  END AS problem,
  (
    SELECT JSONB_AGG(TO_JSONB(s) - 'place' ORDER BY s.place, s."do")
    FROM (
      SELECT
        t.place,
        'twin of materialized view ' || v.name AS object,
        'prepare' AS stage,
        t."do",
        NULL AS undo,
        'locked' AS undo_stage,
        'ACCESS SHARE on what the view reads, for as long as it takes.' AS lock,
        NULL AS waits_on
      FROM (
        SELECT
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
        UNION ALL
        SELECT
          2,
          REPLACE(
            PG_GET_INDEXDEF(i.indexrelid), FORMAT(' ON %s USING ', v.name), FORMAT(' ON artwork_migration.%I USING ', v.relname)
          )
        FROM pg_catalog.pg_index AS i
        WHERE i.indrelid = v.oid
        UNION ALL
        SELECT
          3,
          FORMAT('SELECT artwork_migration.revoke_from_all(''TABLE'', %L)', FORMAT('artwork_migration.%I', v.relname))
        UNION ALL
        SELECT
          4,
          FORMAT(
            'GRANT %s%s ON artwork_migration.%I TO %s%s',
            acl.privilege_type,
            g.column_list,
            v.relname,
            CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE QUOTE_IDENT(PG_GET_USERBYID(acl.grantee)) END,
            CASE WHEN acl.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END
          )
        FROM (
          SELECT
            '' AS column_list,
            v.relacl AS acl
          UNION ALL
          SELECT
            FORMAT(' (%I)', a.attname),
            a.attacl
          FROM pg_catalog.pg_attribute AS a
          WHERE a.attrelid = v.oid AND NOT a.attisdropped
        ) AS g
        CROSS JOIN LATERAL ACLEXPLODE(g.acl) AS acl
        WHERE g.column_list <> '' OR acl.grantee <> v.relowner
        UNION ALL
        SELECT
          5,
          FORMAT('COMMENT ON MATERIALIZED VIEW artwork_migration.%I IS %L', v.relname, OBJ_DESCRIPTION(v.oid, 'pg_class'))
        WHERE OBJ_DESCRIPTION(v.oid, 'pg_class') IS NOT NULL
        UNION ALL
        SELECT
          5,
          FORMAT('COMMENT ON COLUMN artwork_migration.%I.%I IS %L', v.relname, a.attname, COL_DESCRIPTION(v.oid, a.attnum))
        FROM pg_catalog.pg_attribute AS a
        WHERE a.attrelid = v.oid AND COL_DESCRIPTION(v.oid, a.attnum) IS NOT NULL
        UNION ALL
        SELECT
          6,
          FORMAT('ALTER MATERIALIZED VIEW artwork_migration.%I OWNER TO %I', v.relname, PG_GET_USERBYID(v.relowner))
      ) AS t
      UNION ALL
      SELECT
        t.place,
        'materialized view ' || v.name,
        'locked',
        t."do",
        t.undo,
        'locked',
        NULL,
        NULL
      FROM (
        SELECT
          7 AS place,
          FORMAT('ALTER MATERIALIZED VIEW %s RENAME TO %I', v.name, v.relname || '_old') AS "do",
          FORMAT('ALTER MATERIALIZED VIEW %I.%I RENAME TO %I', v.nspname, v.relname || '_old', v.relname) AS undo
        UNION ALL
        SELECT
          8,
          FORMAT('ALTER INDEX %I.%I RENAME TO %I', v.nspname, c.relname, c.relname || '_old'),
          FORMAT('ALTER INDEX %I.%I RENAME TO %I', v.nspname, c.relname || '_old', c.relname)
        FROM pg_catalog.pg_index AS i
        INNER JOIN pg_catalog.pg_class AS c ON i.indexrelid = c.oid
        WHERE i.indrelid = v.oid
        UNION ALL
        SELECT
          9,
          FORMAT('ALTER MATERIALIZED VIEW artwork_migration.%I SET SCHEMA %I', v.relname, v.nspname),
          FORMAT('DROP MATERIALIZED VIEW IF EXISTS %s', v.name)
      ) AS t
      UNION ALL
      SELECT
        10 AS place,
        FORMAT('materialized view %s refreshed', v.name) AS object,
        'after' AS stage,
        t.statement AS "do",
        t.statement AS undo,
        'after' AS undo_stage,
        'EXCLUSIVE on the materialized view, which lets readers go on; without such an index ACCESS EXCLUSIVE, as any refresh of it.'
          AS lock,
        v.name AS waits_on
      FROM (
        SELECT
          FORMAT(
            'REFRESH MATERIALIZED VIEW %s%s',
            CASE
              WHEN v.relispopulated AND EXISTS (
                SELECT FROM pg_catalog.pg_index AS i
                WHERE i.indrelid = v.oid AND i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL
              ) THEN 'CONCURRENTLY '
              ELSE ''
            END,
            v.name
          ) AS statement
      ) AS t
    ) AS s
  ) AS steps
FROM views AS v
ORDER BY 1
