-- What: traces of other migration tools: the schema in which each keeps its state.
-- Why: such a tool may change the table during the migration, or may drop our tables and triggers as its own. A tool that is at work on the
--   table is a blocker (other_migration).
-- Locks: none.
-- Remedy: Agree with its operators that artworks and users stay unchanged until the clean-up.
SELECT
  'schema ' || t.name AS subject,
  FORMAT('%s keeps its state there.', t.tool) AS problem,
  TRUE AS attention
FROM (VALUES ('pgroll', 'pgroll'), ('reshape', 'Reshape'), ('repack', 'pg_repack'), ('psycopack', 'Psycopack')) AS t (name, tool)
WHERE TO_REGNAMESPACE(t.name) IS NOT NULL
ORDER BY t.name
