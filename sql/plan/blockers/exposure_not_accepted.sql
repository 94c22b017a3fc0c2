-- What: artworks that an existing user would be able to see, or whose owner would change, without a decision that accepts it.
-- Why: nobody may see a row that they could not see before, unless an operator has accepted it. The counts are those of the block exposure
--   in plan.sql. A count that could not be made in time (NULL) blocks too.
-- Locks: none on a table of the application.
-- Remedy: If customers may see their own artworks, decide so, then plan again; the plan has a new number. (user_changed is an error in the
--   mapping: report it. Accept it only if it could not be counted, with user_gained,user_changed).
-- Given: decision
SELECT
  e.kind AS subject,
  CASE
    WHEN e.artworks IS NULL THEN 'it could not be counted in time, so the number of artworks is unknown.'
    ELSE FORMAT(e.message, TO_CHAR(e.artworks, 'FM999,999,999,990'), TO_CHAR(e.users, 'FM999,999,999,990'))
  END AS problem,
  CASE e.kind WHEN 'user_gained' THEN 'accept_exposure user_gained' END AS decision
FROM (
  VALUES
  (
    'user_gained', CAST(:user_gained AS bigint), CAST(:users_gaining AS bigint),
    '%s artworks without an owner have the e-mail of an existing user; %s users would be able to see them.'
  ),
  (
    'user_changed', CAST(:user_changed AS bigint), CAST(:users_changed AS bigint),
    '%s artworks would change their owner, to one of %s users; that is an error in the mapping.'
  )
) AS e (kind, artworks, users, message)
WHERE
  e.artworks IS DISTINCT FROM 0
  AND NOT EXISTS (
    SELECT
    FROM (SELECT d.value FROM artwork_migration.decision AS d WHERE d.name = 'accept_exposure' ORDER BY d.number DESC LIMIT 1) AS a
    WHERE e.kind = ANY(STRING_TO_ARRAY(a.value, ','))
  )
ORDER BY e.kind
