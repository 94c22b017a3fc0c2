-- What: whether no backend of an earlier run is still at work behind the fence; the lock is given back at the end of the transaction.
-- Why: kill -9 ends a client and its lock, not the statement that its other connection is executing.
-- Locks: the advisory lock (1634890865, 2), for a moment.
SELECT PG_TRY_ADVISORY_XACT_LOCK(1634890865, 2)
