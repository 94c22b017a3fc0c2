-- What: the foreign key from artworks.user_id to users does something else than SET NULL when a user is deleted.
-- Why: the retired rows keep their owners through the whole safety window. A key that refuses would let no account of theirs be deleted,
--   and one that cascades would take retired rows, which the way back would miss. Asked before the deployment,
--   before the switch and before the way back from it.
-- Locks: none.
-- Remedy: ALTER TABLE that table DROP CONSTRAINT that one, ADD FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE SET NULL.
SELECT
  FORMAT('constraint %s on %s', k.conname, k.conrelid::regclass) AS subject,
  CASE k.confdeltype
    WHEN 'c' THEN 'deleting a user deletes artworks (ON DELETE CASCADE); after the switch it would delete retired ones.'
    WHEN 'd' THEN 'deleting a user gives artworks another one (ON DELETE SET DEFAULT); it must leave them without.'
    ELSE 'it has no ON DELETE SET NULL; after the switch no user could be deleted whom a retired artwork names.'
  END AS problem
FROM pg_catalog.pg_constraint AS k
INNER JOIN pg_catalog.pg_attribute AS a ON k.conrelid = a.attrelid AND k.conkey = ARRAY[a.attnum]
WHERE
  k.contype = 'f' AND k.conrelid IN (TO_REGCLASS('public.artworks'), TO_REGCLASS('public.artworks_old'))
  AND k.confrelid = TO_REGCLASS('public.users')
  AND a.attname = 'user_id' AND k.confdeltype <> 'n'
ORDER BY 1
