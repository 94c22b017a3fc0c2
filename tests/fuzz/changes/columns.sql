-- name: email_generated
-- What: customer_email is a generated column
ALTER TABLE artworks RENAME COLUMN customer_email TO contact;
ALTER TABLE artworks ADD COLUMN customer_email text GENERATED ALWAYS AS (LOWER(contact)) STORED;
-- name: pet_name_generated
-- What: pet_name is a generated column
ALTER TABLE artworks RENAME COLUMN pet_name TO pet;
ALTER TABLE artworks ADD COLUMN pet_name text GENERATED ALWAYS AS (INITCAP(pet)) STORED;
-- name: carried_identity
-- What: a column of the application's own is an identity, and is carried over
-- Decide: carry_columns running_number
ALTER TABLE artworks ADD COLUMN running_number bigint GENERATED ALWAYS AS IDENTITY;
-- name: carried_serial
-- What: a column of the application's own has a sequence, and is carried over
-- Decide: carry_columns running_number
ALTER TABLE artworks ADD COLUMN running_number bigserial;
-- name: carried_jsonb
-- What: a jsonb column is carried over
-- Decide: carry_columns mockup_urls
UPDATE artworks SET mockup_urls = '{"mug": 1}' WHERE pet_name > 'M';
-- name: carried_checked
-- What: a column with a default, a check and a unique key is carried over
-- Decide: carry_columns frame,upload_code
ALTER TABLE artworks ADD COLUMN frame text DEFAULT 'oak' CHECK (frame IN ('oak', 'pine')), ADD COLUMN upload_code text UNIQUE;
-- name: carried_not_null
-- What: a NOT NULL column with a default is carried over
-- Decide: carry_columns frame
ALTER TABLE artworks ADD COLUMN frame text NOT NULL DEFAULT 'oak';
-- name: carried_domain
-- What: a column of a domain with a check is carried over
-- Decide: carry_columns size_code
CREATE DOMAIN size_code AS text CHECK (VALUE IN ('S', 'M', 'L'));
ALTER TABLE artworks ADD COLUMN size_code size_code DEFAULT 'M';
-- name: carried_enum
-- What: a column of an enum type is carried over
-- Decide: carry_columns mood
CREATE TYPE mood AS ENUM ('proud', 'sleepy');
ALTER TABLE artworks ADD COLUMN mood mood DEFAULT 'proud';
-- name: carried_array
-- What: a column of an array type with an odd name is carried over
-- Decide: carry_columns Other pets
ALTER TABLE artworks ADD COLUMN "Other pets" text[] DEFAULT '{}';
-- name: required_without_default
-- What: a NOT NULL column of the application's own has no default, as a tenant's id
-- Words: ALTER TABLE artworks ALTER style SET DEFAULT 'oil'
ALTER TABLE artworks ADD COLUMN style text NOT NULL DEFAULT 'oil';
ALTER TABLE artworks ALTER style DROP DEFAULT;
-- name: required_by_check
-- What: a check requires a column of the application's own
ALTER TABLE artworks ADD COLUMN style text DEFAULT 'oil', ADD CONSTRAINT styled CHECK (style IS NOT NULL);
ALTER TABLE artworks ALTER style DROP DEFAULT;
-- name: expiry_default
-- What: token_expires_at has a default
ALTER TABLE artworks ALTER token_expires_at SET DEFAULT NOW() + INTERVAL '30 days';
-- name: pet_name_default
-- What: pet_name has a default
ALTER TABLE artworks ALTER pet_name SET DEFAULT 'Rex';
-- name: email_default_function
-- What: access_token has a default from a function of the application
CREATE FUNCTION new_token() RETURNS text LANGUAGE sql VOLATILE AS 'SELECT REPLACE(GEN_RANDOM_UUID()::text, ''-'', '''')';
ALTER TABLE artworks ALTER access_token SET DEFAULT new_token();
-- name: varchar_and_collation
-- What: columns are varchar(255) or have a collation
DROP VIEW artwork_gallery;
ALTER TABLE artworks ALTER pet_name TYPE varchar(255), ALTER customer_email TYPE text COLLATE "C";
CREATE VIEW artwork_gallery AS SELECT id, pet_name, customer_email FROM artworks;
-- name: all_varchar
-- What: all but one of the text columns are varchar(400), as an object-relational mapper creates them
DROP VIEW artwork_gallery;
DROP MATERIALIZED VIEW artwork_sales;
ALTER TABLE artworks ALTER pet_name TYPE varchar(400), ALTER customer_email TYPE varchar(400), ALTER customer_name TYPE varchar(400),
  ALTER access_token TYPE varchar(400), ALTER generated_image_url TYPE varchar(400), ALTER original_pet_url TYPE varchar(400),
  ALTER original_pet_mom_url TYPE varchar(400), ALTER generation_status TYPE varchar(400), ALTER upscale_status TYPE varchar(400),
  ALTER upscaled_image_url TYPE varchar(400);
CREATE VIEW finished AS SELECT id, pet_name, generated_image_url, generation_status FROM artworks WHERE generation_status = 'completed';
-- name: short_varchar
-- What: pet_name is varchar(40) and the application reads it in a materialized view
DROP VIEW artwork_gallery;
UPDATE artworks SET pet_name = LEFT(pet_name, 40);
ALTER TABLE artworks ALTER pet_name TYPE varchar(40);
CREATE MATERIALIZED VIEW pet_names AS SELECT pet_name, COUNT(*) AS artworks FROM artworks GROUP BY 1;
-- name: char_status
-- What: generation_status has the type char(20)
DROP VIEW artwork_gallery;
DROP MATERIALIZED VIEW artwork_sales;
ALTER TABLE artworks ALTER generation_status TYPE char(20);
-- name: enum_status
-- What: generation_status has an enum type
DROP VIEW artwork_gallery;
DROP MATERIALIZED VIEW artwork_sales;
CREATE TYPE generation AS ENUM ('pending', 'processing', 'completed', 'failed');
ALTER TABLE artworks DROP CONSTRAINT artworks_generation_status_check, ALTER generation_status DROP DEFAULT;
ALTER TABLE artworks ALTER generation_status TYPE generation USING generation_status::generation;
ALTER TABLE artworks ALTER generation_status SET DEFAULT 'pending';
-- name: domain_email
-- What: customer_email has a domain with a check
CREATE DOMAIN address AS text CHECK (VALUE NOT LIKE '% %@%');
ALTER TABLE artworks ALTER customer_email TYPE address;
-- name: case_insensitive_email
-- What: customer_email has a collation that ignores case
CREATE COLLATION any_case FROM "C";
SET LOCAL allow_system_table_mods = on; -- not every build has ICU
UPDATE pg_catalog.pg_collation SET collisdeterministic = FALSE WHERE collname = 'any_case';
ALTER TABLE artworks ALTER customer_email TYPE text COLLATE any_case;
-- name: timestamp_without_zone
-- What: created_at and updated_at are timestamps without time zone
DROP VIEW artwork_gallery;
DROP MATERIALIZED VIEW artwork_sales;
ALTER TABLE artworks ALTER created_at TYPE timestamp, ALTER updated_at TYPE timestamp;
-- name: timestamp_of_precision
-- What: times have a precision of seconds
DROP VIEW artwork_gallery;
DROP MATERIALIZED VIEW artwork_sales;
ALTER TABLE artworks ALTER created_at TYPE timestamptz(0), ALTER updated_at TYPE timestamptz(0), ALTER token_expires_at TYPE timestamptz(0);
-- name: bigint_key
-- What: the id, which is the primary key, is a bigint
ALTER TABLE orders DROP CONSTRAINT orders_artwork_id_fkey;
ALTER TABLE artworks DROP CONSTRAINT artworks_pkey;
ALTER TABLE artworks RENAME COLUMN id TO uuid;
ALTER TABLE artworks ADD COLUMN id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY;
-- name: email_column_missing
-- What: artworks has no customer_email, as where its name is "customerEmail"
ALTER TABLE artworks DROP COLUMN customer_email CASCADE;
-- name: status_column_missing
-- What: artworks has no generation_status
ALTER TABLE artworks DROP COLUMN generation_status CASCADE;
-- name: token_column_missing
-- What: artworks has no access_token
ALTER TABLE artworks DROP COLUMN access_token CASCADE;
-- name: odd_column_names
-- What: columns of the application's own have capitals, blanks and quotes in their names
ALTER TABLE artworks ADD COLUMN "Order" text DEFAULT 'x', ADD COLUMN "a ""quoted"" name" int, ADD COLUMN "100 %" numeric;
-- name: clean_column_name_taken
-- What: artworks has already a column that the new table has, of another type
ALTER TABLE artworks ADD COLUMN generation_started_at text, ADD COLUMN fal_request_id bigint;
-- name: long_constraint_names
-- What: constraints and indexes have names of 63 bytes
ALTER TABLE artworks RENAME CONSTRAINT artworks_access_token_key TO artworks_access_token_is_unique_because_every_link_has_its_own_;
CREATE INDEX artworks_an_index_with_the_longest_possible_name_of_63_bytes_ab ON artworks (pet_name);
CREATE INDEX artworks_an_index_with_the_longest_possible_name_of_63_bytes_ac ON artworks (customer_name);
-- name: email_citext
-- What: customer_email has the type citext
CREATE EXTENSION citext;
ALTER TABLE artworks ALTER customer_email TYPE citext;
-- name: own_generated
-- What: a column of the application's own is generated from customer_email
ALTER TABLE artworks ADD COLUMN email_lower text GENERATED ALWAYS AS (LOWER(customer_email)) STORED;
-- name: own_json
-- What: a json column of the application's own stays behind
ALTER TABLE artworks ADD COLUMN notes json DEFAULT '{"frame": "oak"}';
-- name: carried_json
-- What: a json column of the application's own is carried over
-- Decide: carry_columns notes
ALTER TABLE artworks ADD COLUMN notes json DEFAULT '{"frame": "oak"}';
