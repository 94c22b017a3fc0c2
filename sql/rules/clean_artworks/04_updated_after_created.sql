-- What: clean artworks that were last changed before they were created.
-- Why: a clock was wrong, or somebody wrote the times by hand. Only ids leave the database: Great Expectations would fetch the times, and
--   Postgres has some that Python has not (infinity, years above 9999).
-- Locks: ACCESS SHARE on public.artworks_v2.
WITH looked AS (
  SELECT
    COUNT(*) AS looked_at,
    ARRAY_AGG(c.id) FILTER (WHERE c.updated_at < c.created_at) AS ids
  FROM public.artworks_v2 AS c
),

found AS (
  INSERT INTO artwork_migration.finding (run, rule, id, about)
  SELECT
    :run,
    :rule,
    x.id,
    ARRAY['updated_at']
  FROM looked AS k
  CROSS JOIN LATERAL UNNEST(k.ids) AS x (id)
)

SELECT k.looked_at FROM looked AS k
