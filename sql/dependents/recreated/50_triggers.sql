-- What: the application's own triggers: each is created on the clean table by its definition and its state, and is disabled on the retired
--   one.
-- Why: webhooks and audits follow the table that serves. One that only sets updated_at stays behind: the life-cycle trigger does that.
--   Disabled, because carry-back would call a webhook for each row, and a deleted user would call it twice.
-- Inverse: in the rows; the state on the legacy table is exactly what it was.
-- Locks: ACCESS EXCLUSIVE on both tables, taken before.
-- Remedy: Rewrite it for the clean table's columns, or drop it before the switch and create it anew after it.
-- Given: bound_to_artworks, column_gone
SELECT
  FORMAT('trigger %I', t.tgname) AS object,
  t.class,
  t.oid,
  CONCAT_WS(' ', t.state, t.definition) AS definition,
  (SELECT c.relowner FROM pg_catalog.pg_class AS c WHERE c.oid = t.tgrelid) AS owner,
  NULL::oid AS locked,
  CASE
    WHEN t.only_updated_at THEN 'stays with the retired table, disabled: the clean table''s life-cycle trigger sets updated_at'
    ELSE FORMAT('created on the clean table at the switch in its state (%s), disabled on the retired one', t.state)
  END AS action,
  (
    SELECT 'it names ' || STRING_AGG(g.problem, '; ' ORDER BY g.number) || '.'
    FROM artwork_migration.column_gone AS g
    WHERE
      NOT t.only_updated_at AND g.absent
      AND (t.source ~* ('\m' || REGEXP_REPLACE(g.name, '(\W)', '\\\1', 'g') || '\M') OR g.number = ANY(t.columns))
  ) AS problem,
  JSONB_BUILD_ARRAY(
    JSONB_BUILD_OBJECT(
      'stage', 'locked',
      'do', FORMAT('ALTER TABLE public.artworks_old DISABLE TRIGGER %I', t.tgname),
      'undo', FORMAT('ALTER TABLE public.artworks_old %s TRIGGER %I', t.state, t.tgname),
      'undo_stage', 'locked'
    )
  )
  || CASE
    WHEN t.only_updated_at THEN '[]'::jsonb
    ELSE JSONB_BUILD_OBJECT(
      'stage', 'locked',
      'do', FORMAT('%s; ALTER TABLE public.artworks %s TRIGGER %I', t.definition, t.state, t.tgname),
      'undo', FORMAT('DROP TRIGGER IF EXISTS %I ON public.artworks', t.tgname),
      'undo_stage', 'locked'
    )
  END AS steps
FROM (
  SELECT
    b.class,
    b.oid,
    b.columns,
    g.tgname,
    g.tgrelid,
    PG_GET_TRIGGERDEF(g.oid) AS definition,
    CASE g.tgenabled
      WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' WHEN 'A' THEN 'ENABLE ALWAYS' ELSE 'ENABLE'
    END AS state,
    -- what the trigger names: in its function, and in the arguments that it passes to it
    CONCAT_WS(' ', f.prosrc, REPLACE(ENCODE(g.tgargs, 'escape'), '\000', ' ')) AS source,
    f.proname = 'moddatetime'
    OR REGEXP_REPLACE(REGEXP_REPLACE(f.prosrc, '--[^\n]*', '', 'g'), '\s+', ' ', 'g')
    ~* '^ ?begin new\.updated_at :?= ?(now\(\)|current_timestamp|clock_timestamp\(\)|timezone\([^;]*\)); return new; end;? ?$'
      AS only_updated_at
  FROM artwork_migration.bound_to_artworks AS b
  INNER JOIN pg_catalog.pg_trigger AS g ON b.class = 'pg_trigger'::regclass AND b.oid = g.oid
  INNER JOIN pg_catalog.pg_proc AS f ON g.tgfoid = f.oid
  WHERE g.tgrelid = TO_REGCLASS('public.artworks')
) AS t
ORDER BY t.tgname
