-- What: the newest fingerprint of the retired table that was taken since the switch, and whether rows were carried back after it.
-- Why: what a roll-back that did not end has carried back is written to the retired table rightly, and no fingerprint can tell it from
--   other writes.
-- Locks: none.
SELECT
  s.details,
  EXISTS(
    SELECT FROM artwork_migration.clean_change AS c WHERE c.carried_back AND c.changed_at > s.begun_at
  ) AS carried_back_since
FROM artwork_migration.step AS s
WHERE s.name = :step AND s.done_at IS NOT NULL AND s.run >= :switch_run
ORDER BY s.begun_at DESC
LIMIT 1
