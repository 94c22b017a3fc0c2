-- What: artworks whose e-mail is not in small letters without blanks around it, and those whose e-mail a user has so.
-- Why: two spellings become two users, and the customer sees only half of the artworks. Supabase Auth writes every e-mail in small letters,
--   so a sign-up does not find the other spelling, also where it is the only one.
-- Locks: ACCESS SHARE on public.artworks and public.users.
WITH spelled_by_user AS (
  SELECT DISTINCT LOWER(BTRIM(u.email, E' \t\r\n')) AS email
  FROM public.users AS u
  WHERE u.email <> LOWER(BTRIM(u.email, E' \t\r\n'))
),

looked AS (
  SELECT
    COUNT(*) AS looked_at,
    ARRAY_AGG(a.id) FILTER (WHERE n.email <> '' AND (a.customer_email <> n.email OR s.email IS NOT NULL)) AS ids
  FROM public.artworks AS a
  CROSS JOIN LATERAL (SELECT LOWER(BTRIM(a.customer_email, E' \t\r\n')) AS email) AS n
  LEFT JOIN spelled_by_user AS s ON n.email = s.email
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
