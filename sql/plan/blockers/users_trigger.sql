-- What: triggers and rules of the application on users that fire for the anonymous users, and that no decision accepts.
-- Why: a welcome mail for each customer who never registered cannot be taken back. :users_to_create is how many users migrate_data
--   creates, NULL if they could not be counted in time. A deletion fires at roll-back --to NOT_STARTED. Triggers that fire on UPDATE only
--   are left out: the migration updates no user, except where the application calls claim_anonymous_user.
-- Locks: none.
-- Users: created
-- Remedy: Read its function. If it must not act for anonymous users, add the column is_anonymous (boolean NOT NULL DEFAULT FALSE) to users
--   and create the trigger again with WHEN (NOT NEW.is_anonymous). If it may fire now, decide so.
-- Given: decision
WITH fired AS (
  SELECT
    g.tgname AS name,
    FORMAT('trigger %I on public.users', g.tgname) AS subject,
    FORMAT(
      '%s calls %s%s',
      CASE WHEN g.tgtype & 1 = 1 THEN 'for each row it' ELSE 'for each statement it' END,
      p.oid::regprocedure,
      CASE WHEN g.tgqual IS NOT NULL THEN ', under a condition' ELSE '' END
    ) AS what,
    g.tgtype & 4 = 4 AS on_insert,
    g.tgtype & 8 = 8 AS on_delete,
    g.tgtype & 1 = 1 AS by_row
  FROM pg_catalog.pg_trigger AS g
  INNER JOIN pg_catalog.pg_proc AS p ON g.tgfoid = p.oid
  WHERE
    g.tgrelid = TO_REGCLASS('public.users') AND NOT g.tgisinternal AND g.tgenabled IN ('O', 'A') AND g.tgtype & 12 > 0
    AND NOT STARTS_WITH(LOWER(g.tgname), 'artwork_migration_')
  UNION ALL
  SELECT
    w.rulename,
    FORMAT('rule %I on public.users', w.rulename),
    'it rewrites the statement',
    FALSE,
    TRUE,
    FALSE
  FROM pg_catalog.pg_rewrite AS w
  WHERE w.ev_class = TO_REGCLASS('public.users') AND w.ev_type = '4' AND w.ev_enabled IN ('O', 'A')
),

accepted AS (
  SELECT STRING_TO_ARRAY(d.value, ',') AS names
  FROM artwork_migration.decision AS d
  WHERE d.name = 'accept_users_triggers'
  ORDER BY d.number DESC
  LIMIT 1
)

SELECT
  f.subject,
  CONCAT(
    f.what,
    CASE
      WHEN NOT f.on_insert THEN '.'
      ELSE
        FORMAT(
          ' when migrate-data creates users: %s users%s.',
          COALESCE(TO_CHAR(CAST(:users_to_create AS bigint), 'FM999,999,999,990'), 'an unknown number of'),
          CASE WHEN f.by_row THEN '' ELSE ', up to 5,000 a statement' END
        )
    END,
    CASE WHEN f.on_delete THEN ' It also fires when `roll-back --to NOT_STARTED` deletes them.' ELSE '' END
  ) AS problem,
  'accept_users_triggers ' || (SELECT STRING_AGG(o.name, ',' ORDER BY o.name) FROM fired AS o) AS decision
FROM fired AS f
WHERE NOT EXISTS (SELECT FROM accepted AS a WHERE f.name = ANY(a.names))
ORDER BY f.subject
