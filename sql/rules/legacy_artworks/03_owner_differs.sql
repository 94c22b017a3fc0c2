-- What: artworks to be migrated whose user_id is another user than the one of their e-mail.
-- Why: the owner is kept, so the artwork goes to somebody else than its e-mail says; somebody should know.
-- Locks: ACCESS SHARE on public.artworks and public.users.
WITH looked AS (
  SELECT
    COUNT(*) AS looked_at,
    ARRAY_AGG(l.id) FILTER (
      WHERE l.legacy_user_id IS NOT NULL AND l.legacy_user_id IS DISTINCT FROM l.email_user_id AND l.disposition = 'eligible'
    ) AS ids
  FROM artwork_migration.legacy_artwork AS l
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
