-- What: a dependent that the switch recreates belongs to a role of which the connected one is no member.
-- Why: only an owner (or a member of the owning role) may recreate it, and under the lock is too late to find out.
-- Locks: none.
-- Remedy: Connect as the owner, or GRANT the owning role to this one.
-- Given: dependent
SELECT DISTINCT
  COALESCE(d.locked::regclass::text, d.object) AS object,
  FORMAT('it belongs to %s, and %s is no member of that role.', PG_GET_USERBYID(d.owner), CURRENT_USER) AS problem
FROM artwork_migration.dependent AS d
WHERE d.steps IS NOT NULL AND NOT PG_HAS_ROLE(d.owner, 'USAGE')
ORDER BY 1
