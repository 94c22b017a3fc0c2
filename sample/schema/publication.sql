-- The publication that browsers subscribe to.
CREATE PUBLICATION supabase_realtime FOR TABLE public.artworks;
