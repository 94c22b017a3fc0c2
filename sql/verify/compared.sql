-- What: how many rows have a verdict, and how many of them are rows of the retired table, beside a plain count of that table.
-- Why: a rule that checked nothing has failed, and the sum of law 1 is held against the count. Run it in the transaction of compare.sql.
-- Locks: ACCESS SHARE on public.artworks_old.
SELECT
  COALESCE(SUM(r.row_count), 0)::bigint AS checked,
  COALESCE(SUM(r.row_count) FILTER (WHERE r.legacy_row), 0)::bigint AS in_sum,
  (SELECT COUNT(*) FROM public.artworks_old) AS retired_rows
FROM artwork_migration.reconciliation AS r
WHERE r.run = :run
