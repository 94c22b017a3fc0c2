-- What: gives every row of the retired and the serving table its verdict, counts them, and saves the ids of wrong rows as findings.
-- Why: law 1 and law 2 for the tables under their new names: the view verdict is bound to the tables and follows them. A row that was
--   changed on the serving table after the switch differs rightly. An id that is in the log only because of a newer user or order (the view
--   calls it pending) may differ in what the mapping reads there: its owner, its upscaling, and whether it is migrated at all. Nothing
--   excuses another id, time of creation, e-mail or token.
-- Locks: ACCESS SHARE on both tables; run it in a REPEATABLE READ transaction.
WITH told AS (
  SELECT ARRAY_AGG(a.attname::text) AS columns
  FROM pg_catalog.pg_attribute AS a
  WHERE a.attrelid = 'public.artworks'::regclass AND a.attnum > 0 AND a.attname NOT IN ('user_id', 'upscale_status')
),

judged AS (
  SELECT
    v.id,
    v.legacy_row,
    v.reason,
    v.about,
    CASE
      WHEN v.verdict NOT IN ('missing', 'extra', 'differs', 'pending') THEN v.verdict
      WHEN c.id IS NULL AND v.verdict <> 'pending' THEN v.verdict
      WHEN NOT v.legacy_row THEN CASE WHEN c.id IS NULL THEN 'extra' ELSE 'born_since' END
      WHEN s.id IS NULL
        THEN CASE WHEN c.id IS NULL THEN 'missing' ELSE 'deleted_since' END
      WHEN c.id IS NULL AND v.about && (SELECT t.columns FROM told AS t) THEN 'differs'
      ELSE 'changed_since'
    END AS verdict
  FROM artwork_migration.verdict AS v
  LEFT JOIN (
    SELECT DISTINCT x.id FROM artwork_migration.clean_change AS l CROSS JOIN LATERAL UNNEST(l.ids) AS x (id)
  ) AS c ON v.id = c.id
  LEFT JOIN public.artworks AS s ON v.id = s.id
),

counted AS (
  SELECT
    j.verdict,
    j.reason,
    j.legacy_row,
    j.about,
    COUNT(*) AS row_count,
    ARRAY_AGG(j.id) FILTER (WHERE j.verdict NOT IN ('match', 'excluded', 'quarantined', 'born_since')) AS ids
  FROM (
    -- row_counter shows how many rows have a verdict (progress.sql)
    SELECT
      d.*,
      NEXTVAL('artwork_migration.row_counter') AS counted
    FROM judged AS d
  ) AS j
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
  LEFT JOIN (SELECT DISTINCT g.old_id AS id FROM artwork_migration.clean_key_change AS g) AS r ON x.id = r.id
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
        k.verdict = 'deleted_since' AND r.id IS NOT NULL,
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
