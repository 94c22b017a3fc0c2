-- What: temp_file_limit is lower than the temporary files that the migration may need.
-- Why: the comparison of all rows would fail with SQLSTATE 53400 on every attempt.
-- Locks: none.
-- Remedy: Raise temp_file_limit for this role (ALTER ROLE … SET temp_file_limit), or raise work_mem.
SELECT
  'setting temp_file_limit' AS subject,
  FORMAT(
    'one process may write %s of temporary files, and the comparison of all rows may need about %s.',
    CURRENT_SETTING('temp_file_limit'), PG_SIZE_PRETTY(CAST(:temporary AS bigint))
  ) AS problem,
  TRUE AS attention
FROM pg_catalog.pg_settings AS s
WHERE s.name = 'temp_file_limit' AND s.setting::bigint BETWEEN 0 AND CAST(:temporary AS bigint) / 1024
