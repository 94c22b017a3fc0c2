-- What: serving artworks of which the retired table rejects columns, or the whole row.
-- Why: law 3: after the rollback the legacy table would serve an older value, or no row, and the newer one would be in artworks_v2 only. A
--   decision may accept that for the artworks that it names. A row that another table references must be there: refused_and_referenced.
-- Locks: ACCESS SHARE on public.artworks and what references it.
-- Remedy: Change these columns of the artwork so that the retired table takes them. Or decide that the values may stay behind in
--   artworks_v2; the roll back then writes their ids and columns to a file.
-- Given: rejected_write
SELECT
  'artwork ' || r.id AS subject,
  FORMAT(
    'the retired table does not take its %s (SQLSTATE %s, %s). After the rollback %s.',
    COALESCE(NULLIF(ARRAY_TO_STRING(r.columns, ', '), ''), 'row'),
    r.sql_state,
    r.object,
    CASE WHEN r.columns = '{}' THEN 'the artwork would not be served' ELSE 'the older values would be served' END
  ) AS problem,
  'accept_rejected_writes '
  || CASE WHEN COUNT(*) OVER () > 100 THEN 'all' ELSE STRING_AGG(r.id::text, ',') OVER () END AS decision
FROM artwork_migration.rejected_write AS r
CROSS JOIN (
  SELECT
    (
      SELECT STRING_TO_ARRAY(d.value, ',') FROM artwork_migration.decision AS d
      WHERE d.name = 'accept_rejected_writes' ORDER BY d.number DESC LIMIT 1
    ) AS ids
) AS accepted
WHERE
  EXISTS (SELECT FROM public.artworks AS c WHERE c.id = r.id)
  AND ('all' = ANY(accepted.ids) OR r.id::text = ANY(accepted.ids)) IS NOT TRUE
  AND NOT (r.columns = '{}' AND r.id IN (SELECT f.id FROM artwork_migration.referenced_artwork AS f))
ORDER BY r.id
