-- What: a column that is named like a reference to artworks, has its type, and has no foreign key; and that no decision accepts.
-- Why: the migration follows references by their keys. An artwork that is excluded and referenced without a key stays behind, and an order
--   would lead to no artwork.
-- Locks: none.
-- Remedy: Add the foreign key (NOT VALID where some rows lead to nothing); its ON DELETE action is your choice. Or, if the column holds
--   something else, or its rows may lose their artwork, decide so.
-- Given: decision
WITH accepted AS (
  SELECT STRING_TO_ARRAY(d.value, ',') AS names
  FROM artwork_migration.decision AS d
  WHERE d.name = 'accept_references_without_key'
  ORDER BY d.number DESC
  LIMIT 1
),

found AS (
  SELECT
    c.oid::regclass AS relation,
    a.attname AS name,
    FORMAT('%s.%I', c.oid::regclass, a.attname) AS subject
  FROM pg_catalog.pg_attribute AS a
  INNER JOIN pg_catalog.pg_class AS c ON a.attrelid = c.oid AND c.relkind IN ('r', 'p') AND NOT c.relispartition
  INNER JOIN pg_catalog.pg_namespace AS n ON c.relnamespace = n.oid
  WHERE
    LOWER(a.attname) IN ('artwork_id', 'artworks_id', 'artworkid') AND a.atttypid = 'uuid'::regtype AND NOT a.attisdropped
    AND n.nspname !~ '^(pg_|information_schema$|artwork_migration$)' AND c.relpersistence <> 't'
    AND NOT EXISTS (
      SELECT FROM pg_catalog.pg_constraint AS k
      WHERE
        k.contype = 'f' AND k.conrelid = c.oid AND a.attnum = ANY(k.conkey) AND k.confrelid = TO_REGCLASS('public.artworks')
    )
)

SELECT
  f.subject,
  'it is named like a reference to artworks and has no foreign key, so the migration does not know which artworks it needs.' AS problem,
  FORMAT('ALTER TABLE %s ADD FOREIGN KEY (%I) REFERENCES public.artworks (id) NOT VALID', f.relation, f.name) AS statement,
  'accept_references_without_key ' || (SELECT STRING_AGG(o.subject, ',' ORDER BY o.subject) FROM found AS o) AS decision
FROM found AS f
WHERE NOT EXISTS (SELECT FROM accepted AS d WHERE f.subject = ANY(d.names))
ORDER BY f.subject
