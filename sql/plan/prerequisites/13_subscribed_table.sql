-- What: a subscription of this database writes to the legacy table, to users where they are created, or to a table that references the
--   legacy table.
-- Why: changes applied by logical replication fire no statement trigger. They would not be captured, and writes would be lost.
-- Locks: none.
-- Remedy: Migrate in the database in which the rows are written first, or remove the table from the subscription.
SELECT
  'table ' || r.srrelid::regclass AS subject,
  FORMAT('subscription %s writes to it without firing the triggers that capture changes.', s.subname) AS problem
FROM pg_catalog.pg_subscription_rel AS r
INNER JOIN pg_catalog.pg_subscription AS s ON r.srsubid = s.oid
WHERE
  r.srrelid IN (TO_REGCLASS('public.artworks'), CASE WHEN CAST(:creates_users AS boolean) THEN TO_REGCLASS('public.users') END)
  OR r.srrelid IN (
    SELECT k.conrelid FROM pg_catalog.pg_constraint AS k WHERE k.contype = 'f' AND k.confrelid = TO_REGCLASS('public.artworks')
  )
ORDER BY 1
