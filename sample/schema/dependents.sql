-- Functions, a view and a materialized view that read the table by name.

-- For the page after the payment: anyone who has the session's id may see the order.
CREATE FUNCTION public.get_order_with_artwork(session_id text)
RETURNS TABLE (order_id uuid, order_status text, amount_cents integer, artwork_id uuid, pet_name text, generated_image_url text)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = public
AS $$
BEGIN
  RETURN QUERY
  SELECT
    o.id,
    o.status,
    o.amount_cents,
    a.id,
    a.pet_name,
    a.generated_image_url
  FROM orders AS o
  JOIN artworks AS a ON a.id = o.artwork_id
  WHERE o.stripe_session_id = session_id;
END
$$;

-- For the customer's link: the orders of one artwork, as long as its token is valid.
CREATE FUNCTION public.get_orders_by_token(token text)
RETURNS TABLE (order_id uuid, order_status text, ordered_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = public
AS $$
BEGIN
  RETURN QUERY
  SELECT
    o.id,
    o.status,
    o.created_at
  FROM artworks AS a
  JOIN orders AS o ON o.artwork_id = a.id
  WHERE
    a.access_token = token
    AND (a.token_expires_at IS NULL OR a.token_expires_at > now())
  ORDER BY o.created_at DESC;
END
$$;

CREATE VIEW public.artwork_gallery WITH (security_invoker = true) AS
SELECT
  id,
  pet_name,
  generated_image_url,
  created_at
FROM public.artworks
WHERE generation_status = 'completed';

COMMENT ON VIEW public.artwork_gallery IS 'Finished portraits, for the gallery page';

CREATE MATERIALIZED VIEW public.artwork_sales AS
SELECT
  (a.created_at AT TIME ZONE 'UTC')::date AS day,
  a.generation_status,
  count(*) AS artworks,
  coalesce(sum(o.orders), 0) AS orders,
  coalesce(sum(o.amount_cents), 0) AS amount_cents
FROM public.artworks AS a
LEFT JOIN (
  SELECT
    artwork_id,
    count(*) AS orders,
    sum(amount_cents) AS amount_cents
  FROM public.orders
  GROUP BY artwork_id
) AS o ON o.artwork_id = a.id
GROUP BY 1, 2;

CREATE UNIQUE INDEX artwork_sales_day_status_idx ON public.artwork_sales (day, generation_status);
