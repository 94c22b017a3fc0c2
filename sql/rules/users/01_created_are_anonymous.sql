-- What: users that the migration has created and that are not marked as anonymous.
-- Why: nobody has registered with them; one that looks registered may be taken for a person with an account.
-- Locks: ACCESS SHARE on public.users.
WITH looked AS (
  SELECT
    COUNT(*) AS looked_at,
    ARRAY_AGG(u.id) FILTER (WHERE u.is_anonymous IS NOT TRUE) AS ids
  FROM artwork_migration.created_user AS c
  INNER JOIN public.users AS u ON c.id = u.id
),

found AS (
  INSERT INTO artwork_migration.finding (run, rule, id, about)
  SELECT
    :run,
    :rule,
    x.id,
    ARRAY['is_anonymous']
  FROM looked AS k
  CROSS JOIN LATERAL UNNEST(k.ids) AS x (id)
)

SELECT k.looked_at FROM looked AS k
