-- What: the replica identity of artworks: the clean table gets the same.
-- Why: subscribers tell rows apart by it, and what they follow is the table that serves.
-- Inverse: in the rows.
-- Locks: SHARE UPDATE EXCLUSIVE on the table, taken before.
-- Remedy: ALTER TABLE public.artworks REPLICA IDENTITY DEFAULT, or FULL.
SELECT
  'replica identity of public.artworks' AS object,
  'pg_class'::regclass::oid AS class,
  c.oid,
  c.relreplident::text AS definition,
  c.relowner AS owner,
  NULL::oid AS locked,
  'the clean table gets it at the switch' AS action,
  CASE c.relreplident WHEN 'i' THEN 'its rows are identified by an index that the clean table does not have.' END AS problem,
  JSONB_BUILD_ARRAY(
    JSONB_BUILD_OBJECT(
      'stage', 'locked',
      'do', 'ALTER TABLE public.artworks REPLICA IDENTITY ' || CASE c.relreplident WHEN 'f' THEN 'FULL' ELSE 'NOTHING' END,
      'undo', 'ALTER TABLE public.artworks REPLICA IDENTITY DEFAULT',
      'undo_stage', 'locked'
    )
  ) AS steps
FROM pg_catalog.pg_class AS c
WHERE c.oid = TO_REGCLASS('public.artworks') AND c.relreplident <> 'd'
