-- What: a move to the clean table of which every customer is served by it already, or which has no customer.
-- Why: it would change nothing, and its gate would look at nothing. A move back is not blocked by this.
-- Locks: ACCESS SHARE on both tables.
-- Remedy: Choose other customers or a larger share, then plan again.
-- Given: moving_artwork
SELECT
  'customers' AS subject,
  'the clean table serves all of them already, or there are none.' AS problem
WHERE CAST(:served_by AS text) = 'clean' AND NOT EXISTS (SELECT FROM artwork_migration.moving_artwork AS m WHERE m.moves)
