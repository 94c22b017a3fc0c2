-- What: the defaults, NOT NULLs and checks of the legacy table that the clean table keeps, from the block legacy_rules in plan.sql.
-- Why: law 2: a rule that the legacy column had holds for the clean one, or its absence is reported. The table is empty, and every row that
--   comes keeps the rule already.
-- Inverse: none; the table is dropped as a whole.
-- Locks: none on a table of the application.
-- Stage: prepare
SELECT
  r.object || ' on public.artworks_v2' AS object,
  r.statement AS "do",
  NULL AS undo
FROM JSONB_TO_RECORDSET(CAST(:legacy_rules AS jsonb)) AS r (place int, object text, statement text)
WHERE r.statement IS NOT NULL
ORDER BY r.place, r.object
