-- What: row level security applies to the connected role.
-- Why: the migration would see only some rows and report them as all rows.
-- Locks: none.
-- Remedy: Connect as the table's owner without FORCE ROW LEVEL SECURITY, or as a role with BYPASSRLS.
SELECT
  'table public.artworks' AS subject,
  FORMAT('row level security hides rows from role %s.', CURRENT_USER) AS problem
WHERE TO_REGCLASS('public.artworks') IS NOT NULL AND ROW_SECURITY_ACTIVE(TO_REGCLASS('public.artworks')::oid)
