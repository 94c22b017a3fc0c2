-- What: the foreign key from artworks.user_id to users has another action than SET NULL for a deleted user.
-- Why: the retired rows keep their owners during the whole safety window. With a restricting key no account of an owner can be deleted. A
--   cascading key deletes retired rows, which the roll back would miss. Checked before deploy_schema, before switch_over and before the
--   roll back from it.
-- Locks: none.
-- Remedy: ALTER TABLE that table DROP CONSTRAINT that constraint, ADD FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE SET
--   NULL.
SELECT
  FORMAT('constraint %s on %s', k.conname, k.conrelid::regclass) AS subject,
  CASE k.confdeltype
    WHEN 'c' THEN 'deleting a user deletes artworks (ON DELETE CASCADE); after the switch it would delete retired rows.'
    WHEN 'd' THEN 'deleting a user gives its artworks another owner (ON DELETE SET DEFAULT); they must have no owner then.'
    ELSE 'it has no ON DELETE SET NULL; after the switch the owner of a retired artwork could not be deleted.'
  END AS problem
FROM pg_catalog.pg_constraint AS k
INNER JOIN pg_catalog.pg_attribute AS a ON k.conrelid = a.attrelid AND k.conkey = ARRAY[a.attnum]
WHERE
  k.contype = 'f' AND k.conrelid IN (TO_REGCLASS('public.artworks'), TO_REGCLASS('public.artworks_old'))
  AND k.confrelid = TO_REGCLASS('public.users')
  AND a.attname = 'user_id' AND k.confdeltype <> 'n'
ORDER BY 1
