-- What: a trigger or the function of the write-through is gone, silent, or another one.
-- Why: law 3: what the clean side has written meanwhile is in no legacy row, and would go with the clean table.
-- Locks: none.
-- Remedy: Make it what it was (ALTER TABLE … ENABLE ALWAYS TRIGGER …), then run migrate_data: it names what differs. Then plan again.
SELECT
  l.subject,
  l.problem
FROM artwork_migration.lapse AS l
WHERE
  (l.kind = 'trigger' AND l.subject LIKE '% on public.artworks\_v2')
  OR l.subject IN ('function artwork_migration.write_through()', 'function artwork_migration.delete_through()')
ORDER BY l.subject
