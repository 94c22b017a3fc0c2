-- What: one order for every artwork that is marked as ordered, a second one for some, each with its history of statuses.
INSERT INTO public.orders (
  id,
  artwork_id,
  stripe_session_id,
  amount_cents,
  currency,
  status,
  created_at,
  updated_at
)
SELECT
  pg_temp.code(a.seed, 'order', a.n * 2 + o.copy)::uuid,
  a.id,
  'cs_' || pg_temp.code(a.seed, 'session', a.n * 2 + o.copy),
  (ARRAY[2900, 4900, 7900, 12900])[1 + floor(f.action * 4)::int],
  CASE WHEN f.action < 0.7 THEN 'usd' ELSE 'eur' END,
  (ARRAY['pending', 'paid', 'processing', 'shipped', 'delivered', 'delivered', 'delivered', 'refunded'])[1 + floor(f.action * 8)::int],
  least(now(), a.updated_at + INTERVAL '1 day' * f.action),
  least(now(), a.updated_at + INTERVAL '6 days' * f.action)
FROM sample_artwork AS a
CROSS JOIN LATERAL generate_series(0, CASE WHEN pg_temp.chance(a.seed, a.n, 50) < 0.1 THEN 1 ELSE 0 END) AS o (copy)
CROSS JOIN LATERAL (SELECT pg_temp.chance(a.seed, a.n * 2 + o.copy, 51) AS action) AS f
WHERE a.ordered;

INSERT INTO public.order_status_history (
  order_id,
  status,
  created_at
)
SELECT
  o.id,
  passed.status,
  o.created_at + (o.updated_at - o.created_at) * (passed.step - 1) / 6
FROM public.orders AS o
CROSS JOIN LATERAL unnest(
  ARRAY['pending', 'paid', 'processing', 'shipped', 'delivered', 'refunded']
) WITH ORDINALITY AS passed (status, step)
WHERE passed.step <= array_position(ARRAY['pending', 'paid', 'processing', 'shipped', 'delivered', 'refunded'], o.status)
ORDER BY o.created_at, o.id, passed.step;
