-- What: users that the migration has created and whose e-mail is missing or blank.
-- Why: a user stands for a customer by the e-mail; all artworks without one would belong to the same user.
-- Locks: ACCESS SHARE on public.users.
WITH looked AS (
  SELECT
    COUNT(*) AS looked_at,
    ARRAY_AGG(u.id) FILTER (WHERE COALESCE(BTRIM(u.email, E' \t\r\n'), '') = '') AS ids
  FROM artwork_migration.created_user AS c
  INNER JOIN public.users AS u ON c.id = u.id
),

found AS (
  INSERT INTO artwork_migration.finding (run, rule, id, about)
  SELECT
    :run,
    :rule,
    x.id,
    ARRAY['email']
  FROM looked AS k
  CROSS JOIN LATERAL UNNEST(k.ids) AS x (id)
)

SELECT k.looked_at FROM looked AS k
