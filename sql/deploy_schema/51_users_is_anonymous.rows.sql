-- What: the column users.is_anonymous, where users are created and the table does not have it; existing users stay registered users.
-- Why: strategy, Phase 2: customers without an account get an anonymous user. The constant default needs no table rewrite.
-- Inverse: in the rows.
-- Locks: ACCESS EXCLUSIVE on public.users, taken before.
-- Stage: locked
SELECT
  'public.users.is_anonymous' AS object,
  'ALTER TABLE public.users ADD COLUMN is_anonymous boolean NOT NULL DEFAULT FALSE' AS "do",
  'ALTER TABLE public.users DROP COLUMN IF EXISTS is_anonymous' AS undo,
  -- it identifies the users that we created, which are deleted after the lock
  'after' AS undo_stage,
  'public.users' AS waits_on
WHERE
  TO_REGCLASS('public.users') IS NOT NULL AND CAST(:creates_users AS boolean)
  AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_attribute AS a
    WHERE a.attrelid = TO_REGCLASS('public.users') AND a.attname = 'is_anonymous' AND NOT a.attisdropped
  )
