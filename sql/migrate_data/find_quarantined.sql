-- What: decides for every eligible row whether it is in quarantine, before the copy.
-- Why: what the clean table cannot take is listed with its reason, never met by an error in the middle of a chunk. Duplicates are looked
--   for by a grouping, because the one-by-one look of the batches would be slow over a whole table.
-- Inverse: DELETE FROM artwork_migration.quarantine
-- Locks: ACCESS SHARE on public.artworks.
DELETE FROM artwork_migration.quarantine;

INSERT INTO artwork_migration.quarantine (id, reason)
SELECT
  l.id,
  COALESCE(l.defect, 'duplicate_access_token') AS reason
FROM (
  SELECT
    a.id,
    a.defect,
    ROW_NUMBER() OVER (PARTITION BY a.access_token, a.defect IS NULL ORDER BY NOT a.touched, a.created_at, a.id) AS place
  FROM artwork_migration.legacy_artwork AS a
  WHERE a.disposition = 'eligible'
) AS l
WHERE l.defect IS NOT NULL OR l.place > 1;
