-- What: artworks whose e-mail another artwork or user has too, but for capitals or blanks around it. Of each such e-mail those are found
--   that are not in small letters without blanks.
-- Why: two spellings become two users, and the customer sees only half of the artworks.
-- Locks: ACCESS SHARE on public.artworks and public.users.
WITH spelling AS (
  SELECT a.customer_email AS email
  FROM public.artworks AS a
  UNION
  SELECT u.email
  FROM public.users AS u
),

customer AS (
  SELECT LOWER(BTRIM(s.email, E' \t\r\n')) AS email
  FROM spelling AS s
  WHERE BTRIM(s.email, E' \t\r\n') <> ''
  GROUP BY 1
  HAVING COUNT(*) > 1
),

looked AS (
  SELECT
    COUNT(*) AS looked_at,
    ARRAY_AGG(a.id) FILTER (
      WHERE a.customer_email <> LOWER(BTRIM(a.customer_email, E' \t\r\n'))
      AND LOWER(BTRIM(a.customer_email, E' \t\r\n')) IN (SELECT c.email FROM customer AS c)
    ) AS ids
  FROM public.artworks AS a
),

found AS (
  INSERT INTO artwork_migration.finding (run, rule, id, about)
  SELECT
    :run,
    :rule,
    x.id,
    ARRAY['customer_email']
  FROM looked AS k
  CROSS JOIN LATERAL UNNEST(k.ids) AS x (id)
)

SELECT k.looked_at FROM looked AS k
