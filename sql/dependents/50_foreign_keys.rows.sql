-- What: the foreign keys of other tables to artworks, said again once the names have changed hands.
-- Why: a key is bound to the table, its text to the name. NOT VALID, because checking reads the whole table; that comes after the commit
--   (70).
-- Inverse: in the rows: the same words, once the names are the old ones.
-- Locks: ACCESS EXCLUSIVE on the referencing table, taken before.
-- Stage: locked
-- Remedy: Drop the key before the switch and create it anew after it.
SELECT
  FORMAT('key %s on %s', k.conname, k.conrelid::regclass) AS object,
  s.statement AS "do",
  s.statement AS undo,
  'named' AS undo_stage,
  FORMAT(
    '%s: captured from deploy_schema on; said again at the switch, it leads to the clean table then%s',
    s.definition,
    CASE WHEN k.convalidated THEN ', validated after it' ELSE '' END
  ) AS action,
  CASE
    WHEN c.relkind <> 'r' THEN 'its table is partitioned, and such a key cannot be added without checking it under the lock.'
    WHEN
      TO_REGCLASS('public.artworks_v2') IS NOT NULL
      AND NOT EXISTS (
        SELECT
        FROM pg_catalog.pg_trigger AS g
        WHERE
          g.tgrelid = c.oid AND STARTS_WITH(LOWER(g.tgname), 'artwork_migration_')
          AND g.tgargs = CONVERT_TO(a.attname, GETDATABASEENCODING()) || '\x00'::bytea
      )
      THEN 'it was made after deploy_schema, so what references artworks by it is not captured.'
  END AS problem
FROM pg_catalog.pg_constraint AS k
INNER JOIN pg_catalog.pg_class AS c ON k.conrelid = c.oid
INNER JOIN pg_catalog.pg_attribute AS a ON k.conrelid = a.attrelid AND k.conkey[1] = a.attnum
CROSS JOIN
  LATERAL (
    SELECT
      d.definition,
      FORMAT(
        'ALTER TABLE %1$s DROP CONSTRAINT %2$I; ALTER TABLE %1$s ADD CONSTRAINT %2$I %3$s%4$s',
        k.conrelid::regclass,
        k.conname,
        REGEXP_REPLACE(d.definition, ' NOT VALID$', ''),
        CASE WHEN d.definition LIKE '%NOT ENFORCED' THEN '' ELSE ' NOT VALID' END
      )
      || COALESCE(
        FORMAT('; COMMENT ON CONSTRAINT %I ON %s IS %L', k.conname, k.conrelid::regclass, OBJ_DESCRIPTION(k.oid, 'pg_constraint')), ''
      ) AS statement
    FROM (SELECT PG_GET_CONSTRAINTDEF(k.oid) AS definition) AS d
  ) AS s
WHERE k.contype = 'f' AND k.confrelid = 'public.artworks'::regclass AND k.conrelid <> k.confrelid AND k.conparentid = 0
ORDER BY 1
