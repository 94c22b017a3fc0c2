-- What: sets owners that do not exist to NULL in clean rows and logs those rows, so that catch-up gives them their next owner.
-- Why: an owner deleted before the foreign key existed is in the log already, but the key cannot be validated before catch-up has run. An
--   owner that the legacy row has exists, because the legacy key is valid. Of the few other rows the new key is asked, by giving the row
--   its owner once more: we may not read the owners, or row level security may hide them.
-- Inverse: none; the value matches no owner.
-- Locks: the clean rows whose owner the legacy row does not have.
-- Stage: write
-- Users: not created
DO $$
DECLARE
  doubtful record;
BEGIN
  FOR doubtful IN
    SELECT
      c.id,
      c.user_id
    FROM public.artworks_v2 AS c
    LEFT JOIN artwork_migration.legacy_artwork AS l ON c.id = l.id
    WHERE c.user_id IS NOT NULL AND l.legacy_user_id IS DISTINCT FROM c.user_id
    ORDER BY c.id
    FOR NO KEY UPDATE OF c
  LOOP
    UPDATE public.artworks_v2 AS c SET user_id = NULL WHERE c.id = doubtful.id;
    BEGIN
      UPDATE public.artworks_v2 AS c SET user_id = doubtful.user_id WHERE c.id = doubtful.id;
    EXCEPTION WHEN foreign_key_violation THEN
      INSERT INTO artwork_migration.legacy_change (ids) VALUES (ARRAY[doubtful.id]);
    END;
  END LOOP;
END
$$
