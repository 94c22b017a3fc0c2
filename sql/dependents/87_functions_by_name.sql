-- What: functions and procedures in any schema whose text names artworks, with the columns in it that the clean table does not have.
-- Why: a text is bound to nothing. From the switch on it means the clean table with its next call, and fails where a column is gone.
--   What is bound by identity is an unknown_dependent. Our own functions are bound to the tables themselves.
-- Locks: none.
-- Given: column_gone, legacy_names_object
SELECT
  p.oid::regprocedure::text AS object,
  'follows the name: it works on the clean table from the switch on' || COALESCE(
    '; but its text names ' || (
      SELECT STRING_AGG(g.name, ', ' ORDER BY g.number)
      FROM artwork_migration.column_gone AS g
      WHERE g.absent AND p.prosrc ~* ('\m' || REGEXP_REPLACE(g.name, '(\W)', '\\\1', 'g') || '\M')
    ) || ', which the clean table does not have: fix it for both tables before the switch, or it may fail after it',
    ''
  ) AS action
FROM pg_catalog.pg_proc AS p
INNER JOIN pg_catalog.pg_language AS l ON p.prolang = l.oid
WHERE
  l.lanname NOT IN ('internal', 'c') AND p.prosrc ~* '\martworks\M'
  AND p.pronamespace IS DISTINCT FROM TO_REGNAMESPACE('artwork_migration')
  AND p.oid NOT IN (SELECT o.oid FROM artwork_migration.legacy_names_object AS o WHERE o.class = 'pg_proc'::regclass)
ORDER BY 1
