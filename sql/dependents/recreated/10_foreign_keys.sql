-- What: the foreign keys of other tables to artworks: recreated from their own definition, validated after the commit.
-- Why: a key is bound to the table, its definition to the name. NOT VALID under the lock, because validation reads the whole table.
-- Inverse: in the rows: the same statements, once the tables have their old names.
-- Locks: ACCESS EXCLUSIVE on the referencing table, taken before.
-- Remedy: Drop the key before the switch and create it anew after it.
-- Given: bound_to_artworks
SELECT
  k.object,
  k.class,
  k.oid,
  k.definition,
  (SELECT c.relowner FROM pg_catalog.pg_class AS c WHERE c.oid = k.conrelid) AS owner,
  k.conrelid AS locked,
  FORMAT(
    '%s: captured from deploy-schema on; recreated at the switch, it references the clean table then%s',
    k.definition,
    CASE WHEN k.convalidated THEN ', validated after it' ELSE '' END
  ) AS action,
  CASE
    WHEN (SELECT c.relkind FROM pg_catalog.pg_class AS c WHERE c.oid = k.conrelid) <> 'r'
      THEN 'its table is partitioned, and such a key cannot be added without checking it under the lock.'
    WHEN
      TO_REGCLASS('public.artworks_v2') IS NOT NULL
      AND NOT EXISTS (
        SELECT
        FROM pg_catalog.pg_trigger AS g
        INNER JOIN pg_catalog.pg_attribute AS a ON g.tgrelid = a.attrelid
        WHERE
          g.tgrelid = k.conrelid AND a.attnum = k.conkey[1] AND STARTS_WITH(LOWER(g.tgname), 'artwork_migration_')
          AND g.tgargs = CONVERT_TO(a.attname, GETDATABASEENCODING()) || '\x00'::bytea
      )
      THEN 'it was created after deploy-schema, so what references artworks by it is not captured.'
  END AS problem,
  (
    SELECT JSONB_AGG(TO_JSONB(s) ORDER BY s.stage DESC)
    FROM (
      SELECT
        k.object,
        'locked' AS stage,
        t.statement AS "do",
        t.statement AS undo,
        'named' AS undo_stage,
        NULL AS lock,
        NULL AS kind,
        NULL AS waits_on
      FROM (
        SELECT
          FORMAT(
            'ALTER TABLE %1$s DROP CONSTRAINT %2$I; ALTER TABLE %1$s ADD CONSTRAINT %2$I %3$s%4$s',
            k.conrelid::regclass,
            k.conname,
            REGEXP_REPLACE(k.definition, ' NOT VALID$', ''),
            CASE WHEN k.definition LIKE '%NOT ENFORCED' THEN '' ELSE ' NOT VALID' END
          )
          || COALESCE(
            FORMAT('; COMMENT ON CONSTRAINT %I ON %s IS %L', k.conname, k.conrelid::regclass, OBJ_DESCRIPTION(k.oid, 'pg_constraint')), ''
          ) AS statement
      ) AS t
      UNION ALL
      SELECT
        k.object || ' validated' AS object,
        'after' AS stage,
        t.statement AS "do",
        t.statement AS undo,
        'after' AS undo_stage,
        'SHARE UPDATE EXCLUSIVE on the referencing table, ROW SHARE on artworks: nobody waits.' AS lock,
        'validation' AS kind,
        k.conrelid::regclass::text AS waits_on
      FROM (SELECT FORMAT('ALTER TABLE %s VALIDATE CONSTRAINT %I', k.conrelid::regclass, k.conname) AS statement) AS t
      WHERE k.convalidated
    ) AS s
  ) AS steps
FROM (
  SELECT
    FORMAT('key %s on %s', c.conname, c.conrelid::regclass) AS object,
    b.class,
    PG_GET_CONSTRAINTDEF(c.oid) AS definition,
    c.*
  FROM artwork_migration.bound_to_artworks AS b
  INNER JOIN pg_catalog.pg_constraint AS c ON b.class = 'pg_constraint'::regclass AND b.oid = c.oid
  WHERE c.contype = 'f'
) AS k
ORDER BY k.object
