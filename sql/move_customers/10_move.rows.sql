-- What: records the move: who is concerned, and which table is to serve them. It is not in force yet.
-- Why: the gate judges exactly these customers. The plan's number depends on this text, so on each customer and, by "after move", on
--   what was in force for its reader: an approval cannot be used twice.
-- Inverse: none; the newest move counts.
-- Locks: none on a table of the application.
-- Stage: prepare
SELECT
  'customers to move' AS object,
  FORMAT(
    $do$-- after move %s
INSERT INTO artwork_migration.customer_move (run, served_by, first_bucket, past_bucket)
SELECT MAX(h.run), %L, %s, %s FROM artwork_migration.phase_history AS h
ON CONFLICT (run) DO NOTHING;
INSERT INTO artwork_migration.customer_move_key (key, run)
SELECT DISTINCT DECODE(k.key, 'hex'), (SELECT MAX(h.run) FROM artwork_migration.phase_history AS h)
FROM UNNEST(%L::text[]) AS k (key)
ON CONFLICT (key, run) DO NOTHING$do$,
    (SELECT COALESCE(MAX(m.run), 0) FROM artwork_migration.customer_move AS m WHERE m.in_force),
    CAST(:served_by AS text),
    CAST(:first_bucket AS bigint),
    CAST(:past_bucket AS bigint),
    CAST(:keys AS text[])
  ) AS "do"
