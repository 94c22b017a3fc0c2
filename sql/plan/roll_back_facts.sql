-- What: what the way back would start from: rows of both sides, and ids that are still to be carried back.
-- Why: the reader of the plan sees how long it will take.
-- Locks: ACCESS SHARE on both tables.
SELECT
  (SELECT COUNT(*) FROM public.artworks) AS serving_rows,
  (SELECT COUNT(*) FROM public.artworks_old) AS retired_rows,
  (
    SELECT COUNT(DISTINCT x.id) FROM artwork_migration.clean_change AS l CROSS JOIN LATERAL UNNEST(l.ids) AS x (id)
    WHERE NOT l.carried_back
  ) AS ids_to_carry_back,
  (SELECT COUNT(*) FROM artwork_migration.rejected_write) AS rejected_writes
