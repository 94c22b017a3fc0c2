-- What: artwork_schema_for says clean from now on, and reads nothing.
-- Why: it is the one function of the product that reads our schema, which goes; applications may go on asking it. Who may call it stays.
-- Inverse: none.
-- Locks: none on a table.
-- Stage: locked
SELECT
  'function ' || p.oid::regprocedure AS object,
  $do$CREATE OR REPLACE FUNCTION public.artwork_schema_for(customer_email text) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT public.raise_error('22023', 'artwork_schema_for: customer_email must not be NULL or blank')
  WHERE COALESCE(BTRIM(artwork_schema_for.customer_email), '') = '';
  SELECT 'clean'::text;
END$do$ AS "do",
  NULL AS undo
FROM pg_catalog.pg_proc AS p
WHERE p.oid = TO_REGPROCEDURE('public.artwork_schema_for(text)')
