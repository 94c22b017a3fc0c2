-- What: artworks whose e-mail has capitals or surrounding blanks, and artworks whose e-mail a user has in such a spelling.
-- Why: two spellings become two users, and the customer sees only half of the artworks. Supabase Auth writes every e-mail in small
--   letters, so a sign-up does not find another spelling, even if it is the only one. Where no users are created, only
--   the e-mails of artworks are read.
-- Locks: ACCESS SHARE on public.artworks and public.users.
WITH spelled_by_user AS (
  SELECT DISTINCT LOWER(BTRIM(u.email, E' \t\r\n')) AS email
  FROM artwork_migration.users AS u
  WHERE u.email <> LOWER(BTRIM(u.email, E' \t\r\n'))
)

SELECT
  a.id,
  ARRAY['customer_email'] AS about
FROM public.artworks AS a
CROSS JOIN LATERAL (SELECT LOWER(BTRIM(a.customer_email, E' \t\r\n')) AS email) AS n
LEFT JOIN spelled_by_user AS s ON n.email = s.email
WHERE n.email <> '' AND (a.customer_email <> n.email OR s.email IS NOT NULL);

-- Checked:
SELECT COUNT(*) FROM public.artworks
