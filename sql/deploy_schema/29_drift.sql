-- What: monitored_objects, the objects that capture and write-through rely on as they are now, and the view drift, their difference to the
--   baseline.
-- Why: pg_restore and ALTER TABLE … DISABLE TRIGGER ALL report nothing, and neither does a new column or foreign key. An object that may
--   differ is no drift once the decision accept_drift names it; one that hides writes from us can only be fixed.
-- Locks: none on a table of the application.
-- Stage: prepare

-- It sets its own settings: the text of an object must be the same in every session.
CREATE FUNCTION artwork_migration.monitored_objects() RETURNS TABLE (kind text, subject text, words text, may_differ boolean)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET TimeZone = 'UTC' SET DateStyle = 'ISO' SET IntervalStyle = 'postgres'
SET extra_float_digits = 1 SET quote_all_identifiers = off
AS $$
  SELECT
    'trigger' AS kind,
    FORMAT('trigger %I on %s', g.tgname, g.tgrelid::regclass) AS subject,
    CASE g.tgenabled WHEN 'A' THEN '' ELSE FORMAT('(%s) ', g.tgenabled) END || PG_GET_TRIGGERDEF(g.oid) AS words,
    FALSE AS may_differ
  FROM pg_catalog.pg_trigger AS g
  WHERE
    NOT g.tgisinternal
    AND (STARTS_WITH(LOWER(g.tgname), 'artwork_migration_') OR g.tgfoid = (SELECT TO_REGPROCEDURE('public.artwork_lifecycle()')))
  UNION ALL
  SELECT
    'function' AS kind,
    'function ' || p.oid::regprocedure AS subject,
    MD5(PG_GET_FUNCTIONDEF(p.oid)) AS words,
    FALSE AS may_differ
  FROM pg_catalog.pg_proc AS p
  WHERE
    p.pronamespace = (SELECT TO_REGNAMESPACE('artwork_migration'))
    OR p.oid IN (SELECT o.oid FROM artwork_migration.legacy_names_object AS o WHERE o.class = 'pg_proc'::regclass)
    OR p.oid = (SELECT TO_REGPROCEDURE('public.artwork_lifecycle()'))
  UNION ALL
  SELECT
    'view' AS kind,
    'view ' || v.oid::regclass AS subject,
    -- only that it exists: its text follows the names of tables and columns
    'there' AS words,
    FALSE AS may_differ
  FROM pg_catalog.pg_class AS v
  WHERE
    v.relkind = 'v'
    AND (
      v.relnamespace = (SELECT TO_REGNAMESPACE('artwork_migration'))
      OR v.oid IN (SELECT o.oid FROM artwork_migration.legacy_names_object AS o WHERE o.class = 'pg_class'::regclass)
    )
  UNION ALL
  SELECT
    'column' AS kind,
    FORMAT('column %I on %s', a.attname, a.attrelid::regclass) AS subject,
    FORMAT_TYPE(a.atttypid, a.atttypmod) || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END AS words,
    TRUE AS may_differ
  FROM pg_catalog.pg_attribute AS a
  WHERE a.attrelid = (SELECT TO_REGCLASS('public.artworks')) AND a.attnum > 0 AND NOT a.attisdropped
  UNION ALL
  SELECT
    'key' AS kind,
    FORMAT('constraint %I on %s', k.conname, k.conrelid::regclass) AS subject,
    REPLACE(PG_GET_CONSTRAINTDEF(k.oid), ' NOT VALID', '') AS words,
    TRUE AS may_differ
  FROM pg_catalog.pg_constraint AS k
  WHERE k.conrelid = (SELECT TO_REGCLASS('public.artworks')) AND k.contype IN ('c', 'f', 'p', 'u', 'x')
  UNION ALL
  SELECT
    'key' AS kind,
    'index ' || i.indexrelid::regclass AS subject,
    PG_GET_INDEXDEF(i.indexrelid) AS words,
    TRUE AS may_differ
  FROM pg_catalog.pg_index AS i
  WHERE
    i.indrelid = (SELECT TO_REGCLASS('public.artworks')) AND i.indisunique
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint AS k WHERE k.conindid = i.indexrelid AND k.conrelid = i.indrelid)
  UNION ALL
  SELECT
    'reference' AS kind,
    FORMAT('constraint %I on %s', k.conname, k.conrelid::regclass) AS subject,
    -- a key that is not validated yet is one of our steps, not a change
    REPLACE(PG_GET_CONSTRAINTDEF(k.oid), ' NOT VALID', '') AS words,
    -- writes through the partitioned table itself are captured
    k.conparentid <> 0 AS may_differ
  FROM pg_catalog.pg_constraint AS k
  WHERE k.confrelid = (SELECT TO_REGCLASS('public.artworks')) AND k.contype = 'f' AND k.conrelid <> k.confrelid
$$;

CREATE VIEW artwork_migration.drift AS
WITH remembered AS (
  SELECT
    m.kind,
    m.subject,
    m.words,
    m.may_differ
  FROM artwork_migration.baseline_object AS m
  -- 'clean' as long as there is such a row
  WHERE m.serving = (SELECT MIN(x.serving) FROM artwork_migration.baseline_object AS x)
),

compared AS (
  SELECT
    COALESCE(r.kind, w.kind) AS kind,
    COALESCE(r.subject, w.subject) AS subject,
    r.words AS before,
    w.words,
    COALESCE(w.may_differ, r.may_differ) AS may_differ
  FROM remembered AS r
  FULL JOIN artwork_migration.monitored_objects() AS w ON r.subject = w.subject
  -- an additional trigger, function or view in our schema hides no write
  WHERE
    r.subject IS NOT NULL
    OR (w.kind NOT IN ('trigger', 'function', 'view') AND (SELECT MIN(x.serving) FROM artwork_migration.baseline_object AS x) = 'legacy')
)

SELECT
  c.kind,
  c.subject,
  CASE
    WHEN c.before IS NULL THEN FORMAT('it appeared since: %s.', c.words)
    WHEN c.words IS NULL THEN 'it is missing.' || CASE WHEN c.kind IN ('function', 'view') THEN '' ELSE FORMAT(' It was: %s.', c.before) END
    WHEN c.kind = 'function' THEN 'its definition, its settings or its privileges have changed.'
    WHEN c.words LIKE '(_) %' AND SUBSTRING(c.words FROM 5) = c.before THEN 'it is disabled, or does not always fire.'
    ELSE FORMAT('it was %s and is %s.', c.before, c.words)
  END AS problem
FROM compared AS c
WHERE
  c.before IS DISTINCT FROM c.words
  -- a dropped or renamed table has no triggers to report
  AND NOT (
    c.kind = 'trigger' AND c.words IS NULL AND NOT EXISTS (
      SELECT FROM pg_catalog.pg_class AS r
      INNER JOIN pg_catalog.pg_namespace AS n ON r.relnamespace = n.oid
      WHERE
        r.relkind IN ('r', 'p', 'v')
        AND RIGHT(c.subject, LENGTH(FORMAT(' on %I.%I', n.nspname, r.relname))) = FORMAT(' on %I.%I', n.nspname, r.relname)
    )
  )
  AND NOT (
    c.may_differ
    AND EXISTS (
      SELECT FROM (
        SELECT d.value FROM artwork_migration.decision AS d WHERE d.name = 'accept_drift' ORDER BY d.number DESC LIMIT 1
      ) AS a
      WHERE c.subject = ANY(STRING_TO_ARRAY(a.value, ','))
    )
  );

-- Undo:
DROP VIEW artwork_migration.drift;
DROP FUNCTION artwork_migration.monitored_objects();
