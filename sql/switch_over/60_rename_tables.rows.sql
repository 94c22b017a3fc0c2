-- What: the tables change names: artworks becomes artworks_old and artworks_v2 becomes artworks, with their keys, checks, indexes and our
--   trigger.
-- Why: the names of the legacy table are freed first, then the clean table takes them. A name that would be longer than 63 bytes gets its
--   hash.
-- Inverse: the column undo of its rows; the switch records it, and roll-back --to MIGRATED executes it.
-- Locks: ACCESS EXCLUSIVE on both tables, taken before.
-- Stage: locked
WITH tables AS (
  SELECT *
  FROM (VALUES (1, 'artworks', 'artworks_old'), (2, 'artworks_v2', 'artworks')) AS t (place, old_name, new_name)
),

parts AS (
  SELECT
    t.place * 10 AS place,
    'TABLE public.%I RENAME TO %I' AS command,
    '' AS on_table_before,
    '' AS on_table_after,
    t.old_name,
    t.new_name
  FROM tables AS t
  UNION ALL
  SELECT
    t.place * 10 + 1,
    'TABLE public.%3$I RENAME CONSTRAINT %1$I TO %2$I',
    t.old_name,
    t.new_name,
    k.conname,
    t.new_name || SUBSTRING(k.conname FROM LENGTH(t.old_name) + 1)
  FROM tables AS t
  INNER JOIN pg_catalog.pg_constraint AS k ON k.conrelid = ('public.' || t.old_name)::regclass
  WHERE k.contype <> 't' AND STARTS_WITH(k.conname, t.old_name || '_')
  UNION ALL
  SELECT
    t.place * 10 + 2,
    'INDEX public.%I RENAME TO %I',
    '',
    '',
    c.relname,
    t.new_name || SUBSTRING(c.relname FROM LENGTH(t.old_name) + 1)
  FROM tables AS t
  INNER JOIN pg_catalog.pg_index AS i ON i.indrelid = ('public.' || t.old_name)::regclass
  INNER JOIN pg_catalog.pg_class AS c ON i.indexrelid = c.oid
  WHERE
    STARTS_WITH(c.relname, t.old_name || '_')
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint AS k WHERE k.conindid = c.oid AND k.conrelid = i.indrelid)
  UNION ALL
  SELECT
    t.place * 10 + 3,
    'TRIGGER %1$I ON public.%3$I RENAME TO %2$I',
    t.old_name,
    t.new_name,
    g.tgname,
    t.new_name || SUBSTRING(g.tgname FROM LENGTH(t.old_name) + 1)
  FROM tables AS t
  INNER JOIN pg_catalog.pg_trigger AS g ON g.tgrelid = ('public.' || t.old_name)::regclass
  WHERE t.old_name = 'artworks_v2' AND NOT g.tgisinternal AND STARTS_WITH(g.tgname, 'artworks_v2_')
),

named AS (
  SELECT
    p.*,
    CASE WHEN OCTET_LENGTH(p.new_name) <= 63 THEN p.new_name ELSE 'artworks_old_' || MD5(p.old_name) END AS short_name
  FROM parts AS p
)

SELECT
  FORMAT('name %s', n.old_name) AS object,
  FORMAT('ALTER ' || n.command, n.old_name, n.short_name, n.on_table_after) AS "do",
  FORMAT('ALTER ' || n.command, n.short_name, n.old_name, n.on_table_after) AS undo
FROM named AS n
ORDER BY n.place, n.old_name
