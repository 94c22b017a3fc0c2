-- What: writes to the clean table that the legacy table rejected.
-- Why: law 3: dropping the clean table would lose them.
-- Locks: none.
-- Remedy: Copy the value to the legacy table by hand, if it is still needed. Then clear the rejected write, or all of them.
SELECT
  'artwork ' || r.id AS subject,
  FORMAT(
    'the legacy table rejected its %s on the clean table (%s; SQLSTATE %s, %s).',
    r.operation,
    COALESCE(NULLIF(ARRAY_TO_STRING(r.columns, ', '), ''), 'the row'),
    r.sql_state,
    r.object
  ) AS problem,
  'clear_rejected_write all rejected_write' AS decision
FROM artwork_migration.rejected_write AS r
ORDER BY r.id
