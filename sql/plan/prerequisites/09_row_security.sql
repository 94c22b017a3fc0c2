-- What: row level security applies to the connected role itself.
-- Why: it would migrate only the rows that it may see, and call that all of them.
-- Locks: none.
-- Remedy: Connect as the table's owner without FORCE ROW LEVEL SECURITY, or as a role with BYPASSRLS.
SELECT
  'table public.artworks' AS subject,
  FORMAT('row level security hides rows from role %s.', CURRENT_USER) AS problem
WHERE TO_REGCLASS('public.artworks') IS NOT NULL AND ROW_SECURITY_ACTIVE(TO_REGCLASS('public.artworks')::oid)
