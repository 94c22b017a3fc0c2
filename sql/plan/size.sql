-- What: what the legacy table takes on disk, and about what the migration will: the clean table, its indexes, the users, WAL, temporary
--   files. Estimated from the legacy table's own size, its statistics and the share of its :legacy_rows that are :migrated.
-- Why: there is no SQL for the room on a disk, so the need is named and the operator looks. The numbers were measured: random keys fill
--   their pages to 70 %, sorted ones to 90 %; a user is 400 bytes with its keys and our note; a byte written is 1.7 in the log, with
--   full pages and the VACUUM; the comparison of all rows spills both tables.
-- Locks: ACCESS SHARE on public.artworks.
WITH legacy AS (
  SELECT
    PG_TABLE_SIZE('public.artworks') AS table_bytes,
    PG_INDEXES_SIZE('public.artworks') AS index_bytes,
    CAST(:migrated AS float8) AS migrated,
    CAST(:migrated AS float8) / GREATEST(1, CAST(:legacy_rows AS float8)) AS share
),

-- a column that was never analyzed is taken for a long one, and its values for different ones
width AS (
  SELECT
    COALESCE(MAX(s.avg_width) FILTER (WHERE s.attname = 'access_token'), 64) AS token,
    COALESCE(MAX(s.avg_width) FILTER (WHERE s.attname = 'customer_email'), 64) AS email,
    COALESCE(MAX(s.n_distinct) FILTER (WHERE s.attname = 'customer_email'), -1) AS emails
  FROM pg_catalog.pg_stats AS s
  WHERE s.schemaname = 'public' AND s.tablename = 'artworks'
),

need AS (
  SELECT
    l.table_bytes,
    l.index_bytes,
    l.table_bytes * l.share AS clean_table,
    l.migrated
    * (40 + (12 + 8 * CEIL((w.token + 1) / 8.0)) / 0.7 + (12 + 8 * CEIL((w.email + 9) / 8.0)) / 0.9 + 25) AS clean_indexes,
    400 * CASE WHEN w.emails < 0 THEN -w.emails * CAST(:legacy_rows AS float8) ELSE w.emails END AS users
  FROM legacy AS l
  CROSS JOIN width AS w
)

SELECT
  n.table_bytes AS legacy_table,
  n.index_bytes AS legacy_indexes,
  n.clean_table::bigint AS clean_table,
  n.clean_indexes::bigint AS clean_indexes,
  n.users::bigint AS users,
  (1.7 * (n.clean_table + n.clean_indexes + n.users))::bigint AS wal,
  (n.table_bytes + n.clean_table)::bigint AS temporary
FROM need AS n
