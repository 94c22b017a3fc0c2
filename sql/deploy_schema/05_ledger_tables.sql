-- What: the ledger's tables for the data: chunks, logs of changed ids, created users, rejected writes, quarantine, comparison and rule
--   results, readings of the application's statements.
-- Why: each step reads here what an earlier step has written. legacy_change is append-only and has no key, so writes of the application
--   never wait for each other. REPLICA IDENTITY FULL lets a publication FOR ALL TABLES publish its deletes.
-- Locks: none on a table of the application.
-- Stage: prepare
CREATE TABLE artwork_migration.legacy_change (
  ids uuid[] NOT NULL,
  changed_at timestamptz NOT NULL DEFAULT CLOCK_TIMESTAMP()
);
ALTER TABLE artwork_migration.legacy_change REPLICA IDENTITY FULL;
-- an array of many ids is in its TOAST table
ALTER TABLE artwork_migration.legacy_change SET (
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0,
  toast.autovacuum_vacuum_scale_factor = 0, toast.autovacuum_vacuum_threshold = 1000, toast.autovacuum_vacuum_cost_delay = 0
);

-- What changes artworks without a write to them: e-mails of users that were inserted, deleted or changed, tokens that a clean row has given
-- up, and truncated tables that reference artworks. Catch-up finds the artworks: the writer's snapshot may not show all of them. It is as
-- private as users.
CREATE TABLE artwork_migration.indirect_change (
  emails text[] NOT NULL DEFAULT '{}',
  tokens text[] NOT NULL DEFAULT '{}',
  truncated boolean NOT NULL DEFAULT FALSE,
  changed_at timestamptz NOT NULL DEFAULT CLOCK_TIMESTAMP()
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
ALTER TABLE artwork_migration.indirect_change REPLICA IDENTITY FULL;

-- Legacy rows whose id changed, in the order of the changes: what only the clean row holds follows them.
CREATE TABLE artwork_migration.key_change (
  number bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT key_change_pkey PRIMARY KEY,
  old_id uuid NOT NULL,
  new_id uuid NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX key_change_old_id ON artwork_migration.key_change (old_id, number);

CREATE TABLE artwork_migration.clean_modified (
  id uuid CONSTRAINT clean_modified_pkey PRIMARY KEY,
  touched_at timestamptz NOT NULL DEFAULT CLOCK_TIMESTAMP()
);

-- foreign_row: the legacy table had a row of that id already when it refused the new one. columns: the clean columns that it refused; none
-- if it refused the row as a whole, which it then does not have.
CREATE TABLE artwork_migration.rejected_write (
  id uuid CONSTRAINT rejected_write_pkey PRIMARY KEY,
  operation text NOT NULL,
  sql_state text NOT NULL,
  object text NOT NULL,
  columns text[] NOT NULL DEFAULT '{}',
  foreign_row boolean NOT NULL DEFAULT FALSE,
  refused_at timestamptz NOT NULL DEFAULT CLOCK_TIMESTAMP()
);

CREATE TABLE artwork_migration.quarantine (
  id uuid CONSTRAINT quarantine_pkey PRIMARY KEY,
  reason text NOT NULL,
  judged_at timestamptz NOT NULL DEFAULT CLOCK_TIMESTAMP()
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);

-- E-mails without a user; empty except for the minutes in which migrate_data creates their users.
CREATE TABLE artwork_migration.waiting_email (
  number bigint CONSTRAINT waiting_email_pkey PRIMARY KEY,
  email text NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);

-- first_block <= block < end_block; an end_block of NULL is the end of the table, wherever it grows to.
CREATE TABLE artwork_migration.chunk (
  number bigint CONSTRAINT chunk_pkey PRIMARY KEY,
  first_block bigint NOT NULL,
  end_block bigint,
  file_node oid NOT NULL,
  run bigint,
  copied bigint,
  begun_at timestamptz,
  done_at timestamptz
);

-- Counts the rows that a statement over the whole table has read. A sequence shows that before the commit, to every session.
CREATE SEQUENCE artwork_migration.row_counter OWNED BY artwork_migration.chunk.number;

-- Verdict counts of one comparison; the rows of the legacy table are the sum of those with legacy_row.
CREATE TABLE artwork_migration.reconciliation (
  run bigint NOT NULL,
  verdict text NOT NULL,
  reason text NOT NULL,
  row_count bigint NOT NULL,
  legacy_row boolean NOT NULL,
  snapshot_at timestamptz NOT NULL,
  lsn pg_lsn NOT NULL,
  CONSTRAINT reconciliation_pkey PRIMARY KEY (run, verdict, reason, legacy_row)
);

-- The strategy's own WHERE clause against what was migrated, in the same snapshot: each difference under the deviation that explains it.
CREATE TABLE artwork_migration.strategy_count (
  run bigint NOT NULL,
  in_strategy boolean NOT NULL,
  migrated boolean NOT NULL,
  deviation text NOT NULL,
  row_count bigint NOT NULL,
  CONSTRAINT strategy_count_pkey PRIMARY KEY (run, in_strategy, migrated, deviation)
);

-- Every id behind a rule that is not green; `about` names what it is about: the columns that differ, the reason it is in quarantine, the
-- disposition that was not expected. The name of a rule is good for one suite only.
CREATE TABLE artwork_migration.finding (
  run bigint NOT NULL,
  rule text NOT NULL,
  id uuid NOT NULL,
  about text[] NOT NULL,
  CONSTRAINT finding_pkey PRIMARY KEY (run, rule, id)
);

-- How much a rule across tables checked, how much of it is bad, at most 20 of the ids, and what they are about; the gates judge these rows.
CREATE TABLE artwork_migration.rule_result (
  run bigint NOT NULL,
  suite text NOT NULL,
  rule text NOT NULL,
  checked bigint NOT NULL,
  bad bigint NOT NULL,
  ids uuid[] NOT NULL,
  about text[] NOT NULL,
  CONSTRAINT rule_result_pkey PRIMARY KEY (run, suite, rule)
);

-- The verdict on each rule of a gate, with the texts of the rule. `red`: the rule makes its gate red. `broken`: why the rule could not be
-- judged, else empty. `not_applicable`: why this database cannot break the rule, else empty.
CREATE TABLE artwork_migration.gate_result (
  run bigint NOT NULL,
  suite text NOT NULL,
  rule text NOT NULL,
  severity text NOT NULL,
  description text NOT NULL,
  why text NOT NULL,
  fix text NOT NULL,
  red boolean NOT NULL,
  broken text NOT NULL,
  not_applicable text NOT NULL,
  checked bigint NOT NULL,
  bad bigint NOT NULL,
  ids uuid[] NOT NULL,
  about text[] NOT NULL,
  judged_at timestamptz NOT NULL DEFAULT CLOCK_TIMESTAMP(),
  CONSTRAINT gate_result_pkey PRIMARY KEY (run, suite, rule)
);

-- Counts for the report, taken in the snapshot of the reconciliation: `name` is the figure, `label` and `detail` its axes.
CREATE TABLE artwork_migration.statistic (
  run bigint NOT NULL,
  name text NOT NULL,
  label text NOT NULL,
  detail text NOT NULL,
  value numeric NOT NULL,
  CONSTRAINT statistic_pkey PRIMARY KEY (run, name, label, detail)
);

-- The objects that capture and write-through rely on, as monitored_objects returned them: at the end of deploy_schema (serving: legacy)
-- and at the end of the switch (serving: clean).
CREATE TABLE artwork_migration.baseline_object (
  serving text NOT NULL,
  kind text NOT NULL,
  subject text NOT NULL,
  words text NOT NULL,
  may_differ boolean NOT NULL,
  CONSTRAINT baseline_object_pkey PRIMARY KEY (serving, subject)
);

-- The readings of pg_stat_statements, taken by the verbs: `ends_with` is the verb with which the names end that it looked for; `readable`:
-- it could be read, `complete`: with the statements of every role; `problems`: what it may not have shown. `reset_at` and `evicted` are
-- those of pg_stat_statements, the last three those of pg_stat_database.
CREATE TABLE artwork_migration.use_reading (
  number bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT use_reading_pkey PRIMARY KEY,
  read_at timestamptz NOT NULL DEFAULT CLOCK_TIMESTAMP(),
  ends_with text NOT NULL,
  readable boolean NOT NULL,
  complete boolean NOT NULL,
  problems text[] NOT NULL,
  reset_at timestamptz,
  evicted bigint,
  committed bigint NOT NULL,
  rolled_back bigint NOT NULL,
  counted_since timestamptz
);

-- The statements of a reading that name something that ends, with the calls counted until then. The text has no value: constants are
-- parameters in pg_stat_statements, and quoted text and comments are cut. `qualified`: it names public.artworks.
CREATE TABLE artwork_migration.use_of_statement (
  reading bigint NOT NULL,
  role_oid oid NOT NULL,
  query_id bigint NOT NULL,
  role_name text NOT NULL,
  calls bigint NOT NULL,
  statement text NOT NULL,
  names text[] NOT NULL,
  qualified boolean NOT NULL,
  applications text[] NOT NULL,
  sessions text[] NOT NULL,
  CONSTRAINT use_of_statement_pkey PRIMARY KEY (reading, role_oid, query_id)
);

-- Undo:
-- Why: they were exported after the lock.
-- Stage: after
DROP TABLE IF EXISTS artwork_migration.use_of_statement;
DROP TABLE IF EXISTS artwork_migration.use_reading;
DROP TABLE IF EXISTS artwork_migration.clean_only_value;
DROP TABLE IF EXISTS artwork_migration.baseline_object;
DROP TABLE IF EXISTS artwork_migration.statistic;
DROP TABLE IF EXISTS artwork_migration.gate_result;
DROP TABLE IF EXISTS artwork_migration.rule_result;
DROP TABLE IF EXISTS artwork_migration.finding;
DROP TABLE IF EXISTS artwork_migration.strategy_count;
DROP TABLE IF EXISTS artwork_migration.reconciliation;
DROP TABLE IF EXISTS artwork_migration.chunk;
DROP TABLE IF EXISTS artwork_migration.waiting_email;
DROP TABLE IF EXISTS artwork_migration.quarantine;
DROP TABLE IF EXISTS artwork_migration.rejected_write;
DROP TABLE IF EXISTS artwork_migration.clean_modified;
DROP TABLE IF EXISTS artwork_migration.key_change;
DROP TABLE IF EXISTS artwork_migration.indirect_change;
DROP TABLE IF EXISTS artwork_migration.legacy_change;
