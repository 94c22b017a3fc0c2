-- What: the n-th artwork with every column that a deployment may have, as a view: nothing is stored twice.
-- Why: OFFSET 0 keeps the planner from repeating an expression wherever its result is used. A slot is a place in each thousand rows that is reserved for one kind of dirty data, so that a small sample has every kind.
--   1, 2 e-mail in capitals, with a trailing blank   3 urls that are not   4 from before the second upload   5, 6 test data
--   7 failed upload   8, 9 in flight   10 abandoned   11 failed   12-14 blank token, no token, blank e-mail (never of a completed one)
--   26 owned by a registered user   27 order for a failed one   28 order   29 pet without a name   30 link that does not expire
--   40-42 and 50, 51 share a token, 43 has another owner, 44-48 lack a value or have an odd status: deployments without the constraints only
CREATE TEMP VIEW sample_artwork AS
SELECT
  s.n,
  s.seed,
  s.slot,
  k.kind,
  s.code,
  s.code::uuid AS id,
  CASE WHEN c.registered AND (s.slot = 26 OR pg_temp.chance(s.seed, s.n, 10) < 0.5) THEN c.user_id END AS user_id,
  CASE WHEN pg_temp.chance(s.seed, s.n, 11) < 0.002 AND k.kind <> 'completed' THEN ' ' ELSE c.name END AS customer_name,
  CASE
    WHEN s.slot = 14 THEN ''
    WHEN s.slot = 1 OR pg_temp.chance(s.seed, s.n, 12) < 0.010 THEN upper(c.email COLLATE "C")
    WHEN s.slot = 2 OR pg_temp.chance(s.seed, s.n, 12) < 0.015 THEN c.email || ' '
    ELSE c.email
  END AS customer_email,
  CASE WHEN s.slot <> 29 AND pg_temp.chance(s.seed, s.n, 13) > 0.01 THEN pet.pet END AS pet_name,
  CASE
    WHEN k.kind = 'test' THEN CASE WHEN s.slot = 5 OR pg_temp.chance(s.seed, s.n, 14) < 0.6 THEN 'test-pending' ELSE 'test-' || s.n END
    WHEN s.slot = 3 OR pg_temp.chance(s.seed, s.n, 15) < 0.002 THEN 'C:\fakepath\mom.jpg'
    ELSE 'https://uploads.example/' || s.code || '/mom'
  END AS original_image_url,
  CASE
    WHEN upload.before_second OR (k.kind = 'failed upload' AND pg_temp.chance(s.seed, s.n, 16) < 0.5) THEN NULL
    WHEN s.slot = 3 OR pg_temp.chance(s.seed, s.n, 15) < 0.002 THEN 'undefined'
    ELSE 'https://uploads.example/' || s.code || '/mom'
  END AS original_pet_mom_url,
  CASE
    WHEN upload.before_second OR k.kind = 'failed upload' THEN NULL
    WHEN pg_temp.chance(s.seed, s.n, 17) < 0.002 THEN ''
    ELSE 'https://uploads.example/' || s.code || '/pet'
  END AS original_pet_url,
  CASE WHEN k.status = 'completed' THEN 'https://images.example/' || s.code || '.jpg' END AS generated_image_url,
  k.status AS generation_status,
  CASE WHEN s.slot = 12 THEN '' WHEN s.slot <> 13 THEN pg_temp.code(s.seed, 'token', s.n) END AS access_token,
  CASE WHEN s.slot <> 30 AND pg_temp.chance(s.seed, s.n, 18) > 0.01 THEN t.created_at + INTERVAL '30 days' END AS token_expires_at,
  t.created_at,
  CASE
    WHEN k.kind = 'in flight' THEN now() - INTERVAL '2 minutes' * pg_temp.chance(s.seed, s.n, 19)
    ELSE least(now(), t.created_at + INTERVAL '1 minute' + INTERVAL '2 minutes' * pg_temp.chance(s.seed, s.n, 19))
  END AS updated_at,
  s.slot = 28
  OR (k.kind = 'completed' AND s.slot NOT BETWEEN 40 AND 59 AND pg_temp.chance(s.seed, s.n, 20) < 0.035)
  OR s.slot = 27
  OR (k.kind IN ('failed', 'abandoned') AND s.slot > 59 AND pg_temp.chance(s.seed, s.n, 20) < 0.003) AS ordered
FROM (
  SELECT
    g.n,
    p.seed,
    p.artworks,
    pool.customers,
    pool.people,
    g.n % 1009 AS slot,
    pg_temp.code(p.seed, 'artwork', g.n) AS code,
    -- a quarter of the uploads repeat the one before, by the same customer
    CASE WHEN g.n > 1 AND pg_temp.chance(p.seed, g.n, 30) < 0.25 THEN g.n - 1 ELSE g.n END AS story,
    pg_temp.chance(p.seed, g.n + 1, 30) < 0.25 AS repeated,
    pg_temp.chance(p.seed, g.n, 31) AS action
  FROM sample_parameter AS p
  CROSS JOIN (SELECT (SELECT count(*) FROM sample_customer) AS customers, (SELECT count(*) FROM sample_person) AS people) AS pool
  CROSS JOIN LATERAL generate_series(1, p.artworks) AS g (n)
  OFFSET 0
) AS s
CROSS JOIN LATERAL (
  SELECT
    f.kind,
    CASE
      WHEN f.kind = 'completed' THEN 'completed'
      WHEN f.kind = 'test' THEN CASE WHEN s.slot = 6 OR pg_temp.chance(s.seed, s.n, 32) < 0.3 THEN 'completed' ELSE 'pending' END
      WHEN f.kind = 'in flight' THEN CASE WHEN s.slot = 9 OR pg_temp.chance(s.seed, s.n, 32) < 0.6 THEN 'processing' ELSE 'pending' END
      WHEN f.kind = 'abandoned' THEN CASE WHEN pg_temp.chance(s.seed, s.n, 32) < 0.5 THEN 'processing' ELSE 'pending' END
      WHEN f.kind = 'failed upload' THEN CASE WHEN pg_temp.chance(s.seed, s.n, 32) < 0.5 THEN 'failed' ELSE 'pending' END
      ELSE 'failed'
    END AS status
  FROM (
    SELECT
      CASE
        WHEN s.slot IN (5, 6) THEN 'test'
        WHEN s.slot = 7 THEN 'failed upload'
        WHEN s.slot IN (8, 9) THEN 'in flight'
        WHEN s.slot IN (10, 12, 14) THEN 'abandoned'
        WHEN s.slot IN (11, 13, 27, 50) THEN 'failed'
        WHEN s.slot BETWEEN 1 AND 59 THEN 'completed'
        WHEN s.action < 0.030 THEN 'test'
        WHEN s.action < 0.032 THEN 'in flight'
        WHEN s.action < CASE WHEN s.repeated THEN 0.30 ELSE 0.05 END THEN 'failed upload'
        WHEN s.action < CASE WHEN s.repeated THEN 0.45 ELSE 0.08 END THEN 'abandoned'
        WHEN s.action < CASE WHEN s.repeated THEN 0.65 ELSE 0.11 END THEN 'failed'
        ELSE 'completed'
      END AS kind
    OFFSET 0
  ) AS f
  OFFSET 0
) AS k
CROSS JOIN LATERAL (
  SELECT
    CASE k.kind
      WHEN 'in flight' THEN now() - INTERVAL '2 minutes' - INTERVAL '1 minute' * pg_temp.chance(s.seed, s.n, 33)
      WHEN 'abandoned' THEN least(now() - INTERVAL '1 day', spread.created_at)
      WHEN 'failed upload' THEN least(now() - INTERVAL '1 day', spread.created_at)
      ELSE spread.created_at
    END AS created_at
  FROM (
    SELECT now() - INTERVAL '14 months' * ((s.artworks - s.n + 0.9 * pg_temp.chance(s.seed, s.n, 33) + 0.1) / s.artworks) AS created_at
  ) AS spread
  OFFSET 0
) AS t
CROSS JOIN LATERAL (
  SELECT s.slot = 4 OR (s.n < s.artworks * 0.4 AND pg_temp.chance(s.seed, s.story, 34) < 0.8) AS before_second
) AS upload
JOIN sample_customer AS c
  ON c.number = CASE
    WHEN s.slot = 26 THEN 7
    ELSE 1 + floor(pg_temp.chance(s.seed, s.story, 35) * s.customers)::bigint
  END
JOIN sample_person AS pet ON pet.number = floor(pg_temp.chance(s.seed, s.story, 36) * s.people)::int;
