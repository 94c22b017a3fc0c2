-- What: what the newest reading could not show, and statements of which it is not known whether they go through legacy_names.
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
  ARRAY['it may go through legacy_names: ' || u.subject || ': ' || u.problem] AS about
FROM artwork_migration.old_name_use AS u
WHERE u.ends_with = 'switch-over' AND u.recent AND u.ambiguous;

-- Checked:
SELECT COUNT(*)
FROM artwork_migration.use_reading AS r
WHERE r.ends_with = 'switch-over'
