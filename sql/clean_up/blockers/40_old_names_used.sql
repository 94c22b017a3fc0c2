-- What: who has used the schema legacy_names within 7 days; statements with artworks_v2, artworks_old or legacy_names whose calls changed
--   between two readings, the newer of which is within 7 days; and a reset of pg_stat_statements within that time. Nothing
--   if the decision waive_readiness names the clean-up.
-- Why: after the clean-up each of these calls fails, and no roll back brings the names back.
-- Locks: none on a table of the application.
-- Remedy: Change the code that uses them, and wait until 7 days are over. Or accept that it fails.
SELECT
  f.subject,
  f.problem,
  'waive_readiness clean-up' AS decision
FROM (
  SELECT
    u.used_at,
    u.subject,
    u.problem || '.' AS problem
  FROM artwork_migration.old_name_use AS u
  WHERE u.ends_with = 'clean-up' AND u.recent
  UNION ALL
  SELECT
    MAX(n.used_at) AS used_at,
    'role ' || n.role_name || CASE WHEN n.application_name = '' THEN '' ELSE ', application ' || n.application_name END AS subject,
    FORMAT(
      'it has used the schema legacy_names within 7 days (%s), last at %s.',
      STRING_AGG(DISTINCT LOWER(n.kind), ', ' ORDER BY LOWER(n.kind)),
      TO_CHAR(MAX(n.used_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI UTC')
    ) AS problem
  FROM artwork_migration.legacy_names_use AS n
  WHERE n.used_at > NOW() - interval '7 days'
  GROUP BY n.role_name, n.application_name
) AS f
WHERE NOT EXISTS (SELECT FROM artwork_migration.quiet_limit AS l WHERE l.ends_with = 'clean-up' AND l.waived)
ORDER BY f.used_at DESC, f.subject
