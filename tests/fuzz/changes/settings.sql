-- name: strings_not_standard
-- What: the database has standard_conforming_strings = off
DO $$BEGIN EXECUTE FORMAT('ALTER DATABASE %I SET standard_conforming_strings = off', CURRENT_DATABASE()); END$$;
-- name: search_path_role
-- What: the role has another search_path
DO $$BEGIN EXECUTE FORMAT('ALTER ROLE shop_owner IN DATABASE %I SET search_path = shop, extensions', CURRENT_DATABASE()); END$$;
-- name: date_style
-- What: the database has another DateStyle, IntervalStyle and time zone
DO $$BEGIN
  EXECUTE FORMAT('ALTER DATABASE %I SET DateStyle = ''German, DMY''', CURRENT_DATABASE());
  EXECUTE FORMAT('ALTER DATABASE %I SET IntervalStyle = ''sql_standard''', CURRENT_DATABASE());
  EXECUTE FORMAT('ALTER DATABASE %I SET TimeZone = ''Pacific/Kiritimati''', CURRENT_DATABASE());
END$$;
-- name: serializable
-- What: transactions are serializable by default (default_transaction_isolation)
DO $$BEGIN EXECUTE FORMAT('ALTER DATABASE %I SET default_transaction_isolation = ''serializable''', CURRENT_DATABASE()); END$$;
-- name: deferrable
-- What: transactions are deferrable by default
DO $$BEGIN EXECUTE FORMAT('ALTER DATABASE %I SET default_transaction_deferrable = on', CURRENT_DATABASE()); END$$;
-- name: read_only
-- What: transactions of the role are read-only by default
DO $$BEGIN EXECUTE FORMAT('ALTER ROLE shop_owner IN DATABASE %I SET default_transaction_read_only = on', CURRENT_DATABASE()); END$$;
-- name: statement_timeout
-- What: the role has a statement_timeout of 80 ms
DO $$BEGIN EXECUTE FORMAT('ALTER ROLE shop_owner IN DATABASE %I SET statement_timeout = 80', CURRENT_DATABASE()); END$$;
-- name: idle_timeout
-- What: the role has an idle_in_transaction_session_timeout of 50 ms
DO $$BEGIN EXECUTE FORMAT('ALTER ROLE shop_owner IN DATABASE %I SET idle_in_transaction_session_timeout = 50', CURRENT_DATABASE()); END$$;
-- name: transaction_timeout
-- What: the database has a lock_timeout of 10 ms
DO $$BEGIN EXECUTE FORMAT('ALTER DATABASE %I SET lock_timeout = 10', CURRENT_DATABASE()); END$$;
-- name: session_timeout
-- What: the database has an idle_session_timeout of ten minutes
DO $$BEGIN EXECUTE FORMAT('ALTER DATABASE %I SET idle_session_timeout = ''10min''', CURRENT_DATABASE()); END$$;
-- name: quote_all
-- What: the database quotes all identifiers and writes numbers its own way
DO $$BEGIN
  EXECUTE FORMAT('ALTER DATABASE %I SET quote_all_identifiers = on', CURRENT_DATABASE());
  EXECUTE FORMAT('ALTER DATABASE %I SET bytea_output = escape', CURRENT_DATABASE());
  EXECUTE FORMAT('ALTER DATABASE %I SET extra_float_digits = -10', CURRENT_DATABASE());
  EXECUTE FORMAT('ALTER DATABASE %I SET array_nulls = off', CURRENT_DATABASE());
END$$;
-- name: null_equals
-- What: the database has transform_null_equals = on and backslash_quote = off
DO $$BEGIN
  EXECUTE FORMAT('ALTER DATABASE %I SET transform_null_equals = on', CURRENT_DATABASE());
  EXECUTE FORMAT('ALTER DATABASE %I SET backslash_quote = off', CURRENT_DATABASE());
END$$;
-- name: conflict_settings
-- What: PL/pgSQL resolves names to columns, and the plan cache is forced
DO $$BEGIN
  EXECUTE FORMAT('ALTER DATABASE %I SET plpgsql.variable_conflict = ''use_column''', CURRENT_DATABASE());
  EXECUTE FORMAT('ALTER DATABASE %I SET plan_cache_mode = force_generic_plan', CURRENT_DATABASE());
END$$;
-- name: no_hash_joins
-- What: the planner has no hash joins and little memory (work_mem)
DO $$BEGIN
  EXECUTE FORMAT('ALTER DATABASE %I SET work_mem = ''64kB''', CURRENT_DATABASE());
  EXECUTE FORMAT('ALTER DATABASE %I SET enable_hashjoin = off', CURRENT_DATABASE());
END$$;
-- name: row_security_off
-- What: the role has row_security = off
DO $$BEGIN EXECUTE FORMAT('ALTER ROLE shop_owner IN DATABASE %I SET row_security = off', CURRENT_DATABASE()); END$$;
-- name: replica_role
-- What: the database has session_replication_role = replica
DO $$BEGIN EXECUTE FORMAT('ALTER DATABASE %I SET session_replication_role = replica', CURRENT_DATABASE()); END$$;
-- name: check_bodies_off
-- What: the database does not check function bodies, and compresses large values with pglz
DO $$BEGIN
  EXECUTE FORMAT('ALTER DATABASE %I SET check_function_bodies = off', CURRENT_DATABASE());
  EXECUTE FORMAT('ALTER DATABASE %I SET default_toast_compression = pglz', CURRENT_DATABASE());
END$$;
-- name: vacuumed_empty
-- What: the empty new table is vacuumed and analyzed
-- At: deployed
VACUUM (ANALYZE);
-- name: autovacuum_off
-- What: statistics are stale by a factor of 1,000
-- At: deployed
UPDATE pg_class SET reltuples = 2, relpages = 1 WHERE relname IN ('artworks', 'users', 'orders');
-- name: rewritten_while_copying
-- What: VACUUM FULL rewrites artworks
-- At: copying
VACUUM FULL artworks;
-- name: clustered_while_copying
-- What: CLUSTER rewrites artworks
-- At: copying
CLUSTER artworks USING idx_artworks_customer_email;
-- name: old_names_served
-- What: the old names are served (decision serve_old_names), and old code uses them
-- Decide: serve_old_names yes
SELECT 1;
