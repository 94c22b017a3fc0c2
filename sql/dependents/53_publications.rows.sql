-- What: each publication that names artworks publishes the clean table from now on instead of the retired one; the clean table gets the
--   legacy table's replica identity.
-- Why: what browsers and subscribers follow is the table that serves. Columns and row filter go along.
-- Inverse: in the rows; a publication's once the names are the old ones.
-- Locks: SHARE UPDATE EXCLUSIVE on both tables, taken before.
-- Stage: locked
-- Remedy: Rewrite it on columns that both tables have, or take artworks out of it and add it anew after the switch. If it names both
--   tables, take artworks_v2 out of it; after the switch it publishes that table as artworks.
-- Given: column_gone
SELECT
  s.object,
  s."do",
  s.undo,
  s.undo_stage,
  s.action,
  CASE
    WHEN s.gone IS NOT NULL THEN FORMAT('it names %s, which the clean table does not have.', s.gone)
    WHEN s.names_both THEN 'it names artworks_v2 as well, which goes by the name artworks after the switch.'
    WHEN s.identity = 'i' THEN 'its rows are told apart by an index that the clean table does not have.'
  END AS problem
FROM (
  SELECT
    FORMAT(t.object, p.pubname) AS object,
    FORMAT(t.command, p.pubname, t.table_name, m.details) AS "do",
    FORMAT(t.inverse, p.pubname, t.named, m.details) AS undo,
    'named' AS undo_stage,
    t.action,
    '' AS identity,
    (
      SELECT STRING_AGG(DISTINCT g.name, ', ')
      FROM pg_catalog.pg_depend AS x INNER JOIN artwork_migration.column_gone AS g ON x.refobjsubid = g.number
      WHERE x.classid = 'pg_publication_rel'::regclass AND x.objid = r.oid AND x.refobjid = r.prrelid
    ) AS gone,
    TO_REGCLASS('public.artworks_v2')::oid IN (
      SELECT x.prrelid FROM pg_catalog.pg_publication_rel AS x
      WHERE x.prpubid = p.oid
    ) AS names_both
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
      (
        'retired table in publication %I',
        'ALTER PUBLICATION %I DROP TABLE %s', 'public.artworks_old', 'ALTER PUBLICATION %I ADD TABLE %s%s', 'public.artworks',
        NULL
      ),
      (
        'publication %I',
        'ALTER PUBLICATION %I ADD TABLE %s%s', 'public.artworks', 'ALTER PUBLICATION %I DROP TABLE %s', 'public.artworks_v2',
        'publishes the clean table instead from the switch on, with its columns and row filter'
      )
    ) AS t (object, command, table_name, inverse, named, action)
  WHERE r.prrelid = 'public.artworks'::regclass
  UNION ALL
  SELECT
    'replica identity of public.artworks',
    'ALTER TABLE public.artworks REPLICA IDENTITY ' || CASE c.relreplident WHEN 'f' THEN 'FULL' ELSE 'NOTHING' END,
    'ALTER TABLE public.artworks REPLICA IDENTITY DEFAULT',
    'locked',
    'the clean table gets it at the switch',
    c.relreplident,
    NULL,
    FALSE
  FROM pg_catalog.pg_class AS c
  WHERE c.oid = 'public.artworks'::regclass AND c.relreplident <> 'd'
) AS s
ORDER BY s."do" DESC
