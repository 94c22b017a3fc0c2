-- What: enters the fence alone, until the end of the transaction.
-- Why: no chunk and no catch-up, not even one whose client was killed, may be at work while the names change hands. Not had, the attempt
--   counts as a lock that was not had.
-- Inverse: none; it ends with the transaction.
-- Locks: the advisory lock (1634890865, 2).
-- Stage: prepare
DO $$
BEGIN
  IF NOT PG_TRY_ADVISORY_XACT_LOCK(1634890865, 2) THEN
    RAISE EXCEPTION USING ERRCODE = '55P03', MESSAGE = 'a backend of an earlier run is still at work behind the fence';
  END IF;
END
$$
