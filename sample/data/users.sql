-- What: the registered customers, and users who registered and never uploaded anything.
INSERT INTO public.users (
  id,
  email,
  created_at,
  updated_at
)
SELECT
  c.user_id,
  c.email,
  c.registered_at,
  c.registered_at
FROM sample_customer AS c
WHERE c.registered
ORDER BY c.number;

INSERT INTO public.users (
  id,
  email,
  created_at,
  updated_at
)
SELECT
  pg_temp.code(p.seed, 'visitor', v.number)::uuid,
  'visitor.' || v.number || '@example.org',
  now() - INTERVAL '14 months' * pg_temp.chance(p.seed, v.number, 6),
  now()
FROM sample_parameter AS p
CROSS JOIN LATERAL generate_series(1, greatest(5, p.artworks / 200)) AS v (number);
