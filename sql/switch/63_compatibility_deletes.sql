-- What: a delete through the view artworks_v2 is refused where another table references the artwork, as it was before the switch.
-- Why: whoever writes to artworks_v2 has relied on that refusal since deploy_schema; the key of orders says CASCADE and would take paid
--   orders. A delete from artworks does what the keys say, as it always did. The delete runs as whoever asks, so row level security holds;
--   the question needs our schema, so it is asked by a trigger of the table.
-- Inverse: 63_compatibility_deletes.undo.sql
-- Locks: SHARE ROW EXCLUSIVE on public.artworks, taken before.
-- Stage: locked
CREATE FUNCTION artwork_migration.delete_through_view() RETURNS trigger
LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
  reached bigint;
BEGIN
  PERFORM SET_CONFIG('artwork_migration.through_view', 'on', TRUE);
  DELETE FROM public.artworks AS a WHERE a.id = OLD.id;
  GET DIAGNOSTICS reached = ROW_COUNT;
  PERFORM SET_CONFIG('artwork_migration.through_view', '', TRUE);
  RETURN CASE WHEN reached > 0 THEN OLD END;
END
$$;

-- The row is locked first and references are looked for in a new statement: an order that is just being placed holds KEY SHARE on it.
CREATE FUNCTION artwork_migration.keep_referenced() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
  IF CURRENT_SETTING('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION USING
      ERRCODE = '0A000',
      MESSAGE = 'deleting through artworks_v2 needs a READ COMMITTED transaction',
      HINT = 'An older snapshot would not show an order placed meanwhile. Repeat the delete in a READ COMMITTED transaction.';
  END IF;
  PERFORM FROM public.artworks AS a WHERE a.id = OLD.id FOR UPDATE;
  IF EXISTS (SELECT FROM artwork_migration.referenced_artwork AS r WHERE r.id = OLD.id) THEN
    RAISE EXCEPTION USING
      ERRCODE = '23001',
      MESSAGE = FORMAT('artwork %s is referenced by another table and cannot be deleted', OLD.id),
      HINT = 'Delete what references it first.';
  END IF;
  RETURN OLD;
END
$$;

CREATE TRIGGER artwork_migration_delete INSTEAD OF DELETE ON public.artworks_v2
FOR EACH ROW EXECUTE FUNCTION artwork_migration.delete_through_view();

CREATE TRIGGER artwork_migration_keep BEFORE DELETE ON public.artworks
FOR EACH ROW WHEN (CURRENT_SETTING('artwork_migration.through_view', TRUE) = 'on')
EXECUTE FUNCTION artwork_migration.keep_referenced();
ALTER TABLE public.artworks ENABLE ALWAYS TRIGGER artwork_migration_keep;
