-- What: the connected role may not create a key to the table that owns artworks.
-- Why: the clean table gets a key to the table that the legacy key references. Where users are not created that is all that the migration
--   needs there: it reads no row of it, writes none, and creates no trigger.
-- Locks: none.
-- Remedy: Run the GRANT as the owner of the table.
SELECT
  o.subject,
  FORMAT('role %s has no %s privilege on it, so it cannot create the key of the clean table.', CURRENT_USER, o.privilege) AS problem,
  FORMAT('GRANT %s TO %I', o.grantable, CURRENT_USER) AS statement
FROM pg_catalog.pg_class AS c
INNER JOIN pg_catalog.pg_namespace AS n ON c.relnamespace = n.oid
INNER JOIN pg_catalog.pg_attribute AS a ON c.oid = a.attrelid AND a.attname = CAST(:owner_column AS text) AND NOT a.attisdropped
CROSS JOIN
  LATERAL (
    VALUES
    (
      FORMAT('schema %I', n.nspname),
      'USAGE',
      HAS_SCHEMA_PRIVILEGE(n.oid, 'USAGE'),
      FORMAT('USAGE ON SCHEMA %I', n.nspname)
    ),
    (
      'table ' || CAST(:owner_relation AS text),
      'REFERENCES',
      HAS_COLUMN_PRIVILEGE(c.oid, a.attnum, 'REFERENCES'),
      FORMAT('REFERENCES (%I) ON TABLE %s', a.attname, CAST(:owner_relation AS text))
    )
  ) AS o (subject, privilege, allowed, grantable)
WHERE NOT CAST(:creates_users AS boolean) AND FORMAT('%I.%I', n.nspname, c.relname) = CAST(:owner_relation AS text) AND NOT o.allowed
ORDER BY o.subject
