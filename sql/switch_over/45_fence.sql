-- What: enters the fence alone, until the end of the transaction.
-- Why: no chunk and no catch-up may run while the tables change names, not even one whose client was killed. If the fence is taken, the
--   attempt counts as one that could not acquire its locks. It comes after the last batch that is applied before the locks.
-- Inverse: none; it ends with the transaction.
-- Locks: the advisory lock (1634890865, 2).
-- Stage: fenced
DO $$
BEGIN
  IF NOT PG_TRY_ADVISORY_XACT_LOCK(1634890865, 2) THEN
    RAISE EXCEPTION USING ERRCODE = '55P03', MESSAGE = 'a backend of an earlier run is still at work behind the fence';
  END IF;
END
$$
