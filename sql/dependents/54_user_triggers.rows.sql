-- What: the application's own triggers: each is made on the clean table by its definition and its state, and is silent on the retired
--   one.
-- Why: webhooks and audits go on with the table that serves. One that only sets updated_at stays behind: the life-cycle trigger does
--   that. Silent, because carrying back would call a webhook once a row, and a deleted user would call it twice.
-- Inverse: in the rows; the state on the legacy table is exactly what it was.
-- Locks: ACCESS EXCLUSIVE on both tables, taken before.
-- Stage: locked
-- Remedy: Rewrite it for the clean table's columns, or drop it before the switch and create it anew after it.
-- Given: column_gone
WITH triggers AS (
  SELECT
    g.oid,
    g.tgname,
    g.tgrelid,
    PG_GET_TRIGGERDEF(g.oid) AS definition,
    CASE g.tgenabled
      WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' WHEN 'A' THEN 'ENABLE ALWAYS' ELSE 'ENABLE'
    END AS state,
    f.prosrc AS source,
    f.proname = 'moddatetime'
    OR REGEXP_REPLACE(REGEXP_REPLACE(f.prosrc, '--[^\n]*', '', 'g'), '\s+', ' ', 'g')
    ~* '^ ?begin new\.updated_at :?= ?(now\(\)|current_timestamp|clock_timestamp\(\)|timezone\([^;]*\)); return new; end;? ?$'
      AS only_updated_at
  FROM pg_catalog.pg_trigger AS g
  INNER JOIN pg_catalog.pg_proc AS f ON g.tgfoid = f.oid
  WHERE g.tgrelid = 'public.artworks'::regclass AND NOT g.tgisinternal AND NOT STARTS_WITH(LOWER(g.tgname), 'artwork_migration_')
)

SELECT
  FORMAT('trigger %I', t.tgname) AS object,
  s."do",
  s.undo,
  CASE
    WHEN s.place = 2 THEN FORMAT('made on the clean table at the switch in its state (%s), silent on the retired one', t.state)
    WHEN t.only_updated_at THEN 'stays with the retired table, silent: the clean table''s life-cycle trigger sets updated_at'
  END AS action,
  'it names ' || (
    SELECT STRING_AGG(g.name, ', ' ORDER BY g.number)
    FROM artwork_migration.column_gone AS g
    WHERE
      s.place = 2
      AND (
        t.source ~* ('\m' || REGEXP_REPLACE(g.name, '(\W)', '\\\1', 'g') || '\M')
        OR EXISTS (
          SELECT FROM pg_catalog.pg_depend AS x
          WHERE x.classid = 'pg_trigger'::regclass AND x.objid = t.oid AND x.refobjid = t.tgrelid AND x.refobjsubid = g.number
        )
      )
  ) || ', which the clean table does not have.' AS problem
FROM triggers AS t
CROSS JOIN
  LATERAL (
    VALUES
    (
      1,
      FORMAT('ALTER TABLE public.artworks_old DISABLE TRIGGER %I', t.tgname),
      FORMAT('ALTER TABLE public.artworks_old %s TRIGGER %I', t.state, t.tgname)
    ),
    (
      2,
      FORMAT('%s; ALTER TABLE public.artworks %s TRIGGER %I', t.definition, t.state, t.tgname),
      FORMAT('DROP TRIGGER IF EXISTS %I ON public.artworks', t.tgname)
    )
  ) AS s (place, "do", undo)
WHERE s.place = 1 OR NOT t.only_updated_at
ORDER BY t.tgname, s.place
