-- What: writes down a verification; judged again in the same run, it says what holds now.
-- Why: clean_up asks for a green one, and the report tells the window by them.
-- Locks: none on a table of the application.
INSERT INTO artwork_migration.verification (run, day, red)
VALUES (:run, :day, CAST(:red AS text[]))
ON CONFLICT (run) DO UPDATE SET day = excluded.day, red = excluded.red, verified_at = CLOCK_TIMESTAMP()
