-- What: clean artworks whose user can sign in and whose owner changed in a way that no decision accepts: user_gained (the legacy row has no
--   owner) or user_changed (the legacy row has another owner). Except those in transit (in the log or in rejected_write) and those that
--   the clean side has modified, whose owner is its own.
-- Why: the plan counted what existed then, and users keep signing up. A user that the migration created and nobody has claimed cannot sign
--   in; a claimed user is not in created_user any more. Of the mapping view the rule reads only the legacy owner, a column that not every
--   deployment has.
-- Locks: ACCESS SHARE on public.artworks, public.artworks_v2 and public.users.
WITH accepted AS (
  SELECT d.value
  FROM artwork_migration.decision AS d
  WHERE d.name = 'accept_exposure'
  ORDER BY d.number DESC
  LIMIT 1
)

SELECT
  c.id,
  ARRAY[k.kind] AS about
FROM public.artworks_v2 AS c
INNER JOIN artwork_migration.legacy_artwork AS l ON c.id = l.id
CROSS JOIN LATERAL (SELECT CASE WHEN l.legacy_user_id IS NULL THEN 'user_gained' ELSE 'user_changed' END AS kind) AS k
WHERE
  c.user_id IS NOT NULL
  AND l.legacy_user_id IS DISTINCT FROM c.user_id
  AND k.kind <> ALL(COALESCE(STRING_TO_ARRAY((SELECT a.value FROM accepted AS a), ','), '{}'))
  AND NOT EXISTS (SELECT FROM artwork_migration.created_user AS u WHERE u.id = c.user_id)
  AND NOT EXISTS (SELECT FROM artwork_migration.pending_artwork AS p WHERE p.id = c.id)
  AND NOT EXISTS (SELECT FROM artwork_migration.rejected_write AS r WHERE r.id = c.id)
  AND NOT EXISTS (SELECT FROM artwork_migration.clean_modified AS t WHERE t.id = c.id);

-- Checked:
SELECT COUNT(*) FROM public.artworks_v2
