-- What: the newest run that has judged a gate, and its verb.
-- Why: the status reports whether the last gates were green.
-- Locks: none.
SELECT
  h.run,
  h.verb
FROM artwork_migration.phase_history AS h
WHERE h.run = (SELECT MAX(g.run) FROM artwork_migration.gate_result AS g)
