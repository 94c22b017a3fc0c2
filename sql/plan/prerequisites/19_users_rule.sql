-- What: users has a rule for INSERT or UPDATE.
-- Why: Postgres refuses INSERT … ON CONFLICT on such a table, and anonymous users are created by it.
-- Locks: none.
-- Users: created
-- Remedy: Drop the rule, and do in a trigger what it did.
SELECT
  FORMAT('rule %I on public.users', w.rulename) AS subject,
  'with it INSERT … ON CONFLICT fails, so no anonymous user can be created.' AS problem,
  FORMAT('DROP RULE %I ON public.users', w.rulename) AS statement
FROM pg_catalog.pg_rewrite AS w
WHERE w.ev_class = TO_REGCLASS('public.users') AND w.ev_type IN ('2', '3')
ORDER BY 1
