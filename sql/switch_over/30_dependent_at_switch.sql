-- What: the list of what depends on artworks, or on artworks_v2, when the tables have their new names, and of the names that the rollback
--   gives back. See dependents_now.
-- Why: the rollback must know what was created or dropped since. The list is in names: numbers of the catalog do not tell what is new.
--   An older function may be replaced by one that is bound, and a database that was restored from a dump has other numbers.
-- Locks: none on a table of the application.
-- Stage: prepare
CREATE TABLE artwork_migration.dependent_at_switch (
  kind text NOT NULL,
  object text NOT NULL,
  name text,
  CONSTRAINT dependent_at_switch_pkey PRIMARY KEY (kind, object)
);

-- Undo:
-- Why: the rollback has read it, and another switch makes its own.
DROP TABLE artwork_migration.dependent_at_switch;
