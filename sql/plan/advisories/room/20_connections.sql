-- What: few connections are left on the server, in the database or for the role.
-- Why: a run uses nine (its lock, its work, the gates, its progress, chunks). The application needs the others.
-- Locks: none.
-- Remedy: Raise the limit, or run the migration when fewer connections are in use.
SELECT
  c.subject,
  FORMAT(
    '%s of %s connections are in use, and a run uses nine, or three more than ARTWORK_COPY_CONNECTIONS, if that is more.',
    c.used, c.allowed
  ) AS problem,
  TRUE AS attention
FROM (
  SELECT
    'setting max_connections' AS subject,
    (SELECT COUNT(*) FROM pg_catalog.pg_stat_activity AS a WHERE a.datid IS NOT NULL) AS used,
    CURRENT_SETTING('max_connections')::int - CURRENT_SETTING('superuser_reserved_connections')::int AS allowed
  UNION ALL
  SELECT
    'database ' || d.datname AS subject,
    (SELECT COUNT(*) FROM pg_catalog.pg_stat_activity AS a WHERE a.datid = d.oid) AS used,
    d.datconnlimit AS allowed
  FROM pg_catalog.pg_database AS d
  WHERE d.datname = CURRENT_DATABASE() AND d.datconnlimit >= 0
  UNION ALL
  SELECT
    'role ' || r.rolname AS subject,
    (SELECT COUNT(*) FROM pg_catalog.pg_stat_activity AS a WHERE a.usesysid = r.oid) AS used,
    r.rolconnlimit AS allowed
  FROM pg_catalog.pg_roles AS r
  WHERE r.rolname = CURRENT_USER AND r.rolconnlimit >= 0
) AS c
WHERE c.allowed - c.used < 9
