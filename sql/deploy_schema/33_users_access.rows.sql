-- What: the view users_access_question (users_access.sql) on this database, and the function users_access, which asks its questions.
-- Why: the gates and the plan of the switch ask again what the plan of deploy_schema has asked: grants and policies change. The claims of a
--   question end with its block.
-- Inverse: in the rows.
-- Locks: none; ACCESS SHARE on public.users when called.
-- Stage: prepare
-- Users: created
SELECT
  o.object,
  o."do",
  o.undo
FROM (
  VALUES
  (
    1,
    'artwork_migration.users_access_question',
    FORMAT(E'CREATE VIEW artwork_migration.users_access_question AS\n%s', CAST(:users_access_question AS text)),
    'DROP VIEW artwork_migration.users_access_question'
  ),
  (
    2,
    'artwork_migration.users_access()',
    $do$CREATE FUNCTION artwork_migration.users_access() RETURNS TABLE (
  role text, privilege text, email boolean, via text, accepted boolean
)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  asked artwork_migration.users_access_question;
  answer boolean;
BEGIN
  FOR asked IN SELECT q.* FROM artwork_migration.users_access_question AS q LOOP
    BEGIN
      PERFORM SET_CONFIG('request.jwt.claims', asked.claims, TRUE);
      EXECUTE asked.question INTO answer;
      RAISE EXCEPTION USING ERRCODE = 'AM006';
    EXCEPTION
      WHEN SQLSTATE 'AM006' THEN NULL;
      WHEN OTHERS THEN answer := asked.otherwise;
    END;
    IF answer THEN
      RETURN QUERY SELECT asked.role, asked.privilege, asked.email, asked.via, asked.accepted;
    END IF;
  END LOOP;
END
$$$do$,
    'DROP FUNCTION artwork_migration.users_access()'
  )
) AS o (place, object, "do", undo)
ORDER BY o.place
