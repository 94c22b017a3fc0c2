-- What: random numbers that do not depend on the server, and the customers, combined from the names in sample_person.
-- Why: a seed gives the same customers on every machine. sample_person and sample_parameter (seed, number of artworks) are loaded first.

-- Returns a number in [0, 1) for the n-th object and one purpose.
CREATE FUNCTION pg_temp.chance(seed bigint, n bigint, question bigint) RETURNS double precision
LANGUAGE sql IMMUTABLE
RETURN (hashint8extended(n, seed * 1000 + question) & 4503599627370495)::double precision / 4503599627370496;

CREATE FUNCTION pg_temp.code(seed bigint, what text, n bigint) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN md5(seed::text || '/' || what || '/' || n::text);

CREATE TEMP TABLE sample_customer AS
SELECT
  k.number,
  first.left_name || last.right_name AS name,
  mailbox.mailbox || '.' || k.number || '@' || mailbox.domain AS email,
  k.number % 20 = 7 AS registered,
  pg_temp.code(p.seed, 'user', k.number)::uuid AS user_id,
  now() - INTERVAL '14 months' * pg_temp.chance(p.seed, k.number, 1) AS registered_at
FROM sample_parameter AS p
CROSS JOIN LATERAL generate_series(1, greatest(50, p.artworks * 45 / 100)) AS k (number)
CROSS JOIN (SELECT max(locale) + 1 AS locales, count(*) / (max(locale) + 1) AS people FROM sample_person) AS pool
CROSS JOIN LATERAL (SELECT floor(pg_temp.chance(p.seed, k.number, 2) * pool.locales)::int * pool.people AS first_number) AS tongue
JOIN sample_person AS first ON first.number = tongue.first_number + floor(pg_temp.chance(p.seed, k.number, 3) * pool.people)::int
JOIN sample_person AS last ON last.number = tongue.first_number + floor(pg_temp.chance(p.seed, k.number, 4) * pool.people)::int
JOIN sample_person AS mailbox ON mailbox.number = tongue.first_number + floor(pg_temp.chance(p.seed, k.number, 5) * pool.people)::int;

ANALYZE sample_customer;
