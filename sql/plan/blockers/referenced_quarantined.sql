-- What: artworks that another table references and that the clean table cannot take: they would wait in quarantine.
-- Why: the switch is blocked by them. It is better to know that before anything is created. Of artworks with one token the oldest is taken;
--   where a key makes tokens unique, that part reads nothing.
-- Locks: ACCESS SHARE on public.artworks and what references it.
-- Remedy: Correct the value in the legacy table, or move or delete the rows that reference the artwork.
-- Given: legacy_artwork, referenced_artwork
WITH referenced AS (
  SELECT DISTINCT a.id FROM artwork_migration.referenced_artwork AS a
),

shared AS (
  SELECT a.access_token
  FROM public.artworks AS a
  WHERE
    NOT EXISTS (
      SELECT
      FROM pg_catalog.pg_index AS i
      INNER JOIN pg_catalog.pg_attribute AS k ON i.indrelid = k.attrelid AND i.indkey[0] = k.attnum
      WHERE
        i.indrelid = 'public.artworks'::regclass AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indnkeyatts = 1
        AND k.attname = 'access_token'
    )
  GROUP BY a.access_token
  HAVING COUNT(*) > 1
),

bearer AS (
  SELECT
    l.id,
    ROW_NUMBER() OVER (PARTITION BY l.access_token ORDER BY l.created_at, l.id) AS place
  FROM artwork_migration.legacy_artwork AS l
  WHERE l.migratable AND l.access_token IN (SELECT s.access_token FROM shared AS s)
),

defective AS (
  SELECT
    l.id,
    l.defect,
    l.created_at,
    l.updated_at
  FROM referenced AS r
  INNER JOIN artwork_migration.legacy_artwork AS l ON r.id = l.id
  WHERE l.disposition = 'eligible' AND l.defect IS NOT NULL
  UNION ALL
  SELECT
    b.id,
    'duplicate_access_token' AS defect,
    NULL AS created_at,
    NULL AS updated_at
  FROM bearer AS b
  WHERE b.place > 1 AND b.id IN (SELECT r.id FROM referenced AS r)
)

SELECT
  'artwork ' || d.id AS subject,
  FORMAT(
    'another table references it, but it would be in quarantine (%s): %s',
    d.defect,
    CASE d.defect
      WHEN 'no_created_at' THEN 'its created_at is NULL.'
      WHEN 'no_updated_at' THEN 'its updated_at is NULL.'
      WHEN 'unknown_status' THEN 'its generation_status or its upscale_status is none of the statuses of the clean table.'
      WHEN 'too_long_to_index' THEN 'its e-mail or its token has more than 2,600 bytes.'
      WHEN 'duplicate_access_token' THEN 'an older artwork has its access token.'
      ELSE 'the clean table cannot take it.'
    END
  ) AS problem,
  CASE
    WHEN d.defect = 'no_created_at' AND d.updated_at IS NOT NULL
      THEN FORMAT('UPDATE public.artworks SET created_at = updated_at WHERE id = %L', d.id)
    WHEN d.defect = 'no_updated_at'
      THEN FORMAT('UPDATE public.artworks SET updated_at = created_at WHERE id = %L', d.id)
    WHEN d.defect = 'duplicate_access_token'
      THEN FORMAT('UPDATE public.artworks SET access_token = gen_random_uuid()::text WHERE id = %L', d.id)
  END AS statement
FROM defective AS d
ORDER BY d.id
