-- What: the table's own keys and exclusions. A key to another table than the one that owns artworks is an unknown_dependent.
-- Why: the clean table has constraints of its own; anyone who relies on another one must know.
-- Locks: none.
-- Given: owner_table
SELECT
  FORMAT('%s %I', k.kind, k.conname) AS object,
  'stays with the retired table; ' || CASE
    WHEN k.contype IN ('p', 'f') THEN 'the clean table has its own'
    WHEN k.contype = 'u' AND k.columns = ARRAY['access_token'::name] THEN 'the clean table has its own'
    ELSE FORMAT('⚠ the clean table has none like it for %s, so what it forbids is accepted there', ARRAY_TO_STRING(k.columns, ', '))
  END AS action
FROM (
  SELECT
    c.conname,
    c.contype,
    c.confrelid,
    CASE c.contype
      WHEN 'p' THEN 'primary key' WHEN 'u' THEN 'unique key' WHEN 'x' THEN 'exclusion'
      ELSE 'key to ' || REGEXP_REPLACE(c.confrelid::regclass::text, '^public\.', '')
    END AS kind,
    ARRAY(
      SELECT a.attname FROM pg_catalog.pg_attribute AS a
      WHERE a.attrelid = c.conrelid AND a.attnum = ANY(c.conkey)
    ) AS columns
  FROM pg_catalog.pg_constraint AS c
  WHERE c.conrelid = 'public.artworks'::regclass AND c.contype IN ('p', 'u', 'x', 'f')
) AS k
WHERE
  k.contype <> 'f'
  OR (
    k.columns = ARRAY['user_id'::name]
    AND k.confrelid = (SELECT TO_REGCLASS(t.relation) FROM artwork_migration.owner_table AS t)
  )
ORDER BY k.contype, k.conname
