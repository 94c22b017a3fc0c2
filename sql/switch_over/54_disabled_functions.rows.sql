-- What: our functions that name the two tables are renamed as long as the names mean the other tables.
-- Why: catch-up or a chunk would write the retired values over the serving rows. The function behind the trigger on users is replaced
--   instead of dropping its trigger: that needs no lock on users.
-- Inverse: in the rows.
-- Locks: none on a table.
-- Stage: locked
SELECT
  p.oid::regprocedure::text AS object,
  FORMAT('ALTER FUNCTION %s RENAME TO %I', p.oid::regprocedure, p.proname || '_disabled') AS "do",
  FORMAT(
    'ALTER FUNCTION artwork_migration.%I(%s) RENAME TO %I',
    p.proname || '_disabled', PG_GET_FUNCTION_IDENTITY_ARGUMENTS(p.oid), p.proname
  ) AS undo
FROM pg_catalog.pg_proc AS p
WHERE p.pronamespace = 'artwork_migration'::regnamespace AND p.proname IN ('catch_up_batch', 'copy_block_range')
UNION ALL
SELECT
  p.oid::regprocedure::text AS object,
  FORMAT(
    $do$CREATE OR REPLACE FUNCTION %s RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
  RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END
$body$$do$,
    p.oid::regprocedure
  ) AS "do",
  PG_GET_FUNCTIONDEF(p.oid) AS undo
FROM pg_catalog.pg_proc AS p
WHERE p.oid = 'artwork_migration.lock_clean_rows_of_user()'::regprocedure
ORDER BY 1
