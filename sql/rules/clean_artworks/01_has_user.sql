-- What: clean artworks without a user, but for those that are on their way: their id stands in the log or in rejected_write.
-- Why: each artwork belongs to a customer; user_id may be NULL only because deleting a user must go on working. Row and log are seen in one
--   snapshot, so a live database does not make this rule say no.
-- Locks: ACCESS SHARE on public.artworks_v2 and public.users.
WITH looked AS (
  SELECT
    COUNT(*) AS looked_at,
    ARRAY_AGG(c.id) FILTER (WHERE u.id IS NULL) AS ids
  FROM public.artworks_v2 AS c
  LEFT JOIN public.users AS u ON c.user_id = u.id
  WHERE
    NOT EXISTS (
      SELECT FROM artwork_migration.legacy_change AS l CROSS JOIN LATERAL UNNEST(l.ids) AS x (id) WHERE x.id = c.id
    )
    AND NOT EXISTS (SELECT FROM artwork_migration.rejected_write AS r WHERE r.id = c.id)
),

found AS (
  INSERT INTO artwork_migration.finding (run, rule, id, about)
  SELECT
    :run,
    :rule,
    x.id,
    ARRAY['user_id']
  FROM looked AS k
  CROSS JOIN LATERAL UNNEST(k.ids) AS x (id)
)

SELECT k.looked_at FROM looked AS k
