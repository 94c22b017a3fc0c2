-- Payments, which depend on artworks: deleting an artwork deletes them.
CREATE TRIGGER update_artworks_updated_at
BEFORE UPDATE ON public.artworks
FOR EACH ROW EXECUTE FUNCTION public.set_updated_at();

COMMENT ON TABLE public.artworks IS 'Portraits of pets and their owners';
COMMENT ON COLUMN public.artworks.access_token IS 'The customer''s link, valid 30 days';

CREATE TABLE public.orders (
  id uuid DEFAULT gen_random_uuid() NOT NULL,
  artwork_id uuid NOT NULL,
  stripe_session_id text NOT NULL,
  amount_cents integer NOT NULL,
  currency text DEFAULT 'usd' NOT NULL,
  status text DEFAULT 'pending' NOT NULL,
  created_at timestamptz DEFAULT now(),
  updated_at timestamptz DEFAULT now(),
  CONSTRAINT orders_pkey PRIMARY KEY (id),
  CONSTRAINT orders_stripe_session_id_key UNIQUE (stripe_session_id),
  CONSTRAINT orders_artwork_id_fkey FOREIGN KEY (artwork_id) REFERENCES public.artworks (id) ON DELETE CASCADE,
  CONSTRAINT orders_amount_cents_check CHECK (amount_cents > 0),
  CONSTRAINT orders_status_check CHECK (status IN ('pending', 'paid', 'processing', 'shipped', 'delivered', 'refunded'))
);

CREATE INDEX idx_orders_artwork_id ON public.orders (artwork_id);

CREATE TRIGGER update_orders_updated_at
BEFORE UPDATE ON public.orders
FOR EACH ROW EXECUTE FUNCTION public.set_updated_at();

CREATE TABLE public.order_status_history (
  id bigint GENERATED ALWAYS AS IDENTITY,
  order_id uuid NOT NULL,
  status text NOT NULL,
  created_at timestamptz DEFAULT now(),
  CONSTRAINT order_status_history_pkey PRIMARY KEY (id),
  CONSTRAINT order_status_history_order_id_fkey FOREIGN KEY (order_id) REFERENCES public.orders (id) ON DELETE CASCADE
);

CREATE INDEX idx_order_status_history_order_id ON public.order_status_history (order_id);

ALTER TABLE public.orders ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.order_status_history ENABLE ROW LEVEL SECURITY;
