-- What: the customers none of whose artworks is migrated: their user ids as findings, their number by reason.
-- Why: they see an empty page after the switch, so an operator should check them before. A customer is an e-mail.
-- Locks: ACCESS SHARE on both tables and public.users; run it in the snapshot of `compare`.
WITH left_behind AS (
  SELECT
    l.customer_email,
    l.email_user_id,
    COALESCE(NULLIF(l.disposition, 'eligible'), CASE WHEN q.id IS NOT NULL THEN 'quarantined' ELSE 'missing' END) AS reason
  FROM artwork_migration.legacy_artwork AS l
  LEFT JOIN artwork_migration.quarantine AS q ON l.id = q.id
  WHERE
    BTRIM(l.customer_email, E' \t\r\n') <> ''
    AND NOT EXISTS (SELECT FROM public.artworks_v2 AS c WHERE c.customer_email = l.customer_email)
),

customer AS (
  SELECT
    b.email_user_id,
    CASE WHEN MIN(b.reason) = MAX(b.reason) THEN MIN(b.reason) ELSE 'several reasons' END AS reason
  FROM left_behind AS b
  GROUP BY b.customer_email, b.email_user_id
),

found AS (
  INSERT INTO artwork_migration.finding (run, rule, id, about)
  SELECT
    :run,
    'customer_left_with_nothing',
    f.email_user_id,
    '{}'
  FROM customer AS f
  WHERE f.email_user_id IS NOT NULL
)

INSERT INTO artwork_migration.statistic (run, name, label, detail, value)
SELECT
  :run,
  'customer_left_with_nothing',
  n.reason,
  CASE WHEN n.email_user_id IS NULL THEN 'without a user' ELSE 'with a user' END,
  COUNT(*)
FROM customer AS n
GROUP BY n.reason, n.email_user_id IS NULL
