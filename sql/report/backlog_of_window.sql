-- What: how many artworks were changed since the switch and are still to be carried back, since when, and what was refused.
-- Why: the status says what the way back would have to do.
-- Locks: none on a table of the application.
SELECT
  (
    SELECT COUNT(DISTINCT x.id) FROM artwork_migration.clean_change AS l CROSS JOIN LATERAL UNNEST(l.ids) AS x (id)
    WHERE NOT l.carried_back
  ) AS logged,
  (SELECT MIN(l.changed_at) FROM artwork_migration.clean_change AS l WHERE NOT l.carried_back) AS logged_since,
  (SELECT COUNT(*) FROM artwork_migration.rejected_write) AS refused
