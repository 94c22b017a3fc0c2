-- What: publications for all tables, or for those of the schema public.
-- Why: they publish the clean table from its first row on, and what a subscriber maps by name is another table after the switch.
-- Locks: none.
SELECT
  QUOTE_IDENT(p.pubname) AS object,
  'publishes artworks_v2 with every copied row from deploy-schema on; after the switch artworks is the clean table, and artworks_old is'
  || ' published until clean-up' AS action
FROM pg_catalog.pg_publication AS p
WHERE
  p.puballtables
  OR EXISTS (
    SELECT FROM pg_catalog.pg_publication_namespace AS n
    WHERE n.pnpubid = p.oid AND n.pnnspid = 'public'::regnamespace
  )
ORDER BY 1
