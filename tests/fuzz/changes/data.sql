-- name: statuses_unused
-- What: every generation_status is pending, and has been for a year
ALTER TABLE artworks DISABLE TRIGGER USER;
UPDATE artworks SET generation_status = 'pending', updated_at = created_at - INTERVAL '1 day';
ALTER TABLE artworks ENABLE TRIGGER USER;
-- name: all_failed
-- What: every generation has failed
ALTER TABLE artworks DISABLE TRIGGER USER;
UPDATE artworks SET generation_status = 'failed';
ALTER TABLE artworks ENABLE TRIGGER USER;
-- name: all_test_data
-- What: every row is test data (original_image_url begins with 'test-')
UPDATE artworks SET original_image_url = 'test-' || id;
-- name: no_tokens
-- What: no artwork has a token
UPDATE artworks SET access_token = NULL;
-- name: no_emails
-- What: no artwork has an e-mail
UPDATE artworks SET customer_email = '';
-- name: empty
-- What: artworks is empty
DELETE FROM orders;
DELETE FROM artworks;
-- name: one_row
-- What: artworks has one row
DELETE FROM orders;
DELETE FROM artworks WHERE id <> (SELECT id FROM artworks WHERE generation_status = 'completed' AND original_image_url NOT LIKE 'test-%' ORDER BY id LIMIT 1);
-- name: null_times
-- What: some artworks have no updated_at
ALTER TABLE artworks DISABLE TRIGGER USER;
UPDATE artworks SET updated_at = NULL WHERE id IN (SELECT id FROM artworks WHERE generation_status = 'completed' ORDER BY id LIMIT 3);
ALTER TABLE artworks ENABLE TRIGGER USER;
-- name: infinite_times
-- What: some times are infinity, before Christ, or far in the future
ALTER TABLE artworks DISABLE TRIGGER USER;
UPDATE artworks SET created_at = '-infinity', updated_at = 'infinity' WHERE id IN (SELECT id FROM artworks ORDER BY id LIMIT 2);
UPDATE artworks SET token_expires_at = '4000-01-01 BC' WHERE id IN (SELECT id FROM artworks ORDER BY id OFFSET 2 LIMIT 2);
UPDATE artworks SET updated_at = '200000-01-01' WHERE id IN (SELECT id FROM artworks ORDER BY id OFFSET 4 LIMIT 2);
ALTER TABLE artworks ENABLE TRIGGER USER;
-- name: huge_values
-- What: some values are as long as a megabyte
UPDATE artworks SET pet_name = REPEAT('wau ', 250000), generated_image_url = REPEAT('x', 1000000) WHERE id IN (SELECT id FROM artworks ORDER BY id LIMIT 2);
-- name: long_email
-- What: some e-mails are longer than an index takes
DROP INDEX idx_artworks_customer_email;
UPDATE artworks SET customer_email = (SELECT STRING_AGG(MD5(n::text), '') FROM GENERATE_SERIES(1, 200) AS n) || '@x.example'
WHERE id IN (SELECT id FROM artworks WHERE generation_status = 'completed' ORDER BY id LIMIT 2);
-- name: odd_values
-- What: some texts have control characters, quotes and other scripts
UPDATE artworks SET pet_name = E'\u0001\u200B''"\\%s {0} <b> 🐶', customer_name = E'-- ; DROP\r\n' WHERE id IN (SELECT id FROM artworks ORDER BY id LIMIT 20);
-- name: email_spellings
-- What: many customers write their e-mail in several spellings
UPDATE artworks SET customer_email = UPPER(customer_email) WHERE id IN (SELECT id FROM artworks ORDER BY id LIMIT 300);
-- name: email_blanks
-- What: some e-mails have blanks around them, or are only blanks
UPDATE artworks SET customer_email = ' ' || customer_email || E'\t' WHERE id IN (SELECT id FROM artworks ORDER BY id LIMIT 20);
UPDATE artworks SET customer_email = '   ' WHERE id IN (SELECT id FROM artworks ORDER BY id OFFSET 20 LIMIT 5);
-- name: duplicate_tokens
-- What: some artworks have the same token (duplicates)
ALTER TABLE artworks DROP CONSTRAINT artworks_access_token_key;
UPDATE artworks SET access_token = 'the same token' WHERE id IN (SELECT id FROM artworks WHERE generation_status = 'completed' ORDER BY id LIMIT 3);
-- name: tokens_without_key
-- What: the token has no unique key, and all are different
ALTER TABLE artworks DROP CONSTRAINT artworks_access_token_key;
-- name: unknown_statuses
-- What: some statuses are none of pending, processing, completed and failed
ALTER TABLE artworks DROP CONSTRAINT artworks_generation_status_check;
UPDATE artworks SET generation_status = 'DONE' WHERE id IN (SELECT id FROM artworks WHERE generation_status = 'completed' ORDER BY id LIMIT 3);
-- name: null_image_urls
-- What: original_image_url may be NULL, and often is
ALTER TABLE artworks ALTER original_image_url DROP NOT NULL;
UPDATE artworks SET original_image_url = NULL WHERE id IN (SELECT id FROM artworks ORDER BY id LIMIT 100);
-- name: null_names
-- What: customer_name may be NULL, and often is
ALTER TABLE artworks ALTER customer_name DROP NOT NULL;
UPDATE artworks SET customer_name = NULL WHERE id IN (SELECT id FROM artworks ORDER BY id LIMIT 100);
-- name: foreign_owner
-- What: some artworks belong to another user than the one of their e-mail
UPDATE artworks SET user_id = (SELECT id FROM users ORDER BY id LIMIT 1) WHERE id IN (SELECT id FROM artworks ORDER BY id LIMIT 10);
-- name: ordered_but_pending
-- What: orders reference artworks that were never finished
UPDATE artworks SET generation_status = 'pending' WHERE id IN (SELECT artwork_id FROM orders ORDER BY id LIMIT 5);
-- name: paid_then_refused
-- What: after the switch an ordered artwork gets one value that a rule of the legacy table refuses, and another one that it takes
-- Switched: UPDATE artworks SET pet_name = 'Refused', generated_image_url = 'https://images.example/new' WHERE id = (SELECT MAX(artwork_id::text)::uuid FROM orders)
-- Written: SELECT id::text, 'generated_image_url', generated_image_url FROM artworks WHERE generated_image_url = 'https://images.example/new'
UPDATE artworks SET mockup_urls = '{}' WHERE id = (SELECT MAX(artwork_id::text)::uuid FROM orders);
ALTER TABLE artworks ADD CONSTRAINT no_mockup CHECK (pet_name <> 'Refused' OR mockup_urls IS NULL);
-- name: deleted_user_after_switch
-- What: a user is deleted
-- At: switched
DELETE FROM users WHERE id = (SELECT user_id FROM artworks WHERE user_id IS NOT NULL ORDER BY id LIMIT 1);
-- name: token_swap_after_switch
-- What: two artworks swap their tokens
-- At: switched
WITH two AS (SELECT id, access_token, ROW_NUMBER() OVER (ORDER BY id) AS n FROM artworks ORDER BY id LIMIT 2),
moved AS (UPDATE artworks SET access_token = 'moving' FROM two WHERE artworks.id = two.id AND two.n = 1)
UPDATE artworks SET pet_name = pet_name WHERE id = (SELECT id FROM two WHERE n = 2);
-- name: truncated_after_deploy
-- What: TRUNCATE of artworks and of what references it
-- At: deployed
TRUNCATE artworks CASCADE;
