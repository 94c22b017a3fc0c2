-- What: artworks that another table references and that would stay behind: test data, or no e-mail, or no token.
-- Why: after the switch the order would point nowhere.
-- Locks: ACCESS SHARE on public.artworks and what references it.
WITH looked AS (
  SELECT
    l.disposition,
    COUNT(*) AS row_count,
    ARRAY_AGG(l.id) AS ids
  FROM artwork_migration.legacy_artwork AS l
  WHERE l.id IN (SELECT r.id FROM artwork_migration.referenced_artwork AS r)
  GROUP BY l.disposition
),

found AS (
  INSERT INTO artwork_migration.finding (run, rule, id, about)
  SELECT
    :run,
    :rule,
    x.id,
    ARRAY[k.disposition]
  FROM looked AS k
  CROSS JOIN LATERAL UNNEST(k.ids) AS x (id)
  WHERE k.disposition <> 'eligible'
)

SELECT COALESCE(SUM(k.row_count), 0)::bigint AS looked_at FROM looked AS k
