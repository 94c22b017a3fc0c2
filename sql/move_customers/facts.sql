-- What: how many customers and artworks a move concerns, and what these customers would not find in the clean table.
-- Why: the reader of the plan must know what the customers see afterwards.
-- Locks: ACCESS SHARE on both tables.
WITH chosen AS (
  SELECT
    a.id,
    a.key,
    BOOL_OR(a.is_clean) AS is_clean
  FROM artwork_migration.customer_artwork AS a
  LEFT JOIN (
    SELECT DISTINCT DECODE(n.key, 'hex') AS key FROM UNNEST(CAST(:keys AS text[])) AS n (key)
  ) AS w ON a.key = w.key
  WHERE w.key IS NOT NULL OR (a.bucket >= CAST(:first_bucket AS bigint) AND a.bucket < CAST(:past_bucket AS bigint))
  GROUP BY a.id, a.key
),

customer AS (
  SELECT
    c.key,
    BOOL_OR(c.is_clean) AS has_clean_artwork
  FROM chosen AS c
  GROUP BY c.key
)

SELECT
  (SELECT COUNT(*) FROM customer) AS customers,
  (SELECT COUNT(DISTINCT a.key) FROM artwork_migration.customer_artwork AS a) AS of_all_customers,
  COUNT(*) AS artworks,
  COUNT(*) FILTER (WHERE c.is_clean) AS in_the_clean_table,
  COUNT(*) FILTER (WHERE NOT c.is_clean AND l.generation_status IN ('pending', 'processing')) AS still_being_generated,
  (SELECT COUNT(*) FROM customer AS n WHERE NOT n.has_clean_artwork) AS customers_without_a_clean_artwork
FROM chosen AS c
LEFT JOIN public.artworks AS l ON c.id = l.id
