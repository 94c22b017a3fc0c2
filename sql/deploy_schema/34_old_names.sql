-- What: the views about old names. vanishing_name: what ends with the switch (columns, values) and with the clean-up (relations), from the
--   catalog. quiet_limit: for how long nobody may have used them. old_name_use: the statements that do, by role, from the readings.
-- Why: the gate, the plans and the status read the same. pg_stat_statements has no time of a call, so a statement was used at the latest
--   when a reading finds another number of calls than the reading before. That is also so after a reset, and once a counter is gone, which
--   an eviction may have done: neither is taken for quiet. The tables are constants in the views, so these follow them through the switch.
-- Locks: ACCESS SHARE on public.artworks.
-- Stage: prepare
CREATE VIEW artwork_migration.vanishing_name AS
WITH literal AS (
  SELECT
    a.attname,
    q.found[1] AS value,
    k.conrelid = 'public.artworks'::regclass AS of_legacy
  FROM pg_catalog.pg_constraint AS k
  INNER JOIN pg_catalog.pg_attribute AS a ON k.conrelid = a.attrelid AND k.conkey = ARRAY[a.attnum]
  CROSS JOIN LATERAL REGEXP_MATCHES(PG_GET_CONSTRAINTDEF(k.oid), '''([^'']+)''', 'g') AS q (found)
  WHERE k.contype = 'c' AND k.conrelid IN ('public.artworks'::regclass, 'public.artworks_v2'::regclass)
)

SELECT
  'switch-over' AS ends_with,
  'column' AS kind,
  g.name::text AS name,
  CASE WHEN g.name ~ '^\w+$' THEN '\m' || g.name || '\M' ELSE REGEXP_REPLACE(g.name, '(\W)', '\\\1', 'g') END AS pattern
FROM artwork_migration.column_gone AS g
WHERE g.absent
UNION ALL
-- A status that a check of the legacy table names, and no check of the clean column. It has no pattern: in pg_stat_statements constants are
-- parameters.
SELECT DISTINCT
  'switch-over' AS ends_with,
  'value' AS kind,
  FORMAT('%s = %L', l.attname, l.value) AS name,
  NULL AS pattern
FROM literal AS l
INNER JOIN artwork_migration.column_mapping AS m ON l.attname = m.legacy_column
WHERE
  l.of_legacy
  AND EXISTS (SELECT FROM literal AS c WHERE NOT c.of_legacy AND c.attname = m.clean_column)
  AND NOT EXISTS (SELECT FROM literal AS c WHERE NOT c.of_legacy AND c.attname = m.clean_column AND c.value = l.value)
UNION ALL
SELECT
  'clean-up' AS ends_with,
  n.kind,
  n.name,
  -- From Postgres 18 on, statements that differ only in the schema of a table are counted together, under the text of the first one. So
  -- that text proves nothing about the schema; legacy_names_use has its use.
  CASE WHEN n.kind = 'relation' OR CURRENT_SETTING('server_version_num')::int < 180000 THEN '\m' || n.name || '\M' END AS pattern
FROM (VALUES ('relation', 'artworks_v2'), ('relation', 'artworks_old'), ('schema', 'legacy_names')) AS n (kind, name)
WHERE n.kind = 'relation' OR EXISTS (SELECT FROM artwork_migration.legacy_names_object);

CREATE VIEW artwork_migration.quiet_limit AS
SELECT
  v.ends_with,
  v.quiet,
  COALESCE(v.ends_with = ANY(STRING_TO_ARRAY(w.value, ',')), FALSE) AS waived,
  w.approved_by,
  w.reason
FROM (
  SELECT
    'switch-over' AS ends_with,
    COALESCE(
      (SELECT d.value::interval FROM artwork_migration.decision AS d WHERE d.name = 'quiet_time' ORDER BY d.number DESC LIMIT 1),
      interval '10 minutes'
    ) AS quiet
  UNION ALL
  SELECT
    'clean-up' AS ends_with,
    interval '7 days' AS quiet
) AS v
LEFT JOIN artwork_migration.decision AS w
  ON w.number = (SELECT MAX(d.number) FROM artwork_migration.decision AS d WHERE d.name = 'waive_readiness');

CREATE VIEW artwork_migration.old_name_use AS
WITH reading AS (
  SELECT
    r.number,
    r.ends_with,
    r.read_at,
    r.reset_at,
    LAG(r.number) OVER in_order AS number_before,
    LAG(r.read_at) OVER in_order AS read_before
  FROM artwork_migration.use_reading AS r
  WHERE r.readable
  WINDOW in_order AS (PARTITION BY r.ends_with ORDER BY r.number)
),

newest AS (
  SELECT
    r.ends_with,
    r.read_at,
    r.reset_at,
    l.quiet
  FROM artwork_migration.use_reading AS r
  INNER JOIN artwork_migration.quiet_limit AS l ON r.ends_with = l.ends_with
  WHERE r.number = (SELECT MAX(n.number) FROM artwork_migration.use_reading AS n WHERE n.ends_with = r.ends_with)
),

-- each reading in which the calls are not those of the reading before; without calls if the counter is gone
used AS (
  SELECT
    s.role_oid,
    s.query_id,
    r.number,
    s.reading AS described_by,
    s.calls,
    p.calls AS calls_before
  FROM reading AS r
  INNER JOIN artwork_migration.use_of_statement AS s ON r.number = s.reading
  LEFT JOIN artwork_migration.use_of_statement AS p
    ON r.number_before = p.reading AND s.role_oid = p.role_oid AND s.query_id = p.query_id
  WHERE s.calls IS DISTINCT FROM p.calls
  UNION ALL
  SELECT
    p.role_oid,
    p.query_id,
    r.number,
    p.reading AS described_by,
    NULL AS calls,
    p.calls AS calls_before
  FROM reading AS r
  INNER JOIN artwork_migration.use_of_statement AS p ON r.number_before = p.reading
  WHERE
    NOT EXISTS (
      SELECT FROM artwork_migration.use_of_statement AS s
      WHERE s.reading = r.number AND s.role_oid = p.role_oid AND s.query_id = p.query_id
    )
),

latest AS (
  SELECT
    u.role_oid,
    u.query_id,
    r.ends_with,
    u.described_by,
    u.calls,
    CASE WHEN u.calls >= u.calls_before THEN u.calls - u.calls_before ELSE u.calls END AS more_calls,
    r.read_at,
    r.read_before,
    TO_CHAR(r.read_before AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI UTC') AS after_time,
    TO_CHAR(r.read_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI UTC') AS read_time,
    TO_CHAR(r.reset_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI UTC') AS reset_time,
    ROW_NUMBER() OVER (PARTITION BY r.ends_with, u.role_oid, u.query_id ORDER BY u.number DESC) AS place
  FROM used AS u
  INNER JOIN reading AS r ON u.number = r.number
)

SELECT
  u.ends_with,
  u.read_at AS used_at,
  u.read_at > n.read_at - n.quiet AS recent,
  -- from Postgres 18 on, statements that differ only in the schema of a table are counted together, under the text of the first one
  u.ends_with = 'switch-over' AND EXISTS (SELECT FROM artwork_migration.legacy_names_object)
  AND (NOT s.qualified OR CURRENT_SETTING('server_version_num')::int >= 180000) AS ambiguous,
  'role ' || s.role_name || CASE
    WHEN CARDINALITY(s.applications) > 0 THEN ', application ' || ARRAY_TO_STRING(s.applications, ', ')
    WHEN CARDINALITY(s.sessions) > 0 THEN ', whose sessions are ' || ARRAY_TO_STRING(s.sessions, ', ')
    ELSE ''
  END AS subject,
  FORMAT(
    '`%s` names %s; %s',
    s.statement,
    ARRAY_TO_STRING(s.names, ', '),
    CASE
      WHEN u.calls IS NULL
        THEN FORMAT('its counter is gone (reset or evicted between %s and %s)', u.after_time, u.read_time)
      WHEN u.read_before IS NULL
        THEN FORMAT('%s calls since %s, read for the first time at %s', u.calls, u.reset_time, u.read_time)
      ELSE
        FORMAT(
          '%s calls between %s and %s, %s a minute',
          u.more_calls, u.after_time, u.read_time,
          ROUND(u.more_calls * 60 / GREATEST(1, EXTRACT(EPOCH FROM u.read_at - u.read_before)), 1)
        )
    END
  ) AS problem
FROM latest AS u
INNER JOIN newest AS n ON u.ends_with = n.ends_with
INNER JOIN artwork_migration.use_of_statement AS s
  ON u.described_by = s.reading AND u.role_oid = s.role_oid AND u.query_id = s.query_id
WHERE u.place = 1
UNION ALL
SELECT
  n.ends_with,
  n.reset_at AS used_at,
  TRUE AS recent,
  FALSE AS ambiguous,
  'pg_stat_statements' AS subject,
  FORMAT(
    'it was reset at %s, so it does not show what was called before; it can be relied on from %s on',
    TO_CHAR(n.reset_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI UTC'),
    TO_CHAR((n.reset_at + n.quiet) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI UTC')
  ) AS problem
FROM newest AS n
WHERE n.reset_at > n.read_at - n.quiet;

-- Undo:
DROP VIEW artwork_migration.old_name_use;
DROP VIEW artwork_migration.quiet_limit;
DROP VIEW artwork_migration.vanishing_name;
