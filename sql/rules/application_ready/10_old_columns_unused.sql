-- What: statements of the application that name a vanishing column, whose calls changed between two readings, the newer of which is within
--   the quiet time; and a reset of pg_stat_statements within it. The newest 20, and how many more. Nothing if a decision waives it. A
--   statement that may go through legacy_names is in use_can_be_seen.
-- Why: after the switch each of these statements fails.
-- Locks: none on a table of the application.
SELECT
  NULL::uuid AS id,
  ARRAY[CASE WHEN f.place <= 20 THEN f.statement ELSE FORMAT('statements that are not listed here: %s', f.total - 20) END] AS about
FROM (
  SELECT
    u.subject || ': ' || u.problem AS statement,
    ROW_NUMBER() OVER (ORDER BY u.used_at DESC, u.subject, u.problem) AS place,
    COUNT(*) OVER () AS total
  FROM artwork_migration.old_name_use AS u
  INNER JOIN artwork_migration.quiet_limit AS l ON u.ends_with = l.ends_with
  WHERE u.ends_with = 'switch-over' AND u.recent AND NOT u.ambiguous AND NOT l.waived
) AS f
WHERE f.place <= 21;

-- Checked:
SELECT COUNT(*)
FROM artwork_migration.vanishing_name AS v
INNER JOIN artwork_migration.use_reading AS r ON v.ends_with = r.ends_with
WHERE
  v.ends_with = 'switch-over' AND v.pattern IS NOT NULL AND r.complete
  AND r.number = (SELECT MAX(n.number) FROM artwork_migration.use_reading AS n WHERE n.ends_with = 'switch-over')
