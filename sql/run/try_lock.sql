-- What: tries to take the lock that lets one run write at a time; it lasts as long as its session.
-- Why: try and ask again, never wait: a session waiting in the lock manager would be shot by CREATE INDEX CONCURRENTLY.
-- Locks: the advisory lock (1634890865, 1).
SELECT PG_TRY_ADVISORY_LOCK(1634890865, 1)
