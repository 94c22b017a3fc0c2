-- What: notes the rows that agree with the mapping and would not be what the legacy table holds if they were written back.
-- Why: a mistake in the mapping's way forward is in the copy and in what reconcile expects alike; the way back knows nothing of it.
--   What this comparison has found already, or what is on its way, is left out; what another rule has found is not.
-- Locks: ACCESS SHARE on both tables; run it in the transaction of look.sql.
INSERT INTO artwork_migration.finding (run, rule, id, about)
SELECT
  :run,
  'round_trip',
  t.id,
  t.about
FROM artwork_migration.round_trip AS t
WHERE
  CARDINALITY(t.about) > 0
  AND NOT EXISTS (
    SELECT FROM artwork_migration.finding AS f
    WHERE f.run = :run AND f.id = t.id AND f.rule IN ('missing', 'extra', 'differs', 'pending', 'refused', 'quarantined', 'strategy_count')
  )
