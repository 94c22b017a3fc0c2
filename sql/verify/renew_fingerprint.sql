-- What: notes a fingerprint of the retired table as a step that is done.
-- Why: the newest one is what the retired table is held against. It begins with its transaction, so what is carried back later is later.
-- Locks: none on a table of the application.
INSERT INTO artwork_migration.step (run, name, begun_at, done_at, details)
VALUES (:run, :step, NOW(), CLOCK_TIMESTAMP(), CAST(:details AS jsonb))
ON CONFLICT (run, name) DO UPDATE SET begun_at = excluded.begun_at, done_at = excluded.done_at, details = excluded.details
