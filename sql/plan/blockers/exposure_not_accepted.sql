-- What: artworks that a user who is there already would come to see, or whose owner would change, without a decision that accepts it.
-- Why: nobody is shown a row they could not see before unless somebody has decided so. The counts are those of exposure.sql; where they
--   were not had in the time for it (NULL), nobody knows, and that is no yes.
-- Locks: none on a table of the application.
-- Remedy: If customers may see their own: artwork-migration run decide accept_exposure user_gained --approved-by NAME --reason WHY; then
--   plan again, it has a new number. (user_changed is a mistake in the mapping: report it; accept it only where it could not be counted,
--   with user_gained,user_changed).
-- Given: decision
SELECT
  e.kind AS subject,
  CASE
    WHEN e.artworks IS NULL THEN 'it was not counted in the time for it, so nobody knows how many artworks it concerns.'
    ELSE FORMAT(e.told, TO_CHAR(e.artworks, 'FM999,999,999,990'), TO_CHAR(e.users, 'FM999,999,999,990'))
  END AS problem
FROM (
  VALUES
  (
    'user_gained', CAST(:user_gained AS bigint), CAST(:users_gaining AS bigint),
    '%s artworks without an owner have the e-mail of a user who is there already; %s signed-in users would come to see them.'
  ),
  (
    'user_changed', CAST(:user_changed AS bigint), CAST(:users_changed AS bigint),
    '%s artworks would get another owner than they have, one of %s users; that is a mistake in the mapping.'
  )
) AS e (kind, artworks, users, told)
WHERE
  e.artworks IS DISTINCT FROM 0
  AND NOT EXISTS (
    SELECT
    FROM (SELECT d.value FROM artwork_migration.decision AS d WHERE d.name = 'accept_exposure' ORDER BY d.number DESC LIMIT 1) AS a
    WHERE e.kind = ANY(STRING_TO_ARRAY(a.value, ','))
  )
ORDER BY e.kind
