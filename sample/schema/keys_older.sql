-- Keys and indexes, created after the rows, which is many times faster.
ALTER TABLE public.artworks
  ADD CONSTRAINT artworks_pkey PRIMARY KEY (id),
  ADD CONSTRAINT artworks_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE SET NULL;

CREATE INDEX idx_artworks_user_id ON public.artworks (user_id);
CREATE INDEX idx_artworks_generation_status ON public.artworks (generation_status);
CREATE INDEX idx_artworks_access_token ON public.artworks (access_token);
CREATE INDEX idx_artworks_customer_email ON public.artworks (customer_email);
