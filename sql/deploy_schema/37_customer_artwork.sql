-- What: the artworks of each customer in both tables, by the key of the e-mail; and those of the newest move.
-- Why: the plan of a move counts them, and its gate judges them.
-- Locks: ACCESS SHARE on both tables.
-- Stage: prepare
CREATE VIEW artwork_migration.customer_artwork AS
SELECT
  x.id,
  x.is_clean,
  x.key,
  artwork_migration.customer_bucket(x.key) AS bucket
FROM (
  SELECT
    a.id,
    FALSE AS is_clean,
    artwork_migration.customer_key(s.salt, a.customer_email::text) AS key
  FROM public.artworks AS a CROSS JOIN artwork_migration.customer_salt AS s
  WHERE BTRIM(a.customer_email::text, E' \t\r\n') <> ''
  UNION ALL
  SELECT
    c.id,
    TRUE AS is_clean,
    artwork_migration.customer_key(s.salt, c.customer_email) AS key
  FROM public.artworks_v2 AS c CROSS JOIN artwork_migration.customer_salt AS s
  WHERE BTRIM(c.customer_email, E' \t\r\n') <> ''
) AS x;

CREATE VIEW artwork_migration.moving_artwork AS
SELECT
  a.id,
  a.is_clean,
  a.key,
  m.served_by
FROM artwork_migration.customer_artwork AS a
CROSS JOIN (
  SELECT
    n.run,
    n.served_by,
    n.first_bucket,
    n.past_bucket
  FROM artwork_migration.customer_move AS n
  ORDER BY n.run DESC
  LIMIT 1
) AS m
LEFT JOIN artwork_migration.customer_move_key AS k ON a.key = k.key AND m.run = k.run
WHERE k.key IS NOT NULL OR (a.bucket >= m.first_bucket AND a.bucket < m.past_bucket);

-- Undo:
DROP VIEW artwork_migration.moving_artwork;
DROP VIEW artwork_migration.customer_artwork;
