-- What: the database's encoding is not UTF8.
-- Why: names of customers and pets hold accents and emoji, and so do the ledger's texts. A value that cannot be written would stop a run
--   halfway.
-- Locks: none.
-- Remedy: Dump the database and restore it into one created with ENCODING 'UTF8'.
SELECT
  'database ' || CURRENT_DATABASE() AS subject,
  FORMAT('its encoding is %s; UTF8 is required.', CURRENT_SETTING('server_encoding')) AS problem
WHERE CURRENT_SETTING('server_encoding') <> 'UTF8'
