-- What: the function behind the trigger on users that lets a user's id change although rows of the legacy or retired table reference it.
-- Why: claim_anonymous_user gives a user the id of the sign-up. The clean table's key cascades; the legacy table's key would refuse. So its
--   rows get the new id after the user has it and before the keys' own triggers fire: those are named RI_…, and triggers fire in the order
--   of their names. The function finds the table by its key, so it is right before the switch, after it, and after a roll back.
-- Locks: when fired, the legacy or retired rows that name the user, after the clean ones (the trigger artwork_migration_lock).
-- Stage: prepare
-- Users: created
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

CREATE FUNCTION artwork_migration.user_moved() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  relation regclass := artwork_migration.table_without_cascade();
  move text := FORMAT('UPDATE %s SET user_id = $1 WHERE user_id = $2', relation);
BEGIN
  -- The user was claimed: it is no longer one that we created.
  DELETE FROM artwork_migration.created_user AS o WHERE o.id = OLD.id;
  IF relation IS NOT NULL THEN
    PERFORM artwork_migration.widen_search_path();
    EXECUTE move USING NEW.id, OLD.id;
  END IF;
  RETURN NULL;
END
$$;

-- A change of a user's id moves its artworks. The trigger calls this for a role that could not give them another owner itself: then the
-- change is refused, as the key of the legacy table has always refused it.
CREATE FUNCTION artwork_migration.refuse_move() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  relation regclass;
  owns boolean;
BEGIN
  FOR relation IN
    SELECT k.conrelid FROM pg_catalog.pg_constraint AS k WHERE k.contype = 'f' AND k.confrelid = 'public.users'::regclass
      AND k.conrelid IN (TO_REGCLASS('public.artworks'), TO_REGCLASS('public.artworks_v2'), TO_REGCLASS('public.artworks_old'))
  LOOP
    EXECUTE FORMAT('SELECT EXISTS(SELECT FROM %s AS a WHERE a.user_id = $1)', relation) INTO owns USING OLD.id;
    IF owns THEN
      RAISE EXCEPTION USING
        ERRCODE = '23503',
        MESSAGE = 'this role may not change the id of a user who owns artworks',
        HINT = 'Use claim_anonymous_user.';
    END IF;
  END LOOP;
  RETURN NEW;
END
$$;

-- Undo:
DROP FUNCTION artwork_migration.refuse_move();
DROP FUNCTION artwork_migration.user_moved();
DROP FUNCTION artwork_migration.table_without_cascade();
