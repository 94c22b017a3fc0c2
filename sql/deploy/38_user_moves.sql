-- What: the functions behind the triggers on users by which a user gets another id although the legacy table, or the retired one, names it.
-- Why: claim_anonymous_user gives a user the id of the sign-up. The clean table's key takes artworks along, the legacy table's key would
--   refuse. So its rows name nobody while the id changes, and the new id right after; the triggers of the keys come in between. The
--   table is found by its key, so the same text is right before the switch, after it, and when the names are the old ones again.
-- Inverse: 38_user_moves.undo.sql
-- Locks: when fired, the legacy or retired rows that name the user, after the clean ones (the trigger artwork_migration_lock).
-- Stage: prepare
CREATE FUNCTION artwork_migration.table_without_cascade() RETURNS regclass
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT k.conrelid::regclass
  FROM pg_catalog.pg_constraint AS k
  INNER JOIN pg_catalog.pg_attribute AS a ON k.conrelid = a.attrelid AND k.conkey = ARRAY[a.attnum]
  WHERE
    k.contype = 'f' AND k.confrelid = 'public.users'::regclass AND a.attname = 'user_id' AND k.confupdtype <> 'c'
    AND k.conrelid IN (TO_REGCLASS('public.artworks'), TO_REGCLASS('public.artworks_old'))
$$;

-- Whose rows they were is known to this transaction alone.
CREATE FUNCTION artwork_migration.user_moves() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  relation regclass := artwork_migration.table_without_cascade();
  freed uuid[] := '{}';
BEGIN
  IF relation IS NOT NULL THEN
    EXECUTE FORMAT('WITH freed AS (UPDATE %s SET user_id = NULL WHERE user_id = $1 RETURNING id) SELECT ARRAY_AGG(id) FROM freed', relation)
    INTO freed USING OLD.id;
  END IF;
  PERFORM SET_CONFIG(
    'artwork_migration.freed',
    (
      COALESCE(NULLIF(CURRENT_SETTING('artwork_migration.freed', TRUE), ''), '{}')::jsonb
      || JSONB_BUILD_OBJECT(NEW.id, COALESCE(freed, '{}'))
    )::text,
    TRUE
  );
  RETURN NEW;
END
$$;

CREATE FUNCTION artwork_migration.user_moved() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  freed uuid[] := ARRAY(SELECT JSONB_ARRAY_ELEMENTS_TEXT(CURRENT_SETTING('artwork_migration.freed')::jsonb -> NEW.id::text));
BEGIN
  IF CARDINALITY(freed) > 0 THEN
    EXECUTE FORMAT('UPDATE %s SET user_id = $1 WHERE id = ANY($2)', artwork_migration.table_without_cascade()) USING NEW.id, freed;
  END IF;
  -- Somebody has given it an id of their own: it is not ours any more.
  DELETE FROM artwork_migration.created_user AS o WHERE o.id = OLD.id;
  RETURN NULL;
END
$$;
