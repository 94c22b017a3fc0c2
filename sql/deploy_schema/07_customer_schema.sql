-- What: the customers, by exact e-mail, whom the clean table already serves while the legacy table serves the others.
-- Why: strategy, "Gradual rollout possible per customer email"; artwork_schema_for reads it. It contains e-mail addresses, so it is never
--   exported.
-- Locks: none on a table of the application.
-- Stage: prepare
CREATE TABLE artwork_migration.customer_schema (
  customer_email text CONSTRAINT customer_schema_pkey PRIMARY KEY,
  moved_at timestamptz NOT NULL DEFAULT CLOCK_TIMESTAMP()
);

-- Undo:
-- Why: the legacy table serves every customer again; the function that reads this table was dropped before.
-- Stage: after
DROP TABLE IF EXISTS artwork_migration.customer_schema;
