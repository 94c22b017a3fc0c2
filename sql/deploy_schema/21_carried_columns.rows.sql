-- What: the legacy columns named by the decision carry_columns, added to the clean table unchanged; and the length, precision, domain or
--   collation that the other clean columns take over from their legacy columns (the block clean_types in plan.sql).
-- Why: the strategy's mapping omits the first, and an operator may want them anyway. The rules of a legacy column hold for its clean one,
--   and views that read it can be recreated; their other rules follow in 26_legacy_rules.
-- Inverse: 20_clean_table.sql drops the table as a whole.
-- Locks: none; the table is new.
-- Stage: prepare
SELECT
  FORMAT('public.artworks_v2.%I', m.clean_column) AS object,
  FORMAT(
    'ALTER TABLE public.artworks_v2 %s %s',
    FORMAT(CASE WHEN m.carried THEN 'ADD COLUMN %I' ELSE 'ALTER COLUMN %I TYPE' END, m.clean_column),
    m.clean_type
  ) AS "do",
  NULL AS undo
FROM
  JSONB_TO_RECORDSET(CAST(:mapping AS jsonb)) AS m (position int, clean_column text, data_type text, clean_type text, carried boolean)
WHERE m.carried OR m.clean_type <> FORMAT_TYPE(m.data_type::regtype, NULL)
ORDER BY m.position
