-- What: the table users refuses an anonymous user, or the users of some e-mails, and no decision accepts the artworks in quarantine.
-- Why: an artwork is not migrated without its owner. :users_tried is what the inserts of the plan came to, which were taken back;
--   :users_refused is what the table's own expressions say about the e-mails that wait.
-- Locks: none.
-- Users: created
-- Remedy: Correct the spelling of these e-mails in artworks, so that each customer has one, or change the constraint or trigger that
--   refuses them. Or accept that their artworks stay behind, with their ids in the report.
-- Given: decision, quarantined
WITH refused AS (
  SELECT
    r.object,
    r.emails,
    r.artworks,
    SUM(r.artworks) OVER () AS all_artworks
  FROM JSONB_TO_RECORDSET(CAST(:users_refused AS jsonb)) AS r (object text, emails bigint, artworks bigint)
)

SELECT
  'table public.users' AS subject,
  FORMAT('an anonymous user cannot be created: %s. No artwork would get an owner.', t.outcome) AS problem,
  NULL AS decision
FROM JSONB_TO_RECORDSET(CAST(:users_tried AS jsonb)) AS t (kind text, outcome text)
WHERE t.kind = 'ordinary' AND t.outcome <> 'created'
UNION ALL
SELECT
  r.object || ' of public.users',
  FORMAT('it refuses the users of %s e-mails; their %s artworks go to quarantine (no_user).', r.emails, r.artworks),
  'max_quarantined ' || (r.all_artworks + COALESCE((SELECT SUM(q.artworks) FROM artwork_migration.quarantined AS q), 0))
FROM refused AS r
WHERE
  r.all_artworks > COALESCE(
    (SELECT d.value::bigint FROM artwork_migration.decision AS d WHERE d.name = 'max_quarantined' ORDER BY d.number DESC LIMIT 1), 0
  )
ORDER BY 1
