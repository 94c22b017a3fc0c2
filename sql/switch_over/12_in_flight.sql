-- What: notes, for this transaction, the artworks that are in flight.
-- Why: the webhook that ends a generation must find its row in the table that serves. This reads the whole table, so it comes before the
--   locks; an artwork that is in flight later is in the log.
-- Inverse: none; a setting of the transaction.
-- Locks: ACCESS SHARE on public.artworks.
-- Stage: prepare
SELECT
  SET_CONFIG(
    'artwork_migration.in_flight',
    ARRAY(
      SELECT l.id FROM artwork_migration.legacy_artwork AS l
      WHERE l.generation_status IN ('pending', 'processing') AND l.disposition = 'in_flight'
    )::text,
    TRUE
  )
