-- What: sets owners that were deleted to NULL in clean rows and logs those rows, so that catch-up gives them their next owner.
-- Why: a user deleted before the foreign key existed is in the log already, but the key cannot be validated before catch-up has run.
-- Inverse: none; the value matches no user.
-- Locks: the clean rows it changes.
-- Stage: write
-- Users: created
WITH dangling AS (
  SELECT
    c.id,
    c.user_id
  FROM public.artworks_v2 AS c
  WHERE c.user_id IS NOT NULL AND NOT EXISTS (SELECT FROM public.users AS u WHERE u.id = c.user_id)
  -- sorted, so that all are found before the first is locked
  ORDER BY c.id
),

freed AS (
  UPDATE public.artworks_v2 AS c
  SET user_id = NULL
  FROM dangling AS d
  WHERE c.id = d.id AND c.user_id = d.user_id
  RETURNING c.id
)

INSERT INTO artwork_migration.legacy_change (ids)
SELECT ARRAY_AGG(f.id) FROM freed AS f
HAVING COUNT(*) > 0
