-- What: a person can write any e-mail into their own row of users, and no decision accepts it.
-- Why: law 8: the artworks of an e-mail belong to its user. Anyone who may choose the e-mail gets the artworks of a stranger, with their
--   tokens: at once if they have chosen it already (:user_gained counts those rows), or by the next catch-up. accept_exposure is about
--   customers who see their own. Checked before deploy_schema and before switch_over.
-- Locks: none.
-- Users: created
-- Remedy: Let these policies accept only an e-mail that the person has confirmed, for example by adding email = (auth.jwt() ->> 'email') to
--   WITH CHECK. Decide only if your application confirms each e-mail before it writes it.
WITH way AS (
  SELECT DISTINCT
    o.role,
    o.privilege,
    o.via,
    o.accepted
  FROM JSONB_TO_RECORDSET(CAST(:users_access AS jsonb)) AS o (role text, privilege text, email boolean, via text, accepted boolean)
  WHERE o.email
)

SELECT
  'public.users.email' AS subject,
  FORMAT(
    'these roles choose it: %s. %s',
    STRING_AGG(FORMAT('%s (%s by %s)', w.role, w.privilege, w.via), ', ' ORDER BY w.role, w.privilege, w.via),
    CASE
      WHEN CAST(:user_gained AS bigint) > 0 THEN FORMAT('%s artworks would go to users who exist today.', CAST(:user_gained AS bigint))
      ELSE 'A user whom they create would get the artworks of that e-mail.'
    END
  ) AS problem,
  'accept_chosen_emails ' || (SELECT STRING_AGG(DISTINCT r.role, ',' ORDER BY r.role) FROM way AS r) AS decision
FROM way AS w
HAVING NOT BOOL_AND(w.accepted)
