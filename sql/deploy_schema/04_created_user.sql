-- What: the users that migrate_data created and that nobody has claimed since (capture_changed_user takes claimed ones out).
-- Why: roll_back(to=NOT_STARTED) removes those that nothing references. That takes its time, so this table is taken away after the lock.
-- Locks: none on a table of the application.
-- Stage: prepare
CREATE TABLE artwork_migration.created_user (
  id uuid CONSTRAINT created_user_pkey PRIMARY KEY,
  created_at timestamptz NOT NULL DEFAULT CLOCK_TIMESTAMP()
);

-- Undo:
-- Stage: after
DROP TABLE IF EXISTS artwork_migration.created_user;
