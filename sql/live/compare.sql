-- What: gives every row of the retired and the serving table its verdict, counts them and keeps the ids of what is not right as findings.
-- Why: law 1 and law 2 for the tables under their new names: the view verdict is bound to the tables and follows them. Whatever was
--   changed on the serving table since the switch differs rightly, and so does what a user or an order written since has changed in what
--   the mapping says (the view calls it pending). Nothing excuses another id, time of creation, e-mail or token.
-- Locks: ACCESS SHARE on both tables; run it in a REPEATABLE READ transaction.
WITH judged AS (
  SELECT
    v.id,
    v.legacy_row,
    v.reason,
    v.about,
    CASE
      WHEN v.verdict <> 'pending' AND (c.id IS NULL OR v.verdict NOT IN ('missing', 'extra', 'differs')) THEN v.verdict
      WHEN NOT v.legacy_row THEN 'born_since'
      WHEN NOT EXISTS (SELECT FROM public.artworks AS s WHERE s.id = v.id) THEN 'deleted_since'
      ELSE 'changed_since'
    END AS verdict
  FROM artwork_migration.verdict AS v
  LEFT JOIN (
    SELECT DISTINCT x.id FROM artwork_migration.clean_change AS l CROSS JOIN LATERAL UNNEST(l.ids) AS x (id)
  ) AS c ON v.id = c.id
),

counted AS (
  SELECT
    j.verdict,
    j.reason,
    j.legacy_row,
    j.about,
    COUNT(*) AS row_count,
    ARRAY_AGG(j.id) FILTER (WHERE j.verdict NOT IN ('match', 'excluded', 'quarantined', 'born_since')) AS ids
  FROM judged AS j
  GROUP BY j.verdict, j.reason, j.legacy_row, j.about
),

found AS (
  INSERT INTO artwork_migration.finding (run, rule, id, about)
  SELECT
    :run,
    w.rule,
    x.id,
    w.about
  FROM counted AS k
  CROSS JOIN LATERAL UNNEST(k.ids) AS x (id)
  CROSS JOIN
    LATERAL (
      VALUES
      ('live_missing', k.verdict = 'missing', k.about),
      ('live_extra', k.verdict = 'extra', k.about),
      ('live_differs', k.verdict = 'differs', k.about),
      ('live_refused', k.verdict = 'refused', k.about),
      ('identity_changed', k.verdict = 'changed_since' AND 'created_at' = ANY(k.about), ARRAY['created_at']),
      (
        'identity_changed',
        k.verdict = 'deleted_since' AND x.id IN (SELECT r.old_id FROM artwork_migration.clean_rekeyed AS r),
        ARRAY['id']
      ),
      (
        'email_or_token_changed',
        k.verdict = 'changed_since' AND k.about && ARRAY['customer_email', 'access_token'],
        ARRAY(SELECT a.about FROM UNNEST(k.about) AS a (about) WHERE a.about IN ('customer_email', 'access_token'))
      )
    ) AS w (rule, holds, about)
  WHERE w.holds
)

INSERT INTO artwork_migration.reconciliation (run, verdict, reason, row_count, legacy_row, snapshot_at, lsn)
SELECT
  :run,
  k.verdict,
  k.reason,
  SUM(k.row_count),
  k.legacy_row,
  NOW(),
  PG_CURRENT_WAL_LSN()
FROM counted AS k
GROUP BY k.verdict, k.reason, k.legacy_row
