-- What: notes how long the log of the serving table has become: ids, those of them that are still to carry back, bytes, and its age.
-- Why: the way back carries them; whoever watches the window sees it grow.
-- Locks: none on a table of the application.
INSERT INTO artwork_migration.statistic (run, name, label, detail, value)
SELECT
  :run,
  'clean_log',
  f.label,
  '',
  f.value
FROM (
  SELECT
    COALESCE(SUM(CARDINALITY(c.ids)), 0) AS ids,
    COALESCE(SUM(CARDINALITY(c.ids)) FILTER (WHERE NOT c.carried_back), 0) AS to_carry_back,
    COALESCE(FLOOR(EXTRACT(EPOCH FROM NOW() - MIN(c.changed_at)) / 3600), 0) AS hours
  FROM artwork_migration.clean_change AS c
) AS l
CROSS JOIN
  LATERAL (
    VALUES
    ('ids', l.ids),
    ('to carry back', l.to_carry_back),
    ('hours since its first', l.hours),
    ('bytes', PG_TOTAL_RELATION_SIZE('artwork_migration.clean_change')::numeric)
  ) AS f (label, value)
ON CONFLICT (run, name, label, detail) DO UPDATE SET value = excluded.value
