-- What: artworks that would be in quarantine, if they are more than the decision max_quarantined accepts: one row for each reason.
-- Why: the gate reconciliation would be red after the copy. It is better to know that before anything is created. Those whose user the
--   table users refuses (:users_refused) count too; user_refused names them.
-- Locks: ACCESS SHARE on public.artworks and public.users.
-- Remedy: Correct these rows in the legacy table (the token, the time, the status or the e-mail). Or accept that they stay behind, with
--   their ids in the report.
-- Given: quarantined, decision
WITH refused AS (
  SELECT COALESCE(SUM(r.artworks), 0) AS artworks FROM JSONB_TO_RECORDSET(CAST(:users_refused AS jsonb)) AS r (artworks bigint)
),

found AS (
  SELECT
    q.reason,
    q.artworks,
    SUM(q.artworks) OVER () + r.artworks AS all_artworks
  FROM artwork_migration.quarantined AS q
  CROSS JOIN refused AS r
)

SELECT
  f.reason AS subject,
  FORMAT('%s artworks would be in quarantine.', TO_CHAR(f.artworks, 'FM999,999,999,990')) AS problem,
  'max_quarantined ' || f.all_artworks AS decision
FROM found AS f
WHERE
  f.all_artworks > COALESCE(
    (SELECT d.value::bigint FROM artwork_migration.decision AS d WHERE d.name = 'max_quarantined' ORDER BY d.number DESC LIMIT 1), 0
  )
ORDER BY f.reason
