-- What: executes the statements that stand in artwork_migration.statements (JSON, set for this transaction), in their order.
-- Why: one statement on the server: a laptop's round trips do not lengthen the time under lock, and statement_timeout bounds the whole.
--   lock_timeout alone counts for each lock, so each one gets only what is left of the budget.
-- Inverse: the statements' own.
-- Locks: theirs.
DO $$
DECLARE
  statement record;
  deadline timestamptz := CLOCK_TIMESTAMP() + CURRENT_SETTING('artwork_migration.lock_budget')::interval;
BEGIN
  FOR statement IN
    SELECT s.value ->> 'do' AS do
    FROM JSONB_ARRAY_ELEMENTS(CURRENT_SETTING('artwork_migration.statements')::jsonb) WITH ORDINALITY AS s (value, place)
    ORDER BY s.place
  LOOP
    PERFORM SET_CONFIG(
      'lock_timeout', GREATEST(1, CEIL(EXTRACT(EPOCH FROM deadline - CLOCK_TIMESTAMP()) * 1000))::int || 'ms', TRUE
    );
    EXECUTE statement.do;
  END LOOP;
END
$$
