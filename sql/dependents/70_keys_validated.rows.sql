-- What: validates each foreign key that was said again, if it was valid before.
-- Why: the check reads the whole table, which must not happen under the lock.
-- Inverse: in the rows: the same, after the way back.
-- Locks: SHARE UPDATE EXCLUSIVE on the referencing table, ROW SHARE on artworks: nobody waits.
-- Stage: after
SELECT
  FORMAT('key %s on %s validated', k.conname, k.conrelid::regclass) AS object,
  s.statement AS "do",
  s.statement AS undo,
  'after' AS undo_stage,
  'validation' AS kind,
  k.conrelid::regclass::text AS waits_on
FROM pg_catalog.pg_constraint AS k
CROSS JOIN LATERAL (SELECT FORMAT('ALTER TABLE %s VALIDATE CONSTRAINT %I', k.conrelid::regclass, k.conname) AS statement) AS s
WHERE
  k.contype = 'f' AND k.confrelid = 'public.artworks'::regclass AND k.conrelid <> k.confrelid AND k.conparentid = 0 AND k.convalidated
ORDER BY 1
