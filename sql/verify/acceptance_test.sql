-- What: creates an artwork, generates and upscales it, finds it by its token and in the customer view, and makes one row of each
--   referencing table reference it.
-- Why: the product must work on the serving table. Run it in a transaction that is rolled back: the application's triggers fire in it, and
--   what they do in the database is rolled back too. A row that nobody can change (a trigger raises, a check, no replica identity) proves
--   nothing about the key: the setting artwork_migration.not_tried then lists its table, for the transaction.
-- Locks: the artwork that it creates, and one row of each table that references artworks.
DO $$
DECLARE
  made record;
  reference record;
  stage text;
BEGIN
  SELECT (c.artwork).id, c.access_token INTO made
  FROM public.create_artwork('Acceptance', 'acceptance@artwork-migration.invalid', 'Test', 'https://a.invalid/1', 'https://a.invalid/2') AS c;
  FOREACH stage IN ARRAY ARRAY[
    '{"generation_status": "processing"}',
    '{"generation_status": "completed", "generated_image_url": "https://a.invalid/3"}',
    '{"upscale_status": "processing"}',
    '{"upscale_status": "completed", "upscaled_image_url": "https://a.invalid/4"}'
  ] LOOP
    PERFORM public.update_artwork_lifecycle(made.id, stage::jsonb);
  END LOOP;
  IF NOT EXISTS (
    SELECT FROM public.artworks AS a
    WHERE
      a.access_token = made.access_token AND a.generation_completed_at IS NOT NULL
      -- a user of a table that users are not created in comes with a sign-up
      AND (a.user_id IS NOT NULL) = (SELECT t.creates_users FROM artwork_migration.owner_table AS t)
      AND a.upscale_status = 'completed' AND a.upscale_completed_at IS NOT NULL
      AND a.id IN (SELECT t.id FROM public.get_artwork_by_token(made.access_token) AS t)
      AND a.id IN (
        SELECT v.id FROM public.get_customer_artworks('acceptance@artwork-migration.invalid') AS v
        WHERE v.stage = 'completed, high-res available'
      )
  ) THEN
    RAISE EXCEPTION USING ERRCODE = 'AM003', MESSAGE = 'the artwork made was not found on the serving table as it should be';
  END IF;
  FOR reference IN
    SELECT k.conrelid::regclass AS relation, c.attname AS name
    FROM pg_catalog.pg_constraint AS k
    INNER JOIN pg_catalog.pg_attribute AS c ON k.conrelid = c.attrelid AND k.conkey[1] = c.attnum
    WHERE k.contype = 'f' AND k.confrelid = 'public.artworks'::regclass AND k.conrelid <> k.confrelid AND k.conparentid = 0
  LOOP
    BEGIN
      EXECUTE FORMAT(
        'UPDATE %1$s SET %2$I = $1 WHERE ctid = (SELECT r.ctid FROM %1$s AS r LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED)',
        reference.relation, reference.name
      ) USING made.id;
    EXCEPTION WHEN raise_exception OR check_violation OR object_not_in_prerequisite_state THEN
      PERFORM SET_CONFIG(
        'artwork_migration.not_tried',
        CONCAT_WS(', ', NULLIF(CURRENT_SETTING('artwork_migration.not_tried', TRUE), ''), reference.relation),
        TRUE
      );
    END;
  END LOOP;
END
$$
