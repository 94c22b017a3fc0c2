-- What: artwork_schema_for returns clean from now on and reads no table.
-- Why: it is the only application function that reads our schema, which is dropped. Applications may keep calling it. Its privileges stay.
-- Inverse: none.
-- Locks: none on a table.
-- Stage: locked
SELECT
  'function ' || p.oid::regprocedure AS object,
  $do$CREATE OR REPLACE FUNCTION public.artwork_schema_for(customer_email text) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT public.raise_error('22023', 'artwork_schema_for: customer_email must not be NULL or blank')
  WHERE COALESCE(BTRIM(artwork_schema_for.customer_email, E' \t\r\n'), '') = '';
  SELECT 'clean'::text;
END$do$ AS "do",
  NULL AS undo
FROM pg_catalog.pg_proc AS p
WHERE p.oid = TO_REGPROCEDURE('public.artwork_schema_for(text)')
