-- What: the users that migrate_data created and that have not been claimed since (capture_changed_user removes claimed ones).
-- Why: roll-back --to NOT_STARTED deletes those that no row references. That takes time, so this table is dropped after the lock.
-- Locks: none on a table of the application.
-- Stage: prepare
CREATE TABLE artwork_migration.created_user (
  id uuid CONSTRAINT created_user_pkey PRIMARY KEY,
  created_at timestamptz NOT NULL DEFAULT CLOCK_TIMESTAMP()
);

-- Undo:
-- Stage: after
DROP TABLE IF EXISTS artwork_migration.created_user;
