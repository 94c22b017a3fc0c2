-- name: name_check
-- What: a check on the customer's name
ALTER TABLE artworks ADD CONSTRAINT named CHECK (LENGTH(customer_name) > 0);
-- name: check_not_valid
-- What: a check that older rows break, NOT VALID
ALTER TABLE artworks ADD CONSTRAINT short_pets CHECK (LENGTH(pet_name) < 4) NOT VALID;
-- name: check_url
-- What: a check on the image's address that breaks for migrated-missing, the text that stands for a missing picture
UPDATE artworks SET original_pet_url = NULL WHERE original_pet_url NOT LIKE 'http%';
ALTER TABLE artworks ADD CONSTRAINT addresses CHECK (original_pet_url LIKE 'http%') NOT VALID;
-- name: unique_image
-- What: a unique key on the generated image
UPDATE artworks AS a SET generated_image_url = generated_image_url || '#' || id WHERE generated_image_url IS NOT NULL;
ALTER TABLE artworks ADD CONSTRAINT one_image UNIQUE (generated_image_url);
-- name: unique_index_expression
-- What: a unique index on an expression, lower(access_token)
CREATE UNIQUE INDEX artworks_token_lower ON artworks (LOWER(access_token));
-- name: exclusion
-- What: an exclusion constraint on the token
ALTER TABLE artworks ADD CONSTRAINT no_two EXCLUDE USING btree (access_token WITH =);
-- name: status_lookup
-- What: generation_status references a table of statuses
CREATE TABLE statuses (status text PRIMARY KEY);
INSERT INTO statuses VALUES ('pending'), ('processing'), ('completed'), ('failed');
ALTER TABLE artworks ADD CONSTRAINT known_status FOREIGN KEY (generation_status) REFERENCES statuses;
-- name: self_reference
-- What: artworks references itself, for a second version of a portrait
ALTER TABLE artworks ADD COLUMN version_of uuid REFERENCES artworks ON DELETE SET NULL;
UPDATE artworks SET version_of = (SELECT id FROM artworks ORDER BY id LIMIT 1) WHERE pet_name > 'S';
-- name: many_references
-- What: three more tables reference artworks: with ON DELETE SET NULL, RESTRICT, or a DEFERRABLE key
CREATE TABLE gifts (id bigserial PRIMARY KEY, artwork_id uuid REFERENCES artworks ON DELETE SET NULL ON UPDATE CASCADE);
CREATE TABLE likes (artwork_id uuid REFERENCES artworks DEFERRABLE INITIALLY DEFERRED, who text);
CREATE TABLE "Print Jobs" (id bigserial, "Artwork" uuid NOT NULL REFERENCES artworks ON DELETE RESTRICT);
INSERT INTO gifts (artwork_id) SELECT artwork_id FROM orders LIMIT 5;
INSERT INTO likes SELECT artwork_id, 'x' FROM orders LIMIT 5;
INSERT INTO "Print Jobs" ("Artwork") SELECT artwork_id FROM orders LIMIT 5;
-- name: reference_to_excluded
-- What: an order references a test artwork
INSERT INTO orders (artwork_id, stripe_session_id, amount_cents)
SELECT id, 'cs_test_' || id, 2900 FROM artworks WHERE original_image_url LIKE 'test-%' ORDER BY id LIMIT 2;
-- name: reference_to_failed
-- What: an order references an artwork that failed
INSERT INTO orders (artwork_id, stripe_session_id, amount_cents)
SELECT id, 'cs_failed_' || id, 2900 FROM artworks WHERE generation_status = 'failed' ORDER BY id LIMIT 2;
-- name: orphans
-- What: some orders lead to no artwork (orphans), and the foreign key is valid: triggers were off
ALTER TABLE orders DISABLE TRIGGER ALL;
UPDATE orders SET artwork_id = GEN_RANDOM_UUID() WHERE id IN (SELECT id FROM orders ORDER BY id LIMIT 2);
ALTER TABLE orders ENABLE TRIGGER ALL;
-- name: orphans_not_valid
-- What: some orders lead to no artwork (orphans), and the foreign key is NOT VALID
ALTER TABLE orders DROP CONSTRAINT orders_artwork_id_fkey;
UPDATE orders SET artwork_id = GEN_RANDOM_UUID() WHERE id IN (SELECT id FROM orders ORDER BY id LIMIT 2);
ALTER TABLE orders ADD CONSTRAINT orders_artwork_id_fkey FOREIGN KEY (artwork_id) REFERENCES artworks ON DELETE CASCADE NOT VALID;
-- name: no_foreign_key
-- What: orders have an artwork_id without a foreign key
ALTER TABLE orders DROP CONSTRAINT orders_artwork_id_fkey;
-- name: key_deferrable
-- What: the primary key is deferrable
ALTER TABLE orders DROP CONSTRAINT orders_artwork_id_fkey;
ALTER TABLE artworks DROP CONSTRAINT artworks_pkey, ADD CONSTRAINT artworks_pkey PRIMARY KEY (id) DEFERRABLE;
-- name: no_primary_key
-- What: artworks has no primary key
ALTER TABLE orders DROP CONSTRAINT orders_artwork_id_fkey;
ALTER TABLE artworks DROP CONSTRAINT artworks_pkey;
-- name: reference_by_token
-- What: a table references artworks by its token
CREATE TABLE visits (token text REFERENCES artworks (access_token));
-- name: partitioned_reference
-- What: a partitioned table references artworks, as orders may be
CREATE TABLE prints (artwork_id uuid REFERENCES artworks, day date) PARTITION BY RANGE (day);
CREATE TABLE prints_now PARTITION OF prints DEFAULT;
INSERT INTO prints SELECT artwork_id, '2026-01-01' FROM orders LIMIT 5;
-- name: users_cascade
-- What: deleting a user deletes the artworks
ALTER TABLE artworks DROP CONSTRAINT artworks_user_id_fkey;
ALTER TABLE artworks ADD CONSTRAINT artworks_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE;
-- name: users_key_missing
-- What: user_id has no foreign key
ALTER TABLE artworks DROP CONSTRAINT artworks_user_id_fkey;
-- name: auth_users
-- What: user_id references auth.users, on which the owner has REFERENCES, and there is no public.users
CREATE TABLE auth.users (id uuid PRIMARY KEY DEFAULT GEN_RANDOM_UUID(), email text UNIQUE);
INSERT INTO auth.users (id, email) SELECT id, email FROM users;
ALTER TABLE artworks DROP CONSTRAINT artworks_user_id_fkey;
DROP TABLE users CASCADE;
ALTER TABLE artworks ADD CONSTRAINT artworks_user_id_fkey FOREIGN KEY (user_id) REFERENCES auth.users (id) ON DELETE SET NULL;
GRANT SELECT, REFERENCES ON auth.users TO shop_owner;
-- name: auth_users_not_referenced
-- What: user_id references auth.users, on which the owner has no REFERENCES
CREATE TABLE auth.users (id uuid PRIMARY KEY DEFAULT GEN_RANDOM_UUID(), email text UNIQUE);
INSERT INTO auth.users (id, email) SELECT id, email FROM users;
ALTER TABLE artworks DROP CONSTRAINT artworks_user_id_fkey;
DROP TABLE users CASCADE;
ALTER TABLE artworks ADD CONSTRAINT artworks_user_id_fkey FOREIGN KEY (user_id) REFERENCES auth.users (id) ON DELETE SET NULL;
-- name: auth_users_and_profiles
-- What: user_id references auth.users, on which the owner has REFERENCES, and public.profiles references it too
CREATE TABLE auth.users (id uuid PRIMARY KEY DEFAULT GEN_RANDOM_UUID(), email text UNIQUE);
INSERT INTO auth.users (id, email) SELECT id, email FROM users;
CREATE TABLE profiles (id uuid PRIMARY KEY REFERENCES auth.users ON DELETE CASCADE, display_name text);
INSERT INTO profiles SELECT id, 'x' FROM users;
ALTER TABLE profiles OWNER TO shop_owner;
ALTER TABLE artworks DROP CONSTRAINT artworks_user_id_fkey;
DROP TABLE users CASCADE;
ALTER TABLE artworks ADD CONSTRAINT artworks_user_id_fkey FOREIGN KEY (user_id) REFERENCES auth.users (id) ON DELETE SET NULL;
GRANT SELECT, REFERENCES ON auth.users TO shop_owner;
-- name: orphans_without_key
-- What: some orders lead to no artwork (orphans), and there is no foreign key
ALTER TABLE orders DROP CONSTRAINT orders_artwork_id_fkey;
UPDATE orders SET artwork_id = GEN_RANDOM_UUID() WHERE id IN (SELECT id FROM orders ORDER BY id LIMIT 2);
