-- What: writes down how one rule of a gate was judged.
-- Why: status and report read the verdicts here; one row per rule, also for a rule that could not be judged.
-- Locks: none on a table of the application.
INSERT INTO artwork_migration.gate_result (run, suite, rule, severity, description, passed, looked_at, bad, ids, about)
VALUES (:run, :suite, :rule, :severity, :description, :passed, :looked_at, :bad, CAST(:ids AS uuid[]), CAST(:about AS text[]))
ON CONFLICT (run, suite, rule) DO UPDATE
  SET
    severity = excluded.severity,
    description = excluded.description,
    passed = excluded.passed,
    looked_at = excluded.looked_at,
    bad = excluded.bad,
    ids = excluded.ids,
    about = excluded.about,
    judged_at = CLOCK_TIMESTAMP()
