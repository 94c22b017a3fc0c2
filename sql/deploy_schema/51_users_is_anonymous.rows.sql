-- What: the column users.is_anonymous where the table lacks it; whoever is registered today stays so.
-- Why: strategy, Phase 2: customers without an account get an anonymous user. The constant default needs no rewrite.
-- Inverse: in the rows.
-- Locks: ACCESS EXCLUSIVE on public.users, taken before.
-- Stage: locked
SELECT
  'public.users.is_anonymous' AS object,
  'ALTER TABLE public.users ADD COLUMN is_anonymous boolean NOT NULL DEFAULT FALSE' AS "do",
  'ALTER TABLE public.users DROP COLUMN IF EXISTS is_anonymous' AS undo,
  -- the users we created are told by it, and they go after the lock
  'after' AS undo_stage,
  'public.users' AS waits_on
WHERE
  TO_REGCLASS('public.users') IS NOT NULL
  AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_attribute AS a
    WHERE a.attrelid = TO_REGCLASS('public.users') AND a.attname = 'is_anonymous' AND NOT a.attisdropped
  )
