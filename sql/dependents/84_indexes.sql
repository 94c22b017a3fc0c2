-- What: the table's indexes that belong to no constraint: unique, partial and of expressions too; each with the clean table's own index
--   that does its work.
-- Why: none of them is carried over; the clean table has those of the product's queries (migrate_data/post_copy/10_indexes). A clean index
--   does the work of one whose columns are its first ones; what a unique one forbids is free all the same.
-- Locks: none.
SELECT
  FORMAT('%s (%s)', s.indexrelid::regclass, s.definition) AS object,
  CASE
    WHEN w.name IS NULL
      THEN '⚠ stays with the retired table, and no clean index begins so: if a query needs it, make it on artworks_v2 after migrate-data'
    ELSE FORMAT('stays with the retired table; covered by %s of the clean one%s', w.name, ' for ' || NULLIF(w.rows, ''))
  END
  || CASE WHEN s.indisunique THEN '; ⚠ what it kept unique is free in the clean one' ELSE '' END AS action
FROM (
  SELECT
    i.indexrelid,
    i.indisunique,
    REGEXP_REPLACE(PG_GET_INDEXDEF(i.indexrelid), '^.* USING ', '') AS definition,
    -- a column and nothing else about it: no expression, and no other kind of index
    ARRAY(
      SELECT a.attname::text
      FROM UNNEST(i.indkey::int2[]) WITH ORDINALITY AS k (number, place)
      LEFT JOIN pg_catalog.pg_attribute AS a ON i.indrelid = a.attrelid AND k.number = a.attnum AND m.amname IN ('btree', 'hash')
      WHERE k.place <= i.indnkeyatts
      ORDER BY k.place
    ) AS columns
  FROM pg_catalog.pg_index AS i
  INNER JOIN pg_catalog.pg_class AS c ON i.indexrelid = c.oid
  INNER JOIN pg_catalog.pg_am AS m ON c.relam = m.oid
  WHERE
    i.indrelid = 'public.artworks'::regclass
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint AS k WHERE k.conindid = i.indexrelid AND k.conrelid = i.indrelid)
) AS s
LEFT JOIN (
  VALUES
  ('artworks_v2_pkey', ARRAY['id'], ''),
  ('artworks_v2_access_token_key', ARRAY['access_token'], ''),
  ('artworks_v2_user_id_idx', ARRAY['user_id'], ''),
  ('artworks_v2_customer_email_created_at_idx', ARRAY['customer_email', 'created_at'], ''),
  ('artworks_v2_generation_waiting_idx', ARRAY['generation_status'], 'what is pending or processing'),
  ('artworks_v2_upscale_waiting_idx', ARRAY['upscale_status'], 'what is pending or processing')
) AS w (name, columns, rows) ON s.columns = w.columns[1:CARDINALITY(s.columns)]
ORDER BY 1
