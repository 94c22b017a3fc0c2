-- What: the moves of customers from one table to the other before the switch, and who they are: a share of all, or a key for each e-mail.
-- Why: strategy, "Gradual rollout possible per customer email". Of the moves that concern a customer and are in force the newest counts;
--   without one the legacy table serves. A key is a hash with a random salt, so no address is kept, and every spelling of an e-mail has the
--   same. A share is a range of the 10,000 buckets of the keys, so a customer stays in its bucket and a share contains every smaller one.
-- Locks: none on a table of the application.
-- Stage: prepare
CREATE TABLE artwork_migration.customer_salt (salt text NOT NULL DEFAULT GEN_RANDOM_UUID()::text);

INSERT INTO artwork_migration.customer_salt DEFAULT VALUES;

-- run is the run that moves them; served_by is legacy or clean. A move of single customers has no bucket. A move is in force once its gate
-- was green, until a roll back.
CREATE TABLE artwork_migration.customer_move (
  run bigint CONSTRAINT customer_move_pkey PRIMARY KEY,
  served_by text NOT NULL,
  first_bucket bigint NOT NULL,
  past_bucket bigint NOT NULL,
  in_force boolean NOT NULL DEFAULT FALSE,
  moved_at timestamptz NOT NULL DEFAULT CLOCK_TIMESTAMP()
);

CREATE TABLE artwork_migration.customer_move_key (
  key bytea NOT NULL,
  run bigint NOT NULL,
  CONSTRAINT customer_move_key_pkey PRIMARY KEY (key, run)
);

CREATE FUNCTION artwork_migration.customer_key(salt text, customer_email text) RETURNS bytea
LANGUAGE sql STABLE
RETURN SHA256(CONVERT_TO(salt || LOWER(BTRIM(customer_email, E' \t\r\n')), 'UTF8'));

CREATE FUNCTION artwork_migration.customer_bucket(key bytea) RETURNS bigint
LANGUAGE sql IMMUTABLE
RETURN ((GET_BYTE(key, 0) * 256 + GET_BYTE(key, 1)) * 256 + GET_BYTE(key, 2)) % 10000;

-- What is in force: the share that the clean table serves, how many single customers it serves beyond that, and how many less.
CREATE VIEW artwork_migration.customers_served AS
WITH share AS (
  SELECT
    b.bucket,
    COALESCE(
      (
        SELECT m.served_by FROM artwork_migration.customer_move AS m
        WHERE m.in_force AND b.bucket >= m.first_bucket AND b.bucket < m.past_bucket
        ORDER BY m.run DESC
        LIMIT 1
      ),
      'legacy'
    ) AS served_by
  FROM GENERATE_SERIES(0, 9999) AS b (bucket)
),

single AS (
  SELECT DISTINCT ON (k.key)
    k.key,
    m.served_by
  FROM artwork_migration.customer_move_key AS k
  INNER JOIN
    artwork_migration.customer_move AS m
    ON
      k.run = m.run
      OR (
        artwork_migration.customer_bucket(k.key) >= m.first_bucket AND artwork_migration.customer_bucket(k.key) < m.past_bucket
      )
  WHERE m.in_force
  ORDER BY k.key, m.run DESC
)

SELECT
  (SELECT (COUNT(*) / 100.0)::float8 FROM share AS b WHERE b.served_by = 'clean') AS percent,
  COUNT(*) FILTER (WHERE o.served_by = 'clean' AND s.served_by = 'legacy') AS also_clean,
  COUNT(*) FILTER (WHERE o.served_by = 'legacy' AND s.served_by = 'clean') AS still_legacy
FROM single AS o
INNER JOIN share AS s ON artwork_migration.customer_bucket(o.key) = s.bucket;

-- Undo:
-- Why: the legacy table serves every customer again; the function that reads these tables was dropped before.
-- Stage: after
DROP VIEW IF EXISTS artwork_migration.customers_served;
DROP FUNCTION IF EXISTS artwork_migration.customer_bucket(bytea);
DROP FUNCTION IF EXISTS artwork_migration.customer_key(text, text);
DROP TABLE IF EXISTS artwork_migration.customer_move_key;
DROP TABLE IF EXISTS artwork_migration.customer_move;
DROP TABLE IF EXISTS artwork_migration.customer_salt;
