-- What: refreshes the materialized views on artworks, concurrently where they have a unique index over all rows.
-- Why: what was written while the twin was built, or during the safety window, is in it then.
-- Inverse: in the rows: the same, after the way back.
-- Locks: EXCLUSIVE on the materialized view, which lets readers go on; without such an index ACCESS EXCLUSIVE, as any refresh of it.
-- Stage: after
SELECT DISTINCT
  FORMAT('materialized view %s refreshed', c.oid::regclass) AS object,
  s.statement AS "do",
  s.statement AS undo,
  'after' AS undo_stage,
  c.oid::regclass::text AS waits_on
FROM pg_catalog.pg_depend AS d
INNER JOIN pg_catalog.pg_rewrite AS w ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
INNER JOIN pg_catalog.pg_class AS c ON w.ev_class = c.oid
CROSS JOIN
  LATERAL (
    SELECT
      FORMAT(
        'REFRESH MATERIALIZED VIEW %s%s',
        CASE
          WHEN EXISTS (
            SELECT FROM pg_catalog.pg_index AS i WHERE i.indrelid = c.oid AND i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL
          ) AND c.relispopulated THEN 'CONCURRENTLY '
          ELSE ''
        END,
        c.oid::regclass
      ) AS statement
  ) AS s
WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = 'public.artworks'::regclass AND c.relkind = 'm'
ORDER BY 1
