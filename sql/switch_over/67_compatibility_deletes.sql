-- What: a delete through the view artworks_v2 is refused if another table references the artwork, as it was before the switch, and fails
--   with 40001 if another transaction has changed the row since the statement read it.
-- Why: code that writes to artworks_v2 has relied on that refusal since deploy_schema; the key of orders says CASCADE and would take paid
--   orders. A delete from artworks does what the keys say, as it always did. The trigger gets the rows that the statement's condition has
--   found, but not the condition: a delete of the table would check it on the changed row, this one can only fail and be repeated. The
--   delete runs as the role that asks, so row level security holds. The check needs our schema, so a trigger of the table makes it. The
--   delete also runs with the caller's search_path: it fires triggers of the application, which name their tables as its own sessions do.
-- Locks: SHARE ROW EXCLUSIVE on public.artworks, taken before.
-- Stage: locked
CREATE FUNCTION artwork_migration.delete_through_view() RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
  deleted jsonb;
BEGIN
  PERFORM pg_catalog.SET_CONFIG('artwork_migration.through_view', 'on', TRUE);
  DELETE FROM public.artworks AS a WHERE a.id = OLD.id RETURNING pg_catalog.TO_JSONB(a) INTO deleted;
  PERFORM pg_catalog.SET_CONFIG('artwork_migration.through_view', '', TRUE);
  -- as text, because equal values may differ; a column that one of them does not have was renamed, or added after the switch
  IF EXISTS (
    SELECT FROM pg_catalog.JSONB_EACH_TEXT(pg_catalog.TO_JSONB(OLD)) AS o
    INNER JOIN pg_catalog.JSONB_EACH_TEXT(deleted) AS d ON o.key OPERATOR(pg_catalog.=) d.key
    WHERE o.value IS DISTINCT FROM d.value
  ) THEN
    RAISE EXCEPTION USING
      ERRCODE = '40001',
      MESSAGE = pg_catalog.FORMAT('artwork %s was changed by another transaction and was not deleted', OLD.id),
      HINT = 'To fix: roll back and repeat the transaction.';
  END IF;
  RETURN CASE WHEN deleted IS NOT NULL THEN OLD END;
END
$$;

CREATE FUNCTION artwork_migration.keep_referenced() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM artwork_migration.refuse_referenced(OLD.id);
  RETURN OLD;
END
$$;

CREATE TRIGGER artwork_migration_delete INSTEAD OF DELETE ON public.artworks_v2
FOR EACH ROW EXECUTE FUNCTION artwork_migration.delete_through_view();

CREATE TRIGGER artwork_migration_keep BEFORE DELETE ON public.artworks
FOR EACH ROW WHEN (CURRENT_SETTING('artwork_migration.through_view', TRUE) = 'on')
EXECUTE FUNCTION artwork_migration.keep_referenced();
ALTER TABLE public.artworks ENABLE ALWAYS TRIGGER artwork_migration_keep;

-- Undo:
-- Why: the next statements drop the view, and the write-through refuses these deletes again.
-- Locks: ACCESS EXCLUSIVE on public.artworks, taken before.
DROP TRIGGER IF EXISTS artwork_migration_keep ON public.artworks;
DROP TRIGGER IF EXISTS artwork_migration_delete ON public.artworks_v2;
DROP FUNCTION artwork_migration.keep_referenced();
DROP FUNCTION artwork_migration.delete_through_view();
