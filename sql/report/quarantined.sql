-- What: the first :shown ids in quarantine in one run, with the reason.
-- Why: each is an artwork that somebody would have migrated by hand, or left behind.
-- Locks: none.
SELECT
  f.id::text AS id,
  ARRAY_TO_STRING(f.about, ', ') AS reason
FROM artwork_migration.finding AS f
WHERE f.run = :run AND f.rule = 'quarantined'
ORDER BY 2, f.id
LIMIT :shown
