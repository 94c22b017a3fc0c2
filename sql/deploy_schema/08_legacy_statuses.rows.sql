-- What: the two functions that convert a clean status to the nearest status that the legacy table accepts.
-- Why: the accepted statuses differ between deployments; they were found by evaluating the legacy table's own checks. A status without a
--   near one is not converted: the legacy table rejects it, and the rejection is recorded.
-- Inverse: in the rows.
-- Locks: none on a table of the application.
-- Stage: prepare
SELECT
  FORMAT('artwork_migration.legacy_%s(text)', s.column_name) AS object,
  FORMAT(
    $do$CREATE FUNCTION artwork_migration.legacy_%s(status text) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN CASE %sELSE status END$do$,
    s.column_name,
    STRING_AGG(FORMAT('WHEN status = %L THEN %L ', s.clean, s.nearest), '' ORDER BY s.clean)
  ) AS "do",
  FORMAT('DROP FUNCTION artwork_migration.legacy_%s(text)', s.column_name) AS undo
FROM (
  SELECT
    n.column_name,
    n.clean,
    COALESCE(
      (
        SELECT c.candidate
        FROM UNNEST(n.candidates) WITH ORDINALITY AS c (candidate, preference)
        WHERE CAST(:accepted AS jsonb) -> n.column_name ? c.candidate
        ORDER BY c.preference
        LIMIT 1
      ),
      n.clean
    ) AS nearest
  FROM (
    VALUES
    ('generation_status', 'pending', ARRAY['pending', 'processing']),
    ('generation_status', 'processing', ARRAY['processing', 'pending']),
    ('upscale_status', 'not_started', ARRAY['not_required', 'pending']),
    ('upscale_status', 'processing', ARRAY['processing', 'pending'])
  ) AS n (column_name, clean, candidates)
) AS s
GROUP BY s.column_name
ORDER BY s.column_name
