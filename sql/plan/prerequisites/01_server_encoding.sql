-- What: the database's encoding is not UTF8.
-- Why: names and pets have accents and emoji, and so have the ledger's own words; what cannot be written would stop a run in its middle.
-- Locks: none.
-- Remedy: Dump it and restore it into a database made WITH ENCODING 'UTF8'.
SELECT
  'database ' || CURRENT_DATABASE() AS subject,
  FORMAT('its encoding is %s and must be UTF8.', CURRENT_SETTING('server_encoding')) AS problem
WHERE CURRENT_SETTING('server_encoding') <> 'UTF8'
