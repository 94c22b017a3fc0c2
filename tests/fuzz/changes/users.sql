-- name: users_open
-- What: every client (anon, authenticated) may read and write users
ALTER TABLE users DISABLE ROW LEVEL SECURITY;
GRANT ALL ON users TO anon, authenticated;
-- name: users_readable
-- What: signed-in clients may read the e-mails in users
GRANT SELECT (id, email) ON users TO authenticated;
-- name: users_policy_open
-- What: a policy shows all users to signed-in clients, USING (TRUE)
ALTER TABLE users ENABLE ROW LEVEL SECURITY;
GRANT SELECT ON users TO authenticated;
CREATE POLICY everybody ON users FOR SELECT TO authenticated USING (TRUE);
-- name: users_choose_email
-- What: a signed-in client may insert and update their own user with any e-mail
ALTER TABLE users ENABLE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE ON users TO authenticated;
CREATE POLICY sees_own ON users FOR SELECT TO authenticated USING (auth.uid() = id);
CREATE POLICY signs_up ON users FOR INSERT TO authenticated WITH CHECK (auth.uid() = id);
CREATE POLICY changes_own ON users FOR UPDATE TO authenticated USING (auth.uid() = id);
-- name: users_update_column
-- What: signed-in clients may update the column email of users
GRANT SELECT (id), UPDATE (email) ON users TO authenticated;
-- name: users_lower_index
-- What: a unique index on lower(email), and customers who write theirs with capitals
CREATE UNIQUE INDEX users_email_lower ON users (LOWER(email));
-- name: users_lower_trigger
-- What: a trigger writes e-mails of users in lower case
CREATE FUNCTION lower_email() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.email := LOWER(NEW.email); RETURN NEW; END$$;
CREATE TRIGGER users_lower BEFORE INSERT OR UPDATE ON users FOR EACH ROW EXECUTE FUNCTION lower_email();
-- name: users_greeting
-- What: a trigger on users writes a welcome mail to an outbox, as a webhook would
CREATE TABLE outbox (address text);
REVOKE ALL ON outbox FROM anon, authenticated;
CREATE FUNCTION greet() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$BEGIN INSERT INTO public.outbox VALUES (NEW.email); RETURN NULL; END$$;
CREATE TRIGGER users_greet AFTER INSERT ON users FOR EACH ROW EXECUTE FUNCTION greet();
-- name: users_refusing_trigger
-- What: a trigger on users raises for every user without a session
CREATE FUNCTION only_signed_in() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
  IF auth.uid() IS NULL THEN RAISE EXCEPTION 'sign in first'; END IF; RETURN NEW; END$$;
CREATE TRIGGER users_session BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION only_signed_in();
-- name: users_skipping_trigger
-- What: a trigger on users drops some rows in silence
CREATE FUNCTION drop_some() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
  IF NEW.email LIKE 'a%' THEN RETURN NULL; END IF; RETURN NEW; END$$;
CREATE TRIGGER users_some BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION drop_some();
-- name: users_check
-- What: a check on the e-mails of users that some customers' e-mails break
ALTER TABLE users ADD CONSTRAINT plain_email CHECK (email ~ '^[a-z0-9.]+@[a-z.]+$') NOT VALID;
-- name: users_short_email
-- What: users.email is varchar(24)
ALTER TABLE users ALTER email TYPE varchar(24) USING LEFT(email, 24);
-- name: users_required_column
-- What: users requires a column without a default
ALTER TABLE users ADD COLUMN country text NOT NULL DEFAULT 'CH';
ALTER TABLE users ALTER country DROP DEFAULT;
-- name: users_of_auth
-- What: the id of users references auth.users
CREATE TABLE auth.users (id uuid PRIMARY KEY, email text);
INSERT INTO auth.users SELECT id, email FROM users;
ALTER TABLE users ADD CONSTRAINT users_id_fkey FOREIGN KEY (id) REFERENCES auth.users ON DELETE CASCADE;
GRANT SELECT, REFERENCES ON auth.users TO shop_owner;
-- name: users_anonymous_column
-- What: users has a column is_anonymous that the application uses
ALTER TABLE users ADD COLUMN is_anonymous boolean DEFAULT FALSE;
-- name: users_anonymous_generated
-- What: users has a generated column is_anonymous
ALTER TABLE users ADD COLUMN is_anonymous boolean GENERATED ALWAYS AS (email IS NULL) STORED;
-- name: users_rule
-- What: a rule on users writes to a log
CREATE TABLE user_log (email text);
CREATE RULE log_users AS ON INSERT TO users DO ALSO INSERT INTO user_log VALUES (NEW.email);
-- name: users_case_insensitive
-- What: users.email has a collation that ignores case
CREATE COLLATION no_case FROM "C";
SET LOCAL allow_system_table_mods = on; -- not every build has ICU
UPDATE pg_catalog.pg_collation SET collisdeterministic = FALSE WHERE collname = 'no_case';
ALTER TABLE users ALTER email TYPE text COLLATE no_case;
-- name: users_identity
-- What: a referencing table of users cascades
CREATE TABLE sessions (user_id uuid REFERENCES users ON DELETE CASCADE, started timestamptz);
INSERT INTO sessions SELECT id, NOW() FROM users LIMIT 5;
-- name: users_partitioned
-- What: users is partitioned
ALTER TABLE artworks DROP CONSTRAINT artworks_user_id_fkey;
ALTER TABLE users RENAME TO users_before;
CREATE TABLE users (id uuid DEFAULT GEN_RANDOM_UUID() PRIMARY KEY, email text NOT NULL, created_at timestamptz DEFAULT NOW(), updated_at timestamptz DEFAULT NOW())
PARTITION BY HASH (id);
CREATE TABLE users_0 PARTITION OF users FOR VALUES WITH (MODULUS 1, REMAINDER 0);
INSERT INTO users SELECT id, email, created_at, updated_at FROM users_before;
ALTER TABLE users OWNER TO shop_owner; ALTER TABLE users_0 OWNER TO shop_owner;
-- name: sign_up_during_copy
-- What: customers sign up
-- At: copying
INSERT INTO users (email) SELECT DISTINCT customer_email FROM artworks WHERE customer_email > 'm' ON CONFLICT (email) DO NOTHING;
-- name: users_email_citext
-- What: users.email has the type citext
CREATE EXTENSION citext;
ALTER TABLE users ALTER email TYPE citext;
