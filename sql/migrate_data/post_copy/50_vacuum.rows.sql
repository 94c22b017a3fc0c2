-- What: freezes and analyzes the clean table, unless that was done after the last chunk.
-- Why: autovacuum would soon process the new table, blocking the switch, and until then the planner has no statistics.
-- Inverse: none needed.
-- Locks: SHARE UPDATE EXCLUSIVE on public.artworks_v2: nobody waits.
-- Stage: after
SELECT
  'vacuum public.artworks_v2' AS object,
  'VACUUM (FREEZE, ANALYZE) public.artworks_v2' AS "do"
WHERE
  NOT EXISTS (
    SELECT FROM artwork_migration.step AS s
    WHERE s.name = 'vacuum public.artworks_v2' AND s.done_at > (SELECT MAX(c.done_at) FROM artwork_migration.chunk AS c)
  )
