-- What: counts the verdicts on every row of the retired and the serving table and keeps the ids of those that are wrong as findings.
-- Why: law 1 and law 2, once more, for the tables under their new names: the view verdict is bound to the tables and follows them. Whatever
--   was changed on the serving table since the switch differs rightly.
-- Locks: ACCESS SHARE on both tables; run it in a REPEATABLE READ transaction.
WITH judged AS (
  SELECT
    v.id,
    v.about,
    CASE WHEN v.verdict IN ('missing', 'extra', 'differs') AND c.id IS NOT NULL THEN 'changed_since' ELSE v.verdict END AS verdict
  FROM artwork_migration.verdict AS v
  LEFT JOIN (
    SELECT DISTINCT x.id FROM artwork_migration.clean_change AS l CROSS JOIN LATERAL UNNEST(l.ids) AS x (id)
  ) AS c ON v.id = c.id
),

found AS (
  INSERT INTO artwork_migration.finding (run, rule, id, about)
  SELECT
    :run,
    j.verdict,
    j.id,
    j.about
  FROM judged AS j
  WHERE j.verdict IN ('missing', 'extra', 'differs', 'refused')
)

SELECT
  j.verdict,
  COUNT(*) AS row_count,
  j.verdict IN ('missing', 'extra', 'differs', 'refused') AS wrong,
  ARRAY(SELECT w.id FROM judged AS w WHERE w.verdict = j.verdict ORDER BY w.id LIMIT 20) AS ids
FROM judged AS j
GROUP BY j.verdict
ORDER BY j.verdict
