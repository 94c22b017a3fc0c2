-- What: how much stands in the log, since when, how far the chunks are, and what was refused.
-- Why: the status and the progress of a running copy, from real counts.
-- Locks: none on a table of the application.
SELECT
  (SELECT COALESCE(SUM(CARDINALITY(l.ids)), 0) FROM artwork_migration.legacy_change AS l) AS logged,
  (SELECT MIN(l.changed_at) FROM artwork_migration.legacy_change AS l) AS logged_since,
  (SELECT COUNT(*) FROM artwork_migration.chunk) AS chunks,
  (SELECT COUNT(*) FROM artwork_migration.chunk AS c WHERE c.done_at IS NOT NULL) AS chunks_done,
  (SELECT COALESCE(SUM(c.copied), 0) FROM artwork_migration.chunk AS c) AS copied,
  (SELECT COUNT(*) FROM artwork_migration.rejected_write) AS refused
