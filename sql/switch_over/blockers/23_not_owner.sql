-- What: something that must be said again belongs to a role that the connected one is no member of.
-- Why: only an owner (or a member of the owning role) may do it, and under the lock is too late to find out.
-- Locks: none.
-- Remedy: Connect as the owner, or GRANT the owning role to this one.
SELECT
  o.subject,
  FORMAT('it belongs to %s, and %s is no member of that role.', PG_GET_USERBYID(o.owner), CURRENT_USER) AS problem
FROM (
  SELECT
    COALESCE(p.polrelid, v.oid)::regclass::text AS subject,
    v.relowner AS owner
  FROM pg_catalog.pg_depend AS d
  LEFT JOIN pg_catalog.pg_rewrite AS w ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
  LEFT JOIN pg_catalog.pg_policy AS p ON d.classid = 'pg_policy'::regclass AND d.objid = p.oid
  INNER JOIN pg_catalog.pg_class AS v ON COALESCE(w.ev_class, p.polrelid) = v.oid
  WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = 'public.artworks'::regclass
  UNION
  SELECT
    k.conrelid::regclass::text,
    c.relowner
  FROM pg_catalog.pg_constraint AS k
  INNER JOIN pg_catalog.pg_class AS c ON k.conrelid = c.oid
  WHERE k.contype = 'f' AND k.confrelid = 'public.artworks'::regclass
  UNION
  SELECT
    'publication ' || QUOTE_IDENT(b.pubname),
    b.pubowner
  FROM pg_catalog.pg_publication_rel AS r
  INNER JOIN pg_catalog.pg_publication AS b ON r.prpubid = b.oid
  WHERE r.prrelid = 'public.artworks'::regclass
) AS o
WHERE NOT PG_HAS_ROLE(o.owner, 'USAGE')
ORDER BY o.subject
