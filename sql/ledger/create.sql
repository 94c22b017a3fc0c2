-- What: the ledger: schema artwork_migration with runs and phases, steps, decisions, plans, pauses, waits and attempts under locks.
-- Why: what was done is recorded in the same database and in the same transaction, so a crash cannot make the two disagree.
-- Locks: none on a table of the application.
CREATE SCHEMA IF NOT EXISTS artwork_migration;
REVOKE ALL ON SCHEMA artwork_migration FROM public;

-- One row per run of a verb. Its number is the epoch: a run with an older epoch may not commit any more. layout is the number of what is
-- in this schema: it rises with a release that cannot work on what the one before created ("plan/prerequisites/other_layout").
CREATE TABLE IF NOT EXISTS artwork_migration.phase_history (
  run bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT phase_history_pkey PRIMARY KEY,
  verb text NOT NULL,
  run_name text NOT NULL,
  run_id text NOT NULL,
  phase_before text NOT NULL,
  phase_after text,
  begun_at timestamptz NOT NULL DEFAULT CLOCK_TIMESTAMP(),
  ended_at timestamptz,
  outcome text,
  lsn pg_lsn,
  approved_by text,
  reason text,
  plan text,
  details jsonb NOT NULL DEFAULT '{}',
  layout bigint NOT NULL DEFAULT 2
);

CREATE TABLE IF NOT EXISTS artwork_migration.step (
  run bigint NOT NULL CONSTRAINT step_run_fkey REFERENCES artwork_migration.phase_history (run),
  name text NOT NULL,
  begun_at timestamptz NOT NULL DEFAULT CLOCK_TIMESTAMP(),
  done_at timestamptz,
  details jsonb NOT NULL DEFAULT '{}',
  CONSTRAINT step_pkey PRIMARY KEY (run, name)
);

-- The newest row of a name is the choice in force.
CREATE TABLE IF NOT EXISTS artwork_migration.decision (
  number bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT decision_pkey PRIMARY KEY,
  name text NOT NULL,
  value text NOT NULL,
  approved_by text NOT NULL,
  reason text NOT NULL,
  run_name text NOT NULL,
  decided_at timestamptz NOT NULL DEFAULT CLOCK_TIMESTAMP()
);

CREATE TABLE IF NOT EXISTS artwork_migration.plan (
  number text CONSTRAINT plan_pkey PRIMARY KEY,
  verb text NOT NULL,
  content jsonb NOT NULL,
  made_at timestamptz NOT NULL DEFAULT CLOCK_TIMESTAMP(),
  run_name text NOT NULL
);

-- One row for each verification of the safety window: the day it was (1 begins with the switch), and the names of what was red.
CREATE TABLE IF NOT EXISTS artwork_migration.verification (
  run bigint CONSTRAINT verification_pkey PRIMARY KEY,
  day bigint NOT NULL,
  red text[] NOT NULL,
  verified_at timestamptz NOT NULL DEFAULT CLOCK_TIMESTAMP(),
  CONSTRAINT verification_run_fkey FOREIGN KEY (run) REFERENCES artwork_migration.phase_history (run)
);

-- A pause that an operator asked for; it is in force until it is resumed.
CREATE TABLE IF NOT EXISTS artwork_migration.pause (
  number bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pause_pkey PRIMARY KEY,
  approved_by text NOT NULL,
  reason text NOT NULL,
  paused_at timestamptz NOT NULL DEFAULT CLOCK_TIMESTAMP(),
  resumed_by text,
  resumed_because text,
  resumed_at timestamptz
);

-- A wait of a run between two batches, and what it last waited for. Of the runs that join a copy each waits under its own name.
CREATE TABLE IF NOT EXISTS artwork_migration.wait (
  number bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT wait_pkey PRIMARY KEY,
  run bigint NOT NULL CONSTRAINT wait_run_fkey REFERENCES artwork_migration.phase_history (run),
  run_name text NOT NULL,
  reason text NOT NULL,
  begun_at timestamptz NOT NULL DEFAULT CLOCK_TIMESTAMP(),
  ended_at timestamptz
);

-- An attempt to execute a plan's statements under its locks, and how it ended: committed, or the SQLSTATE. seconds: from the request of
-- the first lock until all were released, so no session waited longer for it; lock_wait: the part in which it waited itself. longest_wait:
-- the session that waited longest when it committed; NULL if none did. statements: the object and the seconds of each.
CREATE TABLE IF NOT EXISTS artwork_migration.lock_attempt (
  number bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT lock_attempt_pkey PRIMARY KEY,
  run bigint NOT NULL CONSTRAINT lock_attempt_run_fkey REFERENCES artwork_migration.phase_history (run),
  outcome text NOT NULL,
  seconds float8 NOT NULL,
  lock_wait float8 NOT NULL,
  longest_wait float8,
  statements jsonb NOT NULL,
  ended_at timestamptz NOT NULL DEFAULT CLOCK_TIMESTAMP()
);

-- How far each step of the active runs is; only for a reader who watches. "migration.ledger.progress.StepProgress" explains the columns.
CREATE TABLE IF NOT EXISTS artwork_migration.progress (
  run_name text NOT NULL,
  place bigint NOT NULL,
  step text NOT NULL,
  depth bigint NOT NULL,
  begun_at timestamptz NOT NULL,
  unit text NOT NULL,
  done bigint NOT NULL,
  total bigint,
  fraction float8 NOT NULL,
  rate float8,
  seconds float8 NOT NULL,
  idle float8 NOT NULL,
  outcome text NOT NULL,
  seen_at timestamptz NOT NULL DEFAULT CLOCK_TIMESTAMP(),
  CONSTRAINT progress_pkey PRIMARY KEY (run_name, place)
);

-- Revokes every privilege on one of our objects from everybody but its owner: REVOKE … FROM PUBLIC alone would leave the grants that the
-- default privileges made to roles by name. kind is SCHEMA, TABLE (views too) or FUNCTION.
CREATE OR REPLACE FUNCTION artwork_migration.revoke_from_all(kind text, object text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  grantee text;
BEGIN
  FOR grantee IN
    SELECT DISTINCT CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE QUOTE_IDENT(pg_catalog.PG_GET_USERBYID(acl.grantee)) END
    FROM (
      SELECT COALESCE(n.nspacl, ACLDEFAULT('n', n.nspowner)) AS acl, n.nspowner AS owner
      FROM pg_catalog.pg_namespace AS n WHERE kind = 'SCHEMA' AND n.oid = TO_REGNAMESPACE(object)
      UNION ALL
      SELECT COALESCE(c.relacl, ACLDEFAULT('r', c.relowner)), c.relowner
      FROM pg_catalog.pg_class AS c WHERE kind = 'TABLE' AND c.oid = TO_REGCLASS(object)
      UNION ALL
      SELECT COALESCE(p.proacl, ACLDEFAULT('f', p.proowner)), p.proowner
      FROM pg_catalog.pg_proc AS p WHERE kind = 'FUNCTION' AND p.oid = TO_REGPROCEDURE(object)
    ) AS o
    CROSS JOIN LATERAL ACLEXPLODE(o.acl) AS acl
    WHERE acl.grantee <> o.owner
  LOOP
    EXECUTE FORMAT('REVOKE ALL ON %s %s FROM %s', kind, object, grantee);
  END LOOP;
END
$$;

-- The same for the whole of our schema, whatever is in it by now. Only what somebody else has a privilege on is looked at one by one: it
-- also runs under the locks of the switch.
CREATE OR REPLACE FUNCTION artwork_migration.close_schema() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM artwork_migration.revoke_from_all('SCHEMA', 'artwork_migration');
  PERFORM artwork_migration.revoke_from_all('TABLE', c.oid::regclass::text)
  FROM pg_catalog.pg_class AS c
  WHERE
    c.relnamespace = 'artwork_migration'::regnamespace AND c.relkind IN ('r', 'v', 'S')
    AND EXISTS (SELECT FROM ACLEXPLODE(COALESCE(c.relacl, ACLDEFAULT('r', c.relowner))) AS acl WHERE acl.grantee <> c.relowner);
  PERFORM artwork_migration.revoke_from_all('FUNCTION', p.oid::regprocedure::text)
  FROM pg_catalog.pg_proc AS p
  WHERE
    p.pronamespace = 'artwork_migration'::regnamespace
    AND EXISTS (SELECT FROM ACLEXPLODE(COALESCE(p.proacl, ACLDEFAULT('f', p.proowner))) AS acl WHERE acl.grantee <> p.proowner);
END
$$;

SELECT artwork_migration.close_schema();

-- Undo:
-- Why: it was exported to a file before. Without CASCADE: any other object in the schema makes this fail, on purpose.
DROP FUNCTION artwork_migration.close_schema();
DROP FUNCTION artwork_migration.revoke_from_all(text, text);
DROP TABLE artwork_migration.lock_attempt;
DROP TABLE artwork_migration.wait;
DROP TABLE artwork_migration.pause;
DROP TABLE artwork_migration.progress;
DROP TABLE artwork_migration.verification;
DROP TABLE artwork_migration.plan;
DROP TABLE artwork_migration.decision;
DROP TABLE artwork_migration.step;
DROP TABLE artwork_migration.phase_history;
DROP SCHEMA artwork_migration;
