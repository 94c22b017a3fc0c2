-- What: artworks with a picture that stay behind, or are migrated as unfinished, if they are more than is accepted: one
--   row for each reason.
-- Why: the rules do not fit the data. After the switch the links of these customers would lead to nothing, or to less than before.
-- Locks: ACCESS SHARE on public.artworks and public.users.
-- Remedy: If these artworks are finished, set their generation_status to completed; triggers of the application fire. If they have no
--   e-mail or no token, give them one. Or decide how many may stay behind; the decision holds for all reasons together.
-- Given: left_behind
SELECT
  b.reason AS subject,
  FORMAT(
    '%s artworks have a picture and %s; for %s of them a customer holds a link that is valid today. In all: %s of %s artworks with a'
    || ' picture.',
    TO_CHAR(COUNT(*), 'FM999,999,999,990'),
    CASE b.reason WHEN 'unfinished' THEN 'are migrated as unfinished' ELSE 'stay behind' END,
    TO_CHAR(COUNT(*) FILTER (WHERE b.link_valid), 'FM999,999,999,990'),
    TO_CHAR(b.behind, 'FM999,999,999,990'),
    TO_CHAR(b.finished, 'FM999,999,999,990')
  ) AS problem,
  CASE
    WHEN b.reason IN ('abandoned', 'not_completed', 'unfinished')
      THEN $do$UPDATE public.artworks SET generation_status = 'completed' WHERE generation_status IS DISTINCT FROM 'completed'
AND BTRIM(generated_image_url) <> '' AND COALESCE(original_image_url NOT LIKE 'test-%', TRUE)
AND COALESCE(COALESCE(updated_at, created_at) < NOW() - interval '15 minutes', TRUE)$do$
  END AS statement,
  'max_left_behind ' || b.behind AS decision
FROM artwork_migration.left_behind AS b
GROUP BY b.reason, b.behind, b.finished
ORDER BY COUNT(*) DESC, b.reason
