-- What: the artworks that catch-up has still to check, and the verdict on every row of both tables: match, missing, extra, differs,
--   pending, excluded, quarantined or refused; and the verdicts on the artworks of customers who move.
-- Why: law 1: each legacy row has exactly one verdict. A row that differs while its id is in the log is pending: the row and its log entry
--   become visible together, so the change is in transit. Two branches instead of a FULL JOIN make a query for a few ids fast.
--   The comment "mapped" is explained in sql/__init__.py.
-- Locks: ACCESS SHARE on both tables and public.users.
-- Stage: prepare

-- Their id is in the log, or their change is in key_change or indirect_change. The artworks of an e-mail or a token are looked for by the
-- reader, because the writer's snapshot may not have shown all of them. After a truncated table each clean row may be one that nothing
-- references.
CREATE VIEW artwork_migration.pending_artwork AS
SELECT x.id FROM artwork_migration.legacy_change AS l CROSS JOIN LATERAL UNNEST(l.ids) AS x (id)
UNION ALL
SELECT x.id FROM artwork_migration.key_change AS k CROSS JOIN LATERAL (VALUES (k.old_id), (k.new_id)) AS x (id)
UNION ALL
SELECT a.id
FROM artwork_migration.indirect_change AS i
CROSS JOIN LATERAL UNNEST(i.emails) AS x (email)
INNER JOIN artwork_migration.legacy_artwork AS a ON x.email = a.customer_email
UNION ALL
SELECT a.id
FROM artwork_migration.indirect_change AS i
CROSS JOIN LATERAL UNNEST(i.tokens) AS x (token)
INNER JOIN artwork_migration.legacy_artwork AS a ON x.token = a.access_token
UNION ALL
SELECT c.id FROM public.artworks_v2 AS c WHERE EXISTS (SELECT FROM artwork_migration.indirect_change AS i WHERE i.truncated);

CREATE VIEW artwork_migration.verdict AS
SELECT
  j.id,
  j.legacy_row,
  CASE WHEN j.logged AND j.verdict IN ('missing', 'extra', 'differs') THEN 'pending' ELSE j.verdict END AS verdict,
  CASE WHEN j.verdict = 'excluded' THEN j.disposition WHEN j.verdict = 'quarantined' THEN j.quarantined ELSE '' END AS reason,
  -- the columns that differ, or the reason why it stays or should stay behind
  CASE j.verdict
    WHEN 'differs' THEN j.columns
    WHEN 'quarantined' THEN ARRAY[j.quarantined]
    WHEN 'extra' THEN ARRAY_REMOVE(ARRAY[COALESCE(j.quarantined, j.disposition)], '')
    ELSE '{}'
  END AS about
FROM (
  SELECT
    e.id,
    TRUE AS legacy_row,
    e.disposition,
    q.reason AS quarantined,
    l.id IS NOT NULL AS logged,
    d.columns,
    CASE
      WHEN r.id IS NOT NULL THEN 'refused'
      WHEN e.disposition <> 'eligible' OR q.id IS NOT NULL
        THEN CASE WHEN (e.clean).id IS NOT NULL THEN 'extra' WHEN q.id IS NOT NULL THEN 'quarantined' ELSE 'excluded' END
      WHEN (e.clean).id IS NULL THEN 'missing'
      WHEN CARDINALITY(d.columns) > 0 THEN 'differs'
      ELSE 'match'
    END AS verdict
  FROM artwork_migration.expected_artwork AS e
  LEFT JOIN artwork_migration.quarantine AS q ON e.id = q.id
  LEFT JOIN artwork_migration.rejected_write AS r ON e.id = r.id
  LEFT JOIN (SELECT DISTINCT p.id FROM artwork_migration.pending_artwork AS p) AS l ON e.id = l.id
  CROSS JOIN
    LATERAL (
      SELECT
        ARRAY_REMOVE(
          ARRAY[
            /* mapped: CASE WHEN e.@ IS DISTINCT FROM (e.clean).@ THEN '@' END, */
            NULL
          ],
          NULL
        ) AS columns
    ) AS d
  UNION ALL
  SELECT
    c.id,
    FALSE AS legacy_row,
    '' AS disposition,
    NULL AS quarantined,
    l.id IS NOT NULL AS logged,
    '{}' AS columns,
    CASE WHEN r.id IS NOT NULL THEN 'refused' ELSE 'extra' END AS verdict
  FROM public.artworks_v2 AS c
  LEFT JOIN artwork_migration.rejected_write AS r ON c.id = r.id
  LEFT JOIN (SELECT DISTINCT p.id FROM artwork_migration.pending_artwork AS p) AS l ON c.id = l.id
  WHERE NOT EXISTS (SELECT FROM public.artworks AS a WHERE a.id = c.id)
) AS j;

-- What is wrong with the artworks of customers who move. One in transit is not among them: it agrees after the next catch-up.
CREATE VIEW artwork_migration.moving_verdict AS
SELECT
  v.id,
  m.moved_to,
  v.verdict || v.about AS reasons
FROM artwork_migration.verdict AS v
INNER JOIN (
  SELECT DISTINCT
    n.id,
    n.moved_to
  FROM artwork_migration.moving_artwork AS n WHERE n.moves
) AS m ON v.id = m.id
WHERE v.verdict IN ('missing', 'extra', 'differs', 'refused');

-- Undo:
DROP VIEW artwork_migration.moving_verdict;
DROP VIEW artwork_migration.verdict;
DROP VIEW artwork_migration.pending_artwork;
