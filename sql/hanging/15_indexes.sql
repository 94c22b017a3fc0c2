-- What: the table's indexes that no constraint has made: unique, partial and of expressions too.
-- Why: none of them goes along; the clean table has those of the product's queries (migrate/after_copy/10_indexes).
-- Locks: none.
SELECT
  FORMAT('%s (%s)', i.indexrelid::regclass, REGEXP_REPLACE(PG_GET_INDEXDEF(i.indexrelid), '^.* USING ', '')) AS object,
  'stays with the retired table' || CASE WHEN i.indisunique THEN ', and what it kept unique is free in the clean one' ELSE '' END
  || '; the clean table has indexes for the product''s queries: make any other on artworks_v2 after migrate_data' AS fate
FROM pg_catalog.pg_index AS i
WHERE
  i.indrelid = 'public.artworks'::regclass
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint AS k WHERE k.conindid = i.indexrelid AND k.conrelid = i.indrelid)
ORDER BY 1
