-- A signed-in user has access to their own rows, the service role to all. Visitors would read the gallery if they had a policy.
ALTER TABLE public.artworks ENABLE ROW LEVEL SECURITY;

CREATE POLICY "Users view own artworks" ON public.artworks
FOR SELECT USING (auth.uid() = user_id);

CREATE POLICY "Users insert own artworks" ON public.artworks
FOR INSERT WITH CHECK (auth.uid() = user_id);

CREATE POLICY "Users update own artworks" ON public.artworks
FOR UPDATE USING (auth.uid() = user_id);

CREATE POLICY "Service role manages artworks" ON public.artworks
USING (auth.jwt() ->> 'role' = 'service_role');

CREATE POLICY "Users view own orders" ON public.orders
FOR SELECT USING (
  EXISTS (SELECT 1 FROM public.artworks WHERE artworks.id = orders.artwork_id AND artworks.user_id = auth.uid())
);

CREATE POLICY "Service role manages orders" ON public.orders
USING (auth.jwt() ->> 'role' = 'service_role');

CREATE POLICY "Users view own order history" ON public.order_status_history
FOR SELECT USING (
  EXISTS (SELECT 1 FROM public.orders WHERE orders.id = order_status_history.order_id)
);

CREATE POLICY "Service role manages order history" ON public.order_status_history
USING (auth.jwt() ->> 'role' = 'service_role');

REVOKE SELECT ON TABLE public.artworks FROM anon;
GRANT SELECT (id, pet_name, generated_image_url, generation_status, created_at) ON TABLE public.artworks TO anon;
REVOKE UPDATE ON TABLE public.artworks FROM authenticated;
GRANT UPDATE (pet_name, customer_name) ON TABLE public.artworks TO authenticated;
