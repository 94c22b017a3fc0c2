-- What: notes the chunk as done, if the table is still the one it was planned for.
-- Why: the copy has taken the table's lock by now, so the file node cannot change any more before the commit.
-- Locks: the chunk's row, held since it was claimed.
UPDATE artwork_migration.chunk AS c
SET
  copied = :copied,
  begun_at = TRANSACTION_TIMESTAMP(),
  done_at = CLOCK_TIMESTAMP(),
  run = :run
WHERE c.number = :number AND c.file_node = PG_RELATION_FILENODE('public.artworks'::regclass)
