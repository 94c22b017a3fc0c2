-- What: artworks to be migrated that share their access token with another one. Which of them is migrated: migrate_data/find_quarantined.
-- Why: the clean table takes one of them, the others wait in quarantine. The bare table is read first: where tokens are unique, the
--   mapping is evaluated for no row.
-- Locks: ACCESS SHARE on public.artworks and public.users.
WITH shared AS (
  SELECT a.access_token
  FROM public.artworks AS a
  GROUP BY a.access_token
  HAVING COUNT(*) > 1
),

bearers AS (
  SELECT ARRAY_AGG(l.id) AS ids
  FROM artwork_migration.legacy_artwork AS l
  WHERE l.migratable AND l.access_token IN (SELECT s.access_token FROM shared AS s)
  GROUP BY l.access_token
  HAVING COUNT(*) > 1
)

SELECT
  x.id,
  ARRAY['access_token'] AS about
FROM bearers AS b
CROSS JOIN LATERAL UNNEST(b.ids) AS x (id);

-- Checked:
SELECT COUNT(*) FROM public.artworks
