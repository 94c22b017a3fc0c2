-- What: saves the verdict on one rule of a gate, with the texts of the rule.
-- Why: status and report read the verdicts here; each rule has one row, also a rule that could not be judged.
-- Locks: none on a table of the application.
INSERT INTO artwork_migration.gate_result (
  run, suite, rule, severity, description, why, fix, red, broken, checked, bad, ids, about
)
VALUES (
  :run,
  :suite,
  :rule,
  :severity,
  :description,
  :why,
  :fix,
  :red,
  :broken,
  :checked,
  :bad,
  CAST(:ids AS uuid[]),
  CAST(:about AS text[])
)
ON CONFLICT (run, suite, rule) DO UPDATE
  SET
    severity = excluded.severity,
    description = excluded.description,
    why = excluded.why,
    fix = excluded.fix,
    red = excluded.red,
    broken = excluded.broken,
    checked = excluded.checked,
    bad = excluded.bad,
    ids = excluded.ids,
    about = excluded.about,
    judged_at = CLOCK_TIMESTAMP()
