-- What: the functions of the forward capture: each logs what a statement changed, one log row per statement: ids of artworks, or e-mails
--   of users.
-- Why: catch-up makes the clean rows equal to the legacy rows at that time, so ids are enough. None reads a table: under REPEATABLE READ a
--   writer does not see every row that its write concerns. SECURITY DEFINER: the application has no privilege on the ledger. They fail
--   only where every write would fail: a swallowed error would be a lost write.
-- Locks: none on a table of the application.
-- Stage: prepare
CREATE FUNCTION artwork_migration.capture_artworks() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  INSERT INTO artwork_migration.legacy_change (ids)
  SELECT ARRAY_AGG(changed.id) FROM changed HAVING COUNT(*) > 0;
  RETURN NULL;
END
$$;

-- The old id of a row whose key changed (the new one is in the statement's transition table), and where it went.
CREATE FUNCTION artwork_migration.capture_old_key() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  INSERT INTO artwork_migration.legacy_change (ids) VALUES (ARRAY[OLD.id]);
  INSERT INTO artwork_migration.key_change (old_id, new_id) VALUES (OLD.id, NEW.id);
  RETURN NULL;
END
$$;

-- A new, deleted or renamed user changes the owner of every artwork with that e-mail. Artworks that name the user change by its key, which
-- is a write to the legacy table.
CREATE FUNCTION artwork_migration.capture_users() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  INSERT INTO artwork_migration.indirect_change (emails)
  SELECT ARRAY_AGG(changed.email::text) FROM changed WHERE changed.email IS NOT NULL HAVING COUNT(*) > 0;
  RETURN NULL;
END
$$;

-- By row: nearly every change of a user concerns other columns, and the trigger's condition then costs nothing.
CREATE FUNCTION artwork_migration.capture_changed_user() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF (OLD.id, OLD.email) IS DISTINCT FROM (NEW.id, NEW.email) THEN
    INSERT INTO artwork_migration.indirect_change (emails) VALUES (ARRAY_REMOVE(ARRAY[OLD.email::text, NEW.email::text], NULL));
  END IF;
  -- A claimed user is no longer one that we created.
  DELETE FROM artwork_migration.created_user AS o WHERE o.id = NEW.id AND NOT NEW.is_anonymous;
  RETURN NULL;
END
$$;

-- Deleting a user would lock legacy rows first and clean rows second, a write on the clean side in the opposite order: the deadlock
-- detector would cancel the application. So the clean rows that the keys will reach are locked first: those whose legacy rows name the
-- user and, once the clean table has its key, those that name it themselves. In physical order, as a statement over the rows of one e-mail
-- locks them. Before it has its key the clean table has no index on user_id, and nothing looks there.
CREATE FUNCTION artwork_migration.lock_clean_rows_of_user() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  reached uuid[] := ARRAY(SELECT l.id FROM artwork_migration.legacy_artwork AS l WHERE l.legacy_user_id = OLD.id);
BEGIN
  IF EXISTS (
    SELECT FROM pg_constraint AS k
    WHERE k.contype = 'f' AND k.conrelid = 'public.artworks_v2'::regclass AND k.confrelid = 'public.users'::regclass
  ) THEN
    reached := reached || ARRAY(SELECT c.id FROM public.artworks_v2 AS c WHERE c.user_id = OLD.id);
  END IF;
  PERFORM FROM public.artworks_v2 AS c WHERE c.id = ANY(reached) ORDER BY c.ctid FOR NO KEY UPDATE;
  RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END
$$;

CREATE FUNCTION artwork_migration.refuse_truncate() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RAISE EXCEPTION USING
    ERRCODE = '0A000',
    MESSAGE = FORMAT('TRUNCATE of %s is refused while its rows are being migrated', TG_RELID::regclass),
    HINT = 'Use DELETE: it is captured. After roll-back or clean-up TRUNCATE works again.';
END
$$;

-- Undo:
DROP FUNCTION artwork_migration.refuse_truncate();
DROP FUNCTION artwork_migration.lock_clean_rows_of_user();
DROP FUNCTION artwork_migration.capture_changed_user();
DROP FUNCTION artwork_migration.capture_users();
DROP FUNCTION artwork_migration.capture_old_key();
DROP FUNCTION artwork_migration.capture_artworks();
