-- Whether the application still uses what ends: what a reading of pg_stat_statements is made of, and what plans and the status show.

-- name: source
-- What: where the extension pg_stat_statements is, whether it counts, and the server's counters of transactions in this database.
-- Why: each statement that reads its views is qualified with this schema. A version before 1.9 does not report a reset, and one
--   that is no number may not; a version may be any text.
-- Locks: none.
SELECT
  QUOTE_IDENT(n.nspname) AS schema_name,
  COALESCE(REGEXP_MATCH(e.extversion, '^([0-9]{1,6})[.]([0-9]{1,6})')::int[] >= ARRAY[1, 9], FALSE) AS reports_resets,
  CURRENT_SETTING('pg_stat_statements.track', TRUE) AS track,
  s.xact_commit AS committed,
  s.xact_rollback AS rolled_back,
  s.stats_reset AS counted_since
FROM pg_catalog.pg_stat_database AS s
LEFT JOIN pg_catalog.pg_extension AS e ON e.extname = 'pg_stat_statements'
LEFT JOIN pg_catalog.pg_namespace AS n ON e.extnamespace = n.oid
WHERE s.datname = CURRENT_DATABASE();

-- name: statement_counter
-- What: the statements of this database that pg_stat_statements has counted, where `extension_schema` is its schema.
-- Why: see Given in sql/__init__.py.
-- Locks: none.
SELECT
  c.userid,
  c.queryid,
  c.toplevel,
  c.calls,
  c.query
FROM extension_schema.pg_stat_statements AS c
INNER JOIN pg_catalog.pg_database AS d ON c.dbid = d.oid
WHERE d.datname = CURRENT_DATABASE();

-- name: counter_info
-- What: since when pg_stat_statements counts, and how many statements it has evicted.
-- Why: as `statement_counter`.
-- Locks: none.
SELECT
  i.stats_reset,
  i.dealloc
FROM extension_schema.pg_stat_statements_info AS i;

-- name: counted
-- What: since when pg_stat_statements counts, how many statements it has evicted, how many it does not show to this role, though their
--   roles have a privilege on artworks, and whether it counts statements through legacy_names together with those on the table.
-- Why: without pg_read_all_stats the statements of other roles are hidden. From Postgres 18 on, a statement is identified by the names of
--   its tables without their schemas.
-- Locks: none.
-- Given: statement_counter, counter_info.
SELECT
  i.stats_reset AS reset_at,
  i.dealloc AS evicted,
  (
    SELECT COUNT(*)
    FROM artwork_migration.statement_counter AS c
    INNER JOIN pg_catalog.pg_roles AS r ON c.userid = r.oid
    WHERE
      (c.queryid IS NULL OR c.query IS NULL)
      AND (
        HAS_ANY_COLUMN_PRIVILEGE(r.oid, 'public.artworks', 'SELECT, INSERT, UPDATE')
        OR HAS_TABLE_PRIVILEGE(r.oid, 'public.artworks', 'DELETE')
      )
  ) AS hidden,
  CURRENT_SETTING('server_version_num')::int >= 180000
  AND EXISTS (SELECT FROM artwork_migration.legacy_names_object) AS mixed
FROM artwork_migration.counter_info AS i;

-- name: statements
-- What: the statements of the application that name something that ends with the verb :ends_with, by role, with their calls, the
--   applications whose newest statement each is, and those of other sessions of the role.
-- Why: statements of functions are left out: the plans find functions by their text. Our own, and the queries of
--   our reports, have a comment (`database.OURS`). COPY of a table TO, and the cursor _pg_dump_cursor, are what pg_dump does: it reads the
--   columns that there are. COPY of a query on artworks_old TO makes a backup. Text in quotes and comments is cut, in case
--   pg_stat_statements has kept a statement as it was, with its values. Alternatives are greedy in Postgres, so `{1,1}?` is what ends a
--   comment at its own end, and not at that of the last one.
-- Locks: none.
-- Given: statement_counter.
SELECT
  t.userid AS role_oid,
  t.queryid AS query_id,
  PG_GET_USERBYID(t.userid) AS role_name,
  t.calls,
  LEFT(t.statement, 300) AS statement,
  t.names,
  t.statement ~* '\mpublic"?\s*\.\s*"?artworks\M' AS qualified,
  ARRAY(
    SELECT DISTINCT a.application_name
    FROM pg_catalog.pg_stat_activity AS a
    WHERE
      a.datname = CURRENT_DATABASE() AND a.usesysid = t.userid AND a.query_id = t.queryid
      AND a.application_name <> '' AND NOT STARTS_WITH(a.application_name, CURRENT_SETTING('application_name'))
    ORDER BY a.application_name
  ) AS applications,
  ARRAY(
    SELECT DISTINCT a.application_name
    FROM pg_catalog.pg_stat_activity AS a
    WHERE
      a.datname = CURRENT_DATABASE() AND a.usesysid = t.userid
      AND a.application_name <> '' AND NOT STARTS_WITH(a.application_name, CURRENT_SETTING('application_name'))
    ORDER BY a.application_name
    LIMIT 5
  ) AS sessions
FROM (
  SELECT
    s.userid,
    s.queryid,
    s.calls,
    s.statement,
    ARRAY(
      SELECT v.name FROM artwork_migration.vanishing_name AS v
      WHERE v.ends_with = CAST(:ends_with AS text) AND s.statement ~* v.pattern
      ORDER BY v.name
    ) AS names
  FROM (
    SELECT
      c.userid,
      c.queryid,
      c.calls,
      TRIM(
        REGEXP_REPLACE(
          REGEXP_REPLACE(
            REGEXP_REPLACE(
              REGEXP_REPLACE(
                REGEXP_REPLACE(c.query, '(/\*.*?\*/|--.*?(\n|$)){1,1}?', ' ', 'g'),
                '\$([A-Za-z_]\w*)?\$.*', '…'
              ),
              '''[^'']*(''|$)', '…', 'g'
            ),
            '\S+@\S+', '…', 'g'
          ),
          '\s+', ' ', 'g'
        )
      ) AS statement
    FROM artwork_migration.statement_counter AS c
    WHERE c.toplevel AND c.queryid IS NOT NULL AND c.query ~* 'artworks|legacy_names' AND c.query !~ '\martwork_migration\M'
  ) AS s
  WHERE
    s.statement ~* '^[\s(]*(SELECT|INSERT|UPDATE|DELETE|MERGE|WITH|COPY|DECLARE)\M'
    AND s.statement !~* '^COPY\s+[^\s(]+\s*(\([^)]*\))?\s+TO\M'
    AND s.statement !~* '^DECLARE\s+_pg_dump_cursor\M'
    AND (CAST(:ends_with AS text) = 'clean-up' OR (s.statement ~* '\martworks\M' AND s.statement !~* '\mlegacy_names\M'))
) AS t
WHERE CARDINALITY(t.names) > 0 AND NOT (t.names = '{artworks_old}' AND t.statement ~* '^COPY\s*\(.*\)\s*TO\M')
ORDER BY t.userid, t.queryid;

-- name: save_reading
-- What: saves a reading; returns its number. An eviction since the reading before is one more of its problems.
-- Why: the next reading is compared with it.
-- Locks: none on a table of the application.
INSERT INTO artwork_migration.use_reading (
  ends_with, readable, complete, problems, reset_at, evicted, committed, rolled_back, counted_since
)
SELECT
  CAST(:ends_with AS text),
  CAST(:readable AS boolean),
  CAST(:complete AS boolean),
  CAST(:problems AS text[]) || ARRAY(
    SELECT
      FORMAT(
        'pg_stat_statements has evicted %s times since the reading before; a rare statement may be missing',
        CAST(:evicted AS bigint) - b.evicted
      )
    FROM artwork_migration.use_reading AS b
    WHERE
      b.number = (SELECT MAX(r.number) FROM artwork_migration.use_reading AS r WHERE r.readable)
      AND b.reset_at = CAST(:reset_at AS timestamptz) AND b.evicted < CAST(:evicted AS bigint)
  ),
  CAST(:reset_at AS timestamptz),
  CAST(:evicted AS bigint),
  CAST(:committed AS bigint),
  CAST(:rolled_back AS bigint),
  CAST(:counted_since AS timestamptz)
RETURNING number;

-- name: save_statements
-- What: saves the statements of a reading.
-- Why: as `save_reading`.
-- Locks: none on a table of the application.
INSERT INTO artwork_migration.use_of_statement (
  reading, role_oid, query_id, role_name, calls, statement, names, qualified, applications, sessions
)
SELECT
  CAST(:reading AS bigint),
  s.role_oid,
  s.query_id,
  s.role_name,
  s.calls,
  s.statement,
  s.names,
  s.qualified,
  s.applications,
  s.sessions
FROM JSONB_TO_RECORDSET(CAST(:statements AS jsonb)) AS s (
  role_oid oid,
  query_id bigint,
  role_name text,
  calls bigint,
  statement text,
  names text[],
  qualified boolean,
  applications text[],
  sessions text[]
);

-- name: names
-- What: what ends with the verb :ends_with.
-- Why: the plan lists it.
-- Locks: none.
SELECT
  v.kind,
  v.name
FROM artwork_migration.vanishing_name AS v
WHERE v.ends_with = CAST(:ends_with AS text)
ORDER BY v.kind, v.name;

-- name: newest_reading
-- What: the newest reading about the verb :ends_with, with the limit that applies and who has waived it.
-- Why: the plan says when it was read, and what it could not show.
-- Locks: none.
SELECT
  TO_CHAR(r.read_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI UTC') AS read_at,
  COALESCE(r.problems, '{}') AS problems,
  EXTRACT(EPOCH FROM l.quiet)::float8 AS quiet_seconds,
  CASE WHEN l.waived THEN FORMAT('%s: %s', l.approved_by, l.reason) ELSE '' END AS waived
FROM artwork_migration.quiet_limit AS l
LEFT JOIN artwork_migration.use_reading AS r
  ON r.number = (SELECT MAX(n.number) FROM artwork_migration.use_reading AS n WHERE n.ends_with = l.ends_with)
WHERE l.ends_with = CAST(:ends_with AS text);

-- name: use
-- What: the statements that name what ends with the verb :ends_with, those that were called last first.
-- Why: the plan and the status name them.
-- Locks: none.
SELECT
  u.subject,
  u.problem,
  u.recent,
  u.ambiguous
FROM artwork_migration.old_name_use AS u
WHERE u.ends_with = CAST(:ends_with AS text)
ORDER BY u.recent DESC, u.used_at DESC, u.subject, u.problem
LIMIT 20;

-- name: rolled_back
-- What: how many transactions were rolled back, of how many: between the first reading and the last one before the switch, and since then.
-- Why: the server counts no errors by role or statement. A statement of old code that fails rolls its transaction back, which is counted.
--   After a crash the server counts from zero again: then it is not known, and nothing is returned.
-- Locks: none.
WITH at_switch AS (
  SELECT
    r.committed,
    r.rolled_back,
    r.counted_since
  FROM artwork_migration.use_reading AS r
  WHERE
    r.read_at <= (
      SELECT MAX(h.ended_at) FROM artwork_migration.phase_history AS h
      WHERE h.phase_before <> 'SWITCHED' AND h.phase_after = 'SWITCHED'
    )
  ORDER BY r.number DESC
  LIMIT 1
)

SELECT
  s.xact_rollback - a.rolled_back AS since,
  s.xact_commit + s.xact_rollback - a.committed - a.rolled_back AS of_since,
  a.rolled_back - f.rolled_back AS before,
  a.committed + a.rolled_back - f.committed - f.rolled_back AS of_before
FROM at_switch AS a
INNER JOIN pg_catalog.pg_stat_database AS s ON s.datname = CURRENT_DATABASE() AND a.counted_since IS NOT DISTINCT FROM s.stats_reset
INNER JOIN artwork_migration.use_reading AS f ON a.counted_since IS NOT DISTINCT FROM f.counted_since
WHERE
  f.number = (SELECT MIN(n.number) FROM artwork_migration.use_reading AS n)
  AND f.committed <= a.committed AND f.rolled_back <= a.rolled_back
  AND a.committed <= s.xact_commit AND a.rolled_back <= s.xact_rollback;
