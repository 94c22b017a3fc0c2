-- What: the defaults, NOT NULLs and checks of legacy columns that the clean table has under any name.
-- Why: deploy_schema/26_legacy_rules gives them to the clean table where it can; anyone who relies on another one must know.
-- Locks: none.
SELECT
  r.object,
  r.action
FROM JSONB_TO_RECORDSET(CAST(:legacy_rules AS jsonb)) AS r (place int, object text, action text)
ORDER BY r.place, r.object
