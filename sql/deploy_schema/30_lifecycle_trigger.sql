-- What: raise_error, and the trigger of an artwork's life cycle: it sets the times and refuses an impossible transition.
-- Why: strategy, "Clear status tracking" and "Automatic timestamps". A pending artwork may become completed at once: the legacy table has
--   no processing, and a webhook in transit at the switch sends what it always sent. The trigger refuses an unknown status before the
--   table's check does, with a message that lists the known ones. It does not fire for the migration's own writes: a copied row keeps its
--   times. A write through legacy_names has a trigger of its own with an argument: there each transition is allowed, and the time of an
--   upscale is the caller's if it gives one (switch_over/legacy_names). raise_error reads no table, so a BEGIN ATOMIC function can raise
--   errors with it; a role that writes to the table need not be able to call it.
-- Locks: none on a table of the application.
-- Stage: prepare
CREATE FUNCTION public.raise_error(code text, message text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = code, MESSAGE = message;
END
$$;

CREATE FUNCTION public.artwork_lifecycle() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  old_generation text := 'pending';
  old_upscale text := 'not_started';
  any_transition CONSTANT boolean := TG_NARGS > 0;
BEGIN
  IF TG_OP = 'UPDATE' THEN
    NEW.updated_at := NOW();
    old_generation := OLD.generation_status;
    old_upscale := OLD.upscale_status;
  END IF;

  IF COALESCE(NEW.generation_status, '') NOT IN ('pending', 'processing', 'completed', 'failed') THEN
    RAISE EXCEPTION USING
      ERRCODE = '22023',
      MESSAGE = 'generation_status must be one of pending, processing, completed, failed';
  END IF;
  IF COALESCE(NEW.upscale_status, '') NOT IN ('not_started', 'pending', 'processing', 'completed', 'failed') THEN
    RAISE EXCEPTION USING
      ERRCODE = '22023',
      MESSAGE = 'upscale_status must be one of not_started, pending, processing, completed, failed';
  END IF;

  IF TG_OP = 'UPDATE' AND NEW.generation_status <> old_generation AND NOT any_transition THEN
    IF (old_generation, NEW.generation_status) NOT IN (
      ('pending', 'processing'), ('pending', 'completed'), ('pending', 'failed'), ('processing', 'completed'),
      ('processing', 'failed'), ('failed', 'pending'), ('failed', 'processing')
    ) THEN
      RAISE EXCEPTION USING
        ERRCODE = '55000',
        MESSAGE = FORMAT('artwork %s: generation cannot go from %s to %s', NEW.id, old_generation, NEW.generation_status);
    END IF;
  END IF;
  IF TG_OP = 'UPDATE' AND NEW.upscale_status <> old_upscale AND NOT any_transition THEN
    IF (old_upscale, NEW.upscale_status) NOT IN (
      ('not_started', 'pending'), ('not_started', 'processing'), ('pending', 'processing'), ('pending', 'completed'),
      ('pending', 'failed'), ('processing', 'completed'), ('processing', 'failed'), ('failed', 'pending'), ('failed', 'processing')
    ) THEN
      RAISE EXCEPTION USING
        ERRCODE = '55000',
        MESSAGE = FORMAT('artwork %s: upscaling cannot go from %s to %s', NEW.id, old_upscale, NEW.upscale_status);
    END IF;
    IF NEW.generation_status <> 'completed' THEN
      RAISE EXCEPTION USING
        ERRCODE = '55000',
        MESSAGE = FORMAT('artwork %s: only a completed generation can be upscaled, this one is %s', NEW.id, NEW.generation_status);
    END IF;
  END IF;

  IF NEW.generation_status <> old_generation THEN
    CASE NEW.generation_status
      WHEN 'pending' THEN NEW.generation_started_at := NULL; NEW.generation_completed_at := NULL;
      WHEN 'processing' THEN NEW.generation_started_at := NOW(); NEW.generation_completed_at := NULL;
      WHEN 'completed' THEN NEW.generation_completed_at := NOW();
      ELSE NULL;
    END CASE;
  END IF;
  IF NEW.upscale_status <> old_upscale THEN
    CASE NEW.upscale_status
      WHEN 'processing' THEN
        NEW.upscale_started_at := NOW();
        NEW.upscale_completed_at := CASE WHEN any_transition THEN NEW.upscale_completed_at END;
      WHEN 'completed' THEN
        NEW.upscale_completed_at := CASE WHEN any_transition THEN COALESCE(NEW.upscale_completed_at, NOW()) ELSE NOW() END;
      ELSE NULL;
    END CASE;
  END IF;
  RETURN NEW;
END
$$;

CREATE TRIGGER artworks_v2_lifecycle
BEFORE INSERT OR UPDATE ON public.artworks_v2
FOR EACH ROW WHEN (
  CURRENT_SETTING('artwork_migration.apply', TRUE) IS DISTINCT FROM 'on'
  AND CURRENT_SETTING('artwork_migration.legacy_names', TRUE) IS DISTINCT FROM 'on'
)
EXECUTE FUNCTION public.artwork_lifecycle();

-- Undo:
-- Locks: ACCESS EXCLUSIVE on public.artworks_v2.
DROP TRIGGER IF EXISTS artworks_v2_lifecycle ON public.artworks_v2;
DROP FUNCTION public.artwork_lifecycle();
DROP FUNCTION public.raise_error(text, text);
