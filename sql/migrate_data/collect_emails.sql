-- What: collects the e-mails of customers that have no user yet.
-- Why: one pass over the table; the users are then created in small transactions, so that a sign-up never waits long for its e-mail.
-- Inverse: DELETE FROM artwork_migration.waiting_email
-- Locks: ACCESS SHARE on public.artworks and public.users.
INSERT INTO artwork_migration.waiting_email (email)
SELECT DISTINCT l.customer_email
FROM artwork_migration.legacy_artwork AS l
WHERE l.needs_user
ON CONFLICT (email) DO NOTHING
