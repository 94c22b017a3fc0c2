-- What: which of the subjects nobody may accept as drifted: there is no such thing, or a lapse of it hides writes from us.
-- Why: the decision accept_drift is for columns, constraints and unique indexes, and for foreign keys of partitions.
-- Locks: none.
SELECT s.subject
FROM UNNEST(CAST(:subjects AS text[])) AS s (subject)
WHERE
  s.subject NOT IN (
    SELECT m.subject FROM artwork_migration.baseline_object AS m WHERE m.may_differ
    UNION ALL
    SELECT w.subject FROM artwork_migration.monitored_objects() AS w WHERE w.may_differ
  )
ORDER BY s.subject
