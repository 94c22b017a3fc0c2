-- What: creates the life-cycle trigger of the serving table again without its condition, in its current state (enabled or disabled).
-- Why: the condition exempted the migration's own writes. There are none any more, and no object of the application should mention the
--   migration.
-- Inverse: none.
-- Locks: SHARE ROW EXCLUSIVE on public.artworks, taken before.
-- Stage: locked
SELECT
  FORMAT('trigger %I on %s', g.tgname, g.tgrelid::regclass) AS object,
  FORMAT(
    $do$CREATE OR REPLACE TRIGGER %1$I BEFORE INSERT OR UPDATE ON %2$s FOR EACH ROW EXECUTE FUNCTION public.artwork_lifecycle();
ALTER TABLE %2$s %3$s TRIGGER %1$I$do$,
    g.tgname,
    g.tgrelid::regclass,
    CASE g.tgenabled
      WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' WHEN 'A' THEN 'ENABLE ALWAYS' ELSE 'ENABLE'
    END
  ) AS "do",
  NULL AS undo
FROM pg_catalog.pg_trigger AS g
WHERE
  g.tgrelid = 'public.artworks'::regclass AND g.tgfoid = TO_REGPROCEDURE('public.artwork_lifecycle()')
  -- that of the writes through legacy_names was dropped before
  AND NOT STARTS_WITH(g.tgname, 'artwork_migration_')
ORDER BY 1
