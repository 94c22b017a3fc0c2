-- What: the view of artworks that stay behind, or are migrated as unfinished, although they have a picture; empty if they are no more than
--   is accepted. `link_valid`: a customer who has the link sees the picture today.
-- Why: a rule set that does not fit the data must not be a success. The strategy migrates what has the status `completed`; a shop whose
--   status column is unused would lose every customer's picture. The thresholds are here and nowhere else. Without a decision
--   (max_left_behind) it is too many as soon as one link is valid, because somebody may open it tomorrow; of the others, whose links have
--   expired, one in ten may stay behind, because shops have that many retries and repeated failures. Test data and what is in flight do not
--   count, nor what is in quarantine (max_quarantined), nor a row that changed within a day and is unfinished.
-- Inverse: in the rows.
-- Locks: ACCESS SHARE on public.artworks and public.users.
-- Stage: prepare
SELECT
  'artwork_migration.left_behind' AS object,
  'CREATE VIEW artwork_migration.left_behind AS ' || q.question AS "do",
  'DROP VIEW artwork_migration.left_behind' AS undo,
  q.question
FROM (
  SELECT $do$
SELECT
  j.id,
  j.reason,
  j.link_valid,
  j.behind,
  j.finished
FROM (
  SELECT
    f.id,
    f.reason,
    f.link_valid,
    COUNT(*) OVER () AS finished,
    COUNT(f.reason) OVER () AS behind,
    COUNT(f.reason) FILTER (WHERE f.link_valid) OVER () AS links
  FROM (
    SELECT
      l.id,
      CASE
        WHEN l.disposition <> 'eligible' THEN l.disposition
        WHEN
          l.generation_status IS DISTINCT FROM 'completed'
          AND NOT COALESCE(COALESCE(l.updated_at, l.created_at) > NOW() - interval '1 day', FALSE)
          THEN 'unfinished'
      END AS reason,
      COALESCE(BTRIM(l.access_token, E' \t\r\n') <> '' AND COALESCE(l.token_expires_at > NOW(), TRUE), FALSE) AS link_valid
    FROM artwork_migration.legacy_artwork AS l
    WHERE BTRIM(l.generated_image_url) <> '' AND l.disposition NOT IN ('test_data', 'in_flight') AND NOT l.touched
  ) AS f
) AS j
CROSS JOIN (
  SELECT (SELECT NULLIF(d.value, '')::bigint FROM artwork_migration.decision AS d WHERE d.name = 'max_left_behind' ORDER BY d.number DESC LIMIT 1) AS most
) AS accepted
WHERE j.reason IS NOT NULL AND CASE
  WHEN accepted.most IS NULL THEN j.links > 0 OR j.behind > 0.1 * j.finished
  ELSE j.behind > accepted.most
END$do$ AS question
) AS q
