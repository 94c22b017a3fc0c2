-- What: a subscription of this database writes into the legacy table, into users, or into a table that references the legacy one.
-- Why: what replication applies fires no statement trigger, so it would not be captured, and writes would be lost.
-- Locks: none.
-- Remedy: Migrate where the rows are written first, or take the table out of the subscription.
SELECT
  'table ' || r.srrelid::regclass AS subject,
  FORMAT('subscription %s writes into it past the triggers that capture changes.', s.subname) AS problem
FROM pg_catalog.pg_subscription_rel AS r
INNER JOIN pg_catalog.pg_subscription AS s ON r.srsubid = s.oid
WHERE
  r.srrelid IN (TO_REGCLASS('public.artworks'), TO_REGCLASS('public.users'))
  OR r.srrelid IN (
    SELECT k.conrelid FROM pg_catalog.pg_constraint AS k WHERE k.contype = 'f' AND k.confrelid = TO_REGCLASS('public.artworks')
  )
ORDER BY 1
