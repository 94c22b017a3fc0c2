-- What: traces of other migration tools: the schema in which each keeps its state.
-- Why: such a tool may change the table while we do, or take our tables and triggers for its own to tidy up. One that is at work on the
--   table is a blocker (other_migration).
-- Locks: none.
-- Remedy: Agree with whoever runs it that artworks and users are left alone until the clean-up.
SELECT
  'schema ' || t.name AS subject,
  FORMAT('%s keeps its state there.', t.tool) AS problem,
  TRUE AS attention
FROM (VALUES ('pgroll', 'pgroll'), ('reshape', 'Reshape'), ('repack', 'pg_repack'), ('psycopack', 'Psycopack')) AS t (name, tool)
WHERE TO_REGNAMESPACE(t.name) IS NOT NULL
ORDER BY t.name
