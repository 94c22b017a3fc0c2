-- What: the moves of customers from one table to the other before the switch, and who they are: a share of all, or a key for each e-mail.
-- Why: strategy, "Gradual rollout possible per customer email". Of the moves that concern a customer and are in force the newest counts;
--   without one the legacy table serves. A key is a hash with a random salt, so no address is kept, and every spelling of an e-mail has the
--   same. A share is a range of the 10,000 buckets of the keys, so a customer stays in its bucket and a share contains every smaller one.
-- Locks: none on a table of the application.
-- Stage: prepare

-- run is the run that moved them; served_by is legacy or clean. A move of single customers has no bucket. It is in force until a roll back.
CREATE TABLE artwork_migration.customer_move (
  run bigint CONSTRAINT customer_move_pkey PRIMARY KEY,
  served_by text NOT NULL,
  first_bucket bigint NOT NULL,
  past_bucket bigint NOT NULL,
  in_force boolean NOT NULL DEFAULT TRUE,
  moved_at timestamptz NOT NULL DEFAULT CLOCK_TIMESTAMP()
);

CREATE TABLE artwork_migration.customer_move_key (
  key bytea NOT NULL,
  run bigint NOT NULL,
  CONSTRAINT customer_move_key_pkey PRIMARY KEY (key, run)
);

-- The artworks of the customers whom the newest run of move-customers concerns, in both tables (is_clean); `moves` is false where moved_to
-- serves the customer already, `single` says that they were moved by their e-mail before.
CREATE TABLE artwork_migration.moving_artwork (
  id uuid NOT NULL,
  is_clean boolean NOT NULL,
  key bytea NOT NULL,
  moved_to text NOT NULL,
  moves boolean NOT NULL,
  single boolean NOT NULL
);
-- A publication FOR ALL TABLES publishes its deletes.
ALTER TABLE artwork_migration.moving_artwork REPLICA IDENTITY FULL;

-- A function and no row: an event trigger may enable row level security on our tables while they are created. It is inlined.
CREATE FUNCTION artwork_migration.customer_salt() RETURNS text
LANGUAGE sql IMMUTABLE
RETURN NULL::text;

DO $$
BEGIN
  EXECUTE FORMAT(
    'CREATE OR REPLACE FUNCTION artwork_migration.customer_salt() RETURNS text LANGUAGE sql IMMUTABLE RETURN %L::text', GEN_RANDOM_UUID()
  );
END
$$;

-- CHR, because a dump and its restoration lose a carriage return in the text of a bound body.
CREATE FUNCTION artwork_migration.customer_key(customer_email text) RETURNS bytea
LANGUAGE sql STABLE
RETURN SHA256(CONVERT_TO(artwork_migration.customer_salt() || LOWER(BTRIM(customer_email, ' ' || CHR(9) || CHR(10) || CHR(13))), 'UTF8'));

CREATE FUNCTION artwork_migration.customer_bucket(key bytea) RETURNS bigint
LANGUAGE sql IMMUTABLE
RETURN ((GET_BYTE(key, 0) * 256 + GET_BYTE(key, 1)) * 256 + GET_BYTE(key, 2)) % 10000;

-- The table that serves each bucket, by its newest share.
CREATE VIEW artwork_migration.share_served AS
SELECT
  b.bucket,
  COALESCE(m.run, 0) AS run,
  COALESCE(m.served_by, 'legacy') AS served_by
FROM GENERATE_SERIES(0, 9999) AS b (bucket)
LEFT JOIN LATERAL (
  SELECT
    n.run,
    n.served_by
  FROM artwork_migration.customer_move AS n
  WHERE n.in_force AND b.bucket >= n.first_bucket AND b.bucket < n.past_bucket
  ORDER BY n.run DESC
  LIMIT 1
) AS m ON TRUE;

-- The table that serves each customer who was moved by the e-mail, and the one that serves the bucket. Arrays, because the planner may
-- look a bucket up in the view for each key.
CREATE VIEW artwork_migration.single_served AS
SELECT DISTINCT ON (k.key)
  k.key,
  CASE WHEN k.run > k.share_run THEN k.served_by ELSE k.share_served_by END AS served_by,
  k.share_served_by
FROM (
  SELECT
    n.key,
    m.run,
    m.served_by,
    (ARRAY(SELECT s.run FROM artwork_migration.share_served AS s ORDER BY s.bucket))[
      artwork_migration.customer_bucket(n.key) + 1
    ] AS share_run,
    CASE
      WHEN
        (ARRAY(SELECT s.served_by = 'clean' FROM artwork_migration.share_served AS s ORDER BY s.bucket))[
          artwork_migration.customer_bucket(n.key) + 1
        ]
        THEN 'clean'
      ELSE 'legacy'
    END AS share_served_by
  FROM artwork_migration.customer_move_key AS n
  INNER JOIN artwork_migration.customer_move AS m ON n.run = m.run
  WHERE m.in_force
) AS k
ORDER BY k.key, k.run DESC;

-- What is in force: the share that the clean table serves, how many single customers it serves beyond that, and how many fewer.
CREATE VIEW artwork_migration.customers_served AS
SELECT
  (SELECT (COUNT(*) / 100.0)::float8 FROM artwork_migration.share_served AS b WHERE b.served_by = 'clean') AS percent,
  COUNT(*) FILTER (WHERE s.served_by = 'clean' AND s.share_served_by = 'legacy') AS also_clean,
  COUNT(*) FILTER (WHERE s.served_by = 'legacy' AND s.share_served_by = 'clean') AS still_legacy
FROM artwork_migration.single_served AS s;

-- Undo:
-- Why: the legacy table serves every customer again; the function that reads these tables was dropped before.
-- Stage: after
DROP VIEW IF EXISTS artwork_migration.customers_served;
DROP VIEW IF EXISTS artwork_migration.single_served;
DROP VIEW IF EXISTS artwork_migration.share_served;
DROP FUNCTION IF EXISTS artwork_migration.customer_bucket(bytea);
DROP FUNCTION IF EXISTS artwork_migration.customer_key(text);
DROP FUNCTION IF EXISTS artwork_migration.customer_salt();
DROP TABLE IF EXISTS artwork_migration.moving_artwork;
DROP TABLE IF EXISTS artwork_migration.customer_move_key;
DROP TABLE IF EXISTS artwork_migration.customer_move;
