-- What: the customers who are served by the clean table already, while the legacy table still serves the others, by exact e-mail.
-- Why: strategy, "Gradual rollout possible per customer email"; artwork_schema_for reads it. It is never exported: it holds addresses.
-- Inverse: 07_customer_schema.undo.sql
-- Locks: none on a table of the application.
-- Stage: prepare
CREATE TABLE artwork_migration.customer_schema (
  customer_email text CONSTRAINT customer_schema_pkey PRIMARY KEY,
  moved_at timestamptz NOT NULL DEFAULT CLOCK_TIMESTAMP()
);
