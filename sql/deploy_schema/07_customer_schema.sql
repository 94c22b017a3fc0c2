-- What: the customers who are served by the clean table already, while the legacy table still serves the others, by exact e-mail.
-- Why: strategy, "Gradual rollout possible per customer email"; artwork_schema_for reads it. It is never exported: it holds addresses.
-- Locks: none on a table of the application.
-- Stage: prepare
CREATE TABLE artwork_migration.customer_schema (
  customer_email text CONSTRAINT customer_schema_pkey PRIMARY KEY,
  moved_at timestamptz NOT NULL DEFAULT CLOCK_TIMESTAMP()
);

-- Undo:
-- Why: after roll_back(to=NOT_STARTED) nothing of ours remains, and the legacy table serves everybody.
-- Stage: after
DROP TABLE IF EXISTS artwork_migration.customer_schema;
