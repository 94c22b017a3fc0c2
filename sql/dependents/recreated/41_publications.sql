-- What: each publication that names artworks: it publishes the clean table instead of the retired one.
-- Why: what browsers and subscribers follow is the table that serves. Columns and row filter are carried over.
-- Inverse: in the rows, once the tables have their old names.
-- Locks: SHARE UPDATE EXCLUSIVE on both tables, taken before.
-- Remedy: Rewrite it on columns that both tables have, or take artworks out of it and add it anew after the switch. If it names both
--   tables, take artworks_v2 out of it; after the switch it publishes that table as artworks.
-- Given: bound_to_artworks, column_gone
SELECT
  FORMAT('publication %I', p.pubname) AS object,
  b.class,
  b.oid,
  d.definition,
  p.pubowner AS owner,
  NULL::oid AS locked,
  'publishes the clean table instead from the switch on, with its columns and row filter' AS action,
  CASE
    WHEN EXISTS (SELECT FROM artwork_migration.column_gone AS g WHERE g.absent AND g.number = ANY(b.columns))
      THEN (
        SELECT FORMAT('it names %s.', STRING_AGG(g.problem, '; ' ORDER BY g.name))
        FROM artwork_migration.column_gone AS g
        WHERE g.absent AND g.number = ANY(b.columns)
      )
    WHEN
      EXISTS (
        SELECT FROM pg_catalog.pg_publication_rel AS x
        WHERE x.prpubid = p.oid AND x.prrelid = TO_REGCLASS('public.artworks_v2')
      )
      THEN 'it names artworks_v2 as well, which is called artworks after the switch.'
  END AS problem,
  JSONB_BUILD_ARRAY(
    JSONB_BUILD_OBJECT(
      'object', FORMAT('retired table in publication %I', p.pubname),
      'stage', 'locked',
      'do', FORMAT('ALTER PUBLICATION %I DROP TABLE public.artworks_old', p.pubname),
      'undo', FORMAT('ALTER PUBLICATION %I ADD TABLE public.artworks%s', p.pubname, d.definition),
      'undo_stage', 'named'
    ),
    JSONB_BUILD_OBJECT(
      'stage', 'locked',
      'do', FORMAT('ALTER PUBLICATION %I ADD TABLE public.artworks%s', p.pubname, d.definition),
      'undo', FORMAT('ALTER PUBLICATION %I DROP TABLE public.artworks_v2', p.pubname),
      'undo_stage', 'named'
    )
  ) AS steps
FROM artwork_migration.bound_to_artworks AS b
INNER JOIN pg_catalog.pg_publication_rel AS r ON b.class = 'pg_publication_rel'::regclass AND b.oid = r.oid
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
      ) AS definition
  ) AS d
ORDER BY p.pubname
