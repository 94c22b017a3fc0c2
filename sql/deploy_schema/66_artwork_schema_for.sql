-- What: artwork_schema_for: the table that serves this customer, legacy or clean, whatever the spelling of the e-mail.
-- Why: strategy, "Gradual rollout possible per customer email": one deployment of the application can serve both. Once the clean table is
--   called artworks it serves everybody; until then the newest move of the customer counts. Our schema is closed to the application,
--   hence SECURITY DEFINER. It is the only application function that reads our schema; clean_up replaces its body.
-- Locks: when called, ACCESS SHARE on artwork_migration.customer_move and customer_move_key.
-- Stage: locked
CREATE FUNCTION public.artwork_schema_for(customer_email text) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  SELECT public.raise_error('22023', 'artwork_schema_for: customer_email must not be NULL or blank')
  WHERE COALESCE(BTRIM(artwork_schema_for.customer_email, E' \t\r\n'), '') = '';
  SELECT
    CASE
      WHEN c.relname = 'artworks' THEN 'clean'
      ELSE
        COALESCE(
          (
            SELECT m.served_by
            FROM (SELECT artwork_migration.customer_key(artwork_schema_for.customer_email) AS key) AS asked
            CROSS JOIN artwork_migration.customer_move AS m
            LEFT JOIN artwork_migration.customer_move_key AS k ON asked.key = k.key AND m.run = k.run
            WHERE
              m.in_force
              AND (
                k.key IS NOT NULL
                OR (
                  artwork_migration.customer_bucket(asked.key) >= m.first_bucket
                  AND artwork_migration.customer_bucket(asked.key) < m.past_bucket
                )
              )
            ORDER BY m.run DESC
            LIMIT 1
          ),
          'legacy'
        )
    END
  FROM pg_catalog.pg_class AS c
  WHERE c.oid = 'public.artworks_v2'::regclass;
END;
COMMENT ON FUNCTION public.artwork_schema_for(text)
IS 'Which table serves this customer: legacy or clean.';

-- Undo:
DROP FUNCTION public.artwork_schema_for(text);
