-- What: writes to the clean table that the legacy table could not take.
-- Why: law 3: dropping the clean table would lose them.
-- Locks: none.
-- Remedy: Bring the value over by hand, then clear the refusal with decide clear_rejected_write.
SELECT
  'artwork ' || r.id AS subject,
  FORMAT('its last %s on the clean side was refused by the legacy table (SQLSTATE %s, %s).', r.operation, r.sql_state, r.object) AS problem
FROM artwork_migration.rejected_write AS r
ORDER BY r.id
LIMIT 20
