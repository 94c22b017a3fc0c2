-- What: the acceptance test (:acceptance_test) on the table that has just got the name artworks: before the commit, and rolled back.
-- Why: the application's triggers are on the clean table now. A name in an argument, or in a function that they call, fails only when they
--   fire; after the commit each write of the application would fail. A time limit, a lock or a conflict is for the next attempt; everything
--   else stops the switch. The message has objects and no value: the server's text only where that has names (classes 42, 0A, 55).
-- Inverse: none; it changes nothing.
-- Locks: what one INSERT into users and artworks locks, and one row of each table that references artworks.
-- Stage: locked
SELECT
  'acceptance test' AS object,
  FORMAT(
    $do$DO $accept$
DECLARE
  message text;
  context text;
  on_table text;
  on_column text;
  on_constraint text;
BEGIN
  -- the triggers fire as they do for the application
  PERFORM SET_CONFIG('artwork_migration.apply', 'off', TRUE);
  SET LOCAL search_path TO DEFAULT;
  EXECUTE %L;
  RAISE EXCEPTION USING ERRCODE = 'AM004', MESSAGE = 'dry run';
EXCEPTION
  WHEN SQLSTATE 'AM004' THEN
    NULL;
  WHEN lock_not_available OR query_canceled OR deadlock_detected OR serialization_failure THEN
    RAISE;
  WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS
      message = MESSAGE_TEXT, context = PG_EXCEPTION_CONTEXT, on_table = TABLE_NAME, on_column = COLUMN_NAME,
      on_constraint = CONSTRAINT_NAME;
    RAISE EXCEPTION USING ERRCODE = 'AM005', MESSAGE = CONCAT_WS(
      ', ',
      'SQLSTATE ' || SQLSTATE,
      NULLIF(CONCAT_WS('.', NULLIF(on_table, ''), NULLIF(on_column, ''), NULLIF(on_constraint, '')), ''),
      'in function ' || SUBSTRING(context FROM 'PL/pgSQL function (\S+\([^)\n]*\)) line'),
      CASE WHEN SQLSTATE ~ '^AM' OR (SQLSTATE ~ '^(42|0A|55)' AND context !~ '^[^\n]* at RAISE') THEN message END
    );
END
$accept$$do$,
    CAST(:acceptance_test AS text)
  ) AS "do",
  NULL AS undo
