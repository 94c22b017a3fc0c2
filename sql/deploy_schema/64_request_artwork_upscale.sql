-- What: request_artwork_upscale: requests the high-res version of an artwork and returns the artwork.
-- Why: a print needs it. A repeated call while it waits, runs or is done changes nothing: a double click is no error. The life-cycle
--   trigger refuses it unless the generation is completed (55000).
-- Locks: when called, the artwork's row.
-- Stage: locked
CREATE FUNCTION public.request_artwork_upscale(artwork_id uuid) RETURNS SETOF public.artworks_v2
LANGUAGE sql
BEGIN ATOMIC
  SELECT public.raise_error('22023', 'request_artwork_upscale: artwork_id must not be NULL')
  WHERE request_artwork_upscale.artwork_id IS NULL;
  UPDATE public.artworks_v2 AS a
  SET upscale_status = 'pending'
  WHERE a.id = request_artwork_upscale.artwork_id AND a.upscale_status IN ('not_started', 'failed');
  SELECT public.raise_error('P0002', FORMAT('request_artwork_upscale: there is no artwork %s', request_artwork_upscale.artwork_id))
  WHERE NOT EXISTS (SELECT FROM public.artworks_v2 AS a WHERE a.id = request_artwork_upscale.artwork_id);
  SELECT a FROM public.artworks_v2 AS a WHERE a.id = request_artwork_upscale.artwork_id;
END;
COMMENT ON FUNCTION public.request_artwork_upscale(uuid)
IS 'Requests the high-res version of a completed artwork; a repeated call changes nothing.';

-- Undo:
DROP FUNCTION public.request_artwork_upscale(uuid);
