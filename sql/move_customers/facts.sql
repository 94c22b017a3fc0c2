-- What: how many customers a move concerns, how many of them change the table, and what these will find in the clean table.
-- Why: the reader of the plan must know what the customers see afterwards.
-- Locks: ACCESS SHARE on both tables and public.users.
-- Given: moving_artwork
WITH artwork AS (
  SELECT
    m.id,
    m.key,
    BOOL_OR(m.is_clean) AS is_clean
  FROM artwork_migration.moving_artwork AS m
  WHERE m.moves
  GROUP BY m.id, m.key
),

customer AS (
  SELECT
    m.key,
    BOOL_OR(m.moves) AS moves,
    BOOL_OR(m.single) AS single,
    BOOL_OR(m.is_clean) AS has_clean_artwork
  FROM artwork_migration.moving_artwork AS m
  GROUP BY m.key
)

SELECT
  COUNT(*) AS customers,
  COUNT(*) FILTER (WHERE c.moves) AS customers_who_change_the_table,
  COUNT(*) FILTER (WHERE c.moves AND c.single) AS of_them_moved_by_their_email_before,
  (SELECT COUNT(*) FROM artwork) AS artworks_of_those_who_change,
  (SELECT COUNT(*) FROM artwork AS a WHERE a.is_clean) AS of_them_in_the_clean_table,
  (
    SELECT COUNT(*) FROM artwork AS a INNER JOIN artwork_migration.legacy_artwork AS l ON a.id = l.id
    WHERE NOT a.is_clean AND l.disposition = 'in_flight'
  ) AS in_flight_and_carried_over,
  COUNT(*) FILTER (WHERE c.moves AND NOT c.has_clean_artwork) AS customers_without_a_clean_artwork
FROM customer AS c
