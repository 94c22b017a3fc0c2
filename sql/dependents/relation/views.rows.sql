-- What: the relation of dependents in our schema: what the catalog binds, what of it depends on artworks, and the union of the kinds in
--   `recreated`.
-- Why: the transaction of the plan, the rollback and a DBA read it by its name. The plan itself is made of the same queries, before these
--   views exist. A function keeps its plan: every kind reads that one, and under the lock most of the time is planning.
-- Inverse: in the row.
-- Locks: none on a table of the application.
-- Stage: prepare
SELECT
  'relation of dependents' AS object,
  FORMAT(
    E'CREATE VIEW artwork_migration.bound_object AS\n%s;\n\n'
    'CREATE FUNCTION artwork_migration.find_bound_to_artworks() RETURNS TABLE (class oid, oid oid, columns int[])\n'
    'LANGUAGE plpgsql STABLE COST 100000 ROWS 20 SET search_path = pg_catalog, pg_temp\n'
    'AS $$\n#variable_conflict use_column\nBEGIN\n  RETURN QUERY\n%s;\nEND\n$$;\n\n'
    'CREATE VIEW artwork_migration.bound_to_artworks AS\nSELECT * FROM artwork_migration.find_bound_to_artworks();\n\n'
    'CREATE VIEW artwork_migration.dependent AS\n%s',
    CAST(:bound_object AS text), CAST(:bound_to_artworks AS text), CAST(:dependent AS text)
  ) AS "do",
  'DROP VIEW artwork_migration.dependent, artwork_migration.bound_to_artworks;'
  ' DROP FUNCTION artwork_migration.find_bound_to_artworks(); DROP VIEW artwork_migration.bound_object' AS undo
