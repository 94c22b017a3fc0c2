-- What: whether the chunks that are left were cut from the table as it is now.
-- Why: after a rewrite their blocks hold other rows. Chunks that are done need not be done again: what moved later is in the log.
-- Locks: none.
SELECT COUNT(*) > 0 AND BOOL_AND(c.done_at IS NOT NULL OR c.file_node = PG_RELATION_FILENODE('public.artworks'::regclass)) AS hold
FROM artwork_migration.chunk AS c
