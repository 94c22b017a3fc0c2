-- What: each publication that names artworks publishes the clean table from now on instead of the retired one; the clean table gets the
--   legacy table's replica identity.
-- Why: what browsers and subscribers follow is the table that serves. Columns and row filter go along.
-- Inverse: in the rows.
-- Locks: SHARE UPDATE EXCLUSIVE on both tables, taken before.
-- Stage: locked
-- Remedy: Rewrite it on columns that both tables have, or take artworks out of it and add it anew after the switch.
SELECT
  s.object,
  s."do",
  s.undo,
  CASE
    WHEN s.gone IS NOT NULL THEN FORMAT('it names %s, which the clean table does not have.', s.gone)
    WHEN s.identity = 'i' THEN 'its rows are told apart by an index that the clean table does not have.'
  END AS problem
FROM (
  SELECT
    'publication ' || QUOTE_IDENT(p.pubname) AS object,
    FORMAT(t.command, p.pubname, t.table_name, t.details) AS "do",
    FORMAT(t.inverse, p.pubname, t.table_name, t.details) AS undo,
    '' AS identity,
    (
      SELECT STRING_AGG(DISTINCT g.name, ', ')
      FROM pg_catalog.pg_depend AS x INNER JOIN artwork_migration.column_gone AS g ON x.refobjsubid = g.number
      WHERE x.classid = 'pg_publication_rel'::regclass AND x.objid = r.oid AND x.refobjid = r.prrelid
    ) AS gone
  FROM pg_catalog.pg_publication_rel AS r
  INNER JOIN pg_catalog.pg_publication AS p ON r.prpubid = p.oid
  CROSS JOIN
    LATERAL (
      SELECT
        CONCAT(
          ' (' || (
            SELECT STRING_AGG(QUOTE_IDENT(a.attname), ', ' ORDER BY k.place)
            FROM UNNEST(r.prattrs::int2[]) WITH ORDINALITY AS k (number, place)
            INNER JOIN pg_catalog.pg_attribute AS a ON r.prrelid = a.attrelid AND k.number = a.attnum
          ) || ')',
          ' WHERE (' || PG_GET_EXPR(r.prqual, r.prrelid) || ')'
        ) AS details
    ) AS m
  CROSS JOIN
    LATERAL (
      VALUES
      ('ALTER PUBLICATION %I DROP TABLE %s', 'ALTER PUBLICATION %I ADD TABLE %s%s', 'public.artworks_old', m.details),
      ('ALTER PUBLICATION %I ADD TABLE %s%s', 'ALTER PUBLICATION %I DROP TABLE %s', 'public.artworks', m.details)
    ) AS t (command, inverse, table_name, details)
  WHERE r.prrelid = 'public.artworks'::regclass
  UNION ALL
  SELECT
    'replica identity of public.artworks',
    'ALTER TABLE public.artworks REPLICA IDENTITY ' || CASE c.relreplident WHEN 'f' THEN 'FULL' ELSE 'NOTHING' END,
    'ALTER TABLE public.artworks REPLICA IDENTITY DEFAULT',
    c.relreplident,
    NULL
  FROM pg_catalog.pg_class AS c
  WHERE c.oid = 'public.artworks'::regclass AND c.relreplident <> 'd'
) AS s
ORDER BY s.object, s."do" DESC
