-- What: what the newest reading could not show, and statements of which it is not known whether they go through legacy_names:
--   the newest 20, and how many more.
-- Why: a reading that shows nothing proves nothing.
-- Locks: none on a table of the application.
SELECT
  NULL::uuid AS id,
  ARRAY[p.problem] AS about
FROM artwork_migration.use_reading AS r
CROSS JOIN LATERAL UNNEST(r.problems) AS p (problem)
WHERE r.number = (SELECT MAX(n.number) FROM artwork_migration.use_reading AS n WHERE n.ends_with = 'switch-over')
UNION ALL
SELECT
  NULL::uuid AS id,
  ARRAY[CASE WHEN f.place <= 20 THEN f.statement ELSE FORMAT('statements that are not listed here: %s', f.total - 20) END] AS about
FROM (
  SELECT
    'it may go through legacy_names: ' || u.subject || ': ' || u.problem AS statement,
    ROW_NUMBER() OVER (ORDER BY u.used_at DESC, u.subject, u.problem) AS place,
    COUNT(*) OVER () AS total
  FROM artwork_migration.old_name_use AS u
  WHERE u.ends_with = 'switch-over' AND u.recent AND u.ambiguous
) AS f
WHERE f.place <= 21;

-- Checked:
SELECT COUNT(*)
FROM artwork_migration.use_reading AS r
WHERE r.ends_with = 'switch-over'
