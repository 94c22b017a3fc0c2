-- What: clean artworks that have come to a user who can sign in and had no owner (user_gained), or that have another owner than in the
--   legacy table (user_changed), of a kind that no decision accepts; but for those on their way (in the log or in rejected_write) and those
--   that the clean side works with, whose owner is its own.
-- Why: the plan has counted what was there then, and users go on signing up. A user we have created and nobody has claimed cannot sign
--   in; who is claimed is not in created_user any more. Of the mapping view only the legacy owner is read, a column that not every
--   deployment has.
-- Locks: ACCESS SHARE on public.artworks, public.artworks_v2 and public.users.
WITH accepted AS (
  SELECT d.value
  FROM artwork_migration.decision AS d
  WHERE d.name = 'accept_exposure'
  ORDER BY d.number DESC
  LIMIT 1
),

found AS (
  INSERT INTO artwork_migration.finding (run, rule, id, about)
  SELECT
    :run,
    :rule,
    c.id,
    ARRAY[k.kind]
  FROM public.artworks_v2 AS c
  INNER JOIN artwork_migration.legacy_artwork AS l ON c.id = l.id
  CROSS JOIN LATERAL (SELECT CASE WHEN l.legacy_user_id IS NULL THEN 'user_gained' ELSE 'user_changed' END AS kind) AS k
  WHERE
    c.user_id IS NOT NULL
    AND l.legacy_user_id IS DISTINCT FROM c.user_id
    AND k.kind <> ALL(COALESCE(STRING_TO_ARRAY((SELECT a.value FROM accepted AS a), ','), '{}'))
    AND NOT EXISTS (SELECT FROM artwork_migration.created_user AS u WHERE u.id = c.user_id)
    AND NOT EXISTS (
      SELECT FROM artwork_migration.legacy_change AS g CROSS JOIN LATERAL UNNEST(g.ids) AS x (id) WHERE x.id = c.id
    )
    AND NOT EXISTS (SELECT FROM artwork_migration.rejected_write AS r WHERE r.id = c.id)
    AND NOT EXISTS (SELECT FROM artwork_migration.clean_modified AS t WHERE t.id = c.id)
)

SELECT COUNT(*) AS looked_at FROM public.artworks_v2
