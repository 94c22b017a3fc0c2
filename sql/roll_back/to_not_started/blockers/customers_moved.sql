-- What: customers whom the clean table serves.
-- Why: the application asks the functions for them, and the functions are dropped.
-- Locks: none on a table of the application.
-- Remedy: Move all customers back (`artwork-migration run move-customers --to legacy --percent 100`), then plan again.
SELECT
  'customers' AS subject,
  FORMAT('the clean table serves a share of %s%% of them, and %s more by their e-mail.', s.percent, s.also_clean) AS problem
FROM artwork_migration.customers_served AS s
WHERE s.percent > 0 OR s.also_clean > 0
