-- Keys and indexes, created after the rows, which is many times faster.
ALTER TABLE public.artworks
  ADD CONSTRAINT artworks_pkey PRIMARY KEY (id);

CREATE INDEX idx_artworks_generation_status ON public.artworks (generation_status);
CREATE INDEX idx_artworks_access_token ON public.artworks (access_token);
CREATE INDEX idx_artworks_customer_email ON public.artworks (customer_email);
