-- What: the foreign key of artworks.user_id has another action than SET NULL for a deleted user.
-- Why: the retired rows keep their owners during the whole safety window. With a restricting key no account of an owner can be deleted. A
--   cascading key deletes retired rows, which the roll back would miss. Checked before deploy_schema, before switch_over and before the
--   roll back from it.
-- Locks: none.
-- Remedy: Give the key that action.
SELECT
  FORMAT('constraint %s on %s', k.conname, k.conrelid::regclass) AS subject,
  CASE k.confdeltype
    WHEN 'c' THEN 'deleting a user deletes artworks (ON DELETE CASCADE); after the switch it would delete retired rows.'
    WHEN 'd' THEN 'deleting a user gives its artworks another owner (ON DELETE SET DEFAULT); they must have no owner then.'
    ELSE 'it has no ON DELETE SET NULL; after the switch the owner of a retired artwork could not be deleted.'
  END AS problem,
  FORMAT(
    'ALTER TABLE %1$s DROP CONSTRAINT %2$I, ADD CONSTRAINT %2$I FOREIGN KEY (user_id) REFERENCES %3$s (%4$I) ON DELETE SET NULL%5$s',
    k.conrelid::regclass, k.conname, k.confrelid::regclass, f.attname,
    CASE k.confupdtype WHEN 'c' THEN ' ON UPDATE CASCADE' WHEN 'n' THEN ' ON UPDATE SET NULL' ELSE '' END
  ) AS statement
FROM pg_catalog.pg_constraint AS k
INNER JOIN pg_catalog.pg_attribute AS a ON k.conrelid = a.attrelid AND k.conkey = ARRAY[a.attnum]
INNER JOIN pg_catalog.pg_attribute AS f ON k.confrelid = f.attrelid AND k.confkey = ARRAY[f.attnum]
WHERE
  k.contype = 'f' AND k.conrelid IN (TO_REGCLASS('public.artworks'), TO_REGCLASS('public.artworks_old'))
  AND a.attname = 'user_id' AND k.confdeltype <> 'n'
ORDER BY 1
