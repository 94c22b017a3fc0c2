-- What: artwork_schema_for: the table that serves this customer, legacy or clean.
-- Why: strategy, "Gradual rollout possible per customer email": one deployment of the application can serve both. Once the clean table is
--   called artworks it serves everybody; until then the ledger lists the customers who were moved. The ledger is closed to the application,
--   hence SECURITY DEFINER. It is the only application function that reads the ledger; clean_up replaces its body.
-- Locks: when called, ACCESS SHARE on artwork_migration.customer_schema.
-- Stage: locked
CREATE FUNCTION public.artwork_schema_for(customer_email text) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  SELECT public.raise_error('22023', 'artwork_schema_for: customer_email must not be NULL or blank')
  WHERE COALESCE(BTRIM(artwork_schema_for.customer_email), '') = '';
  SELECT
    CASE
      WHEN c.relname = 'artworks' THEN 'clean'
      WHEN EXISTS (
        SELECT FROM artwork_migration.customer_schema AS s WHERE s.customer_email = artwork_schema_for.customer_email
      ) THEN 'clean'
      ELSE 'legacy'
    END
  FROM pg_catalog.pg_class AS c
  WHERE c.oid = 'public.artworks_v2'::regclass;
END;
COMMENT ON FUNCTION public.artwork_schema_for(text)
IS 'Which table serves this customer: legacy or clean.';

-- Undo:
DROP FUNCTION public.artwork_schema_for(text);
