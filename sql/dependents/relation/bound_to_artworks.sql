-- What: each object outside that the catalog binds to the table which is called artworks, with the numbers of the columns that it reads.
-- Why: every kind begins here and says the rest. What is bound to the row type alone has no kind: see unknown_dependent.
-- Locks: none.
-- Given: bound_object
SELECT
  b.class,
  b.oid,
  ARRAY_AGG(b.column_number) AS columns
FROM artwork_migration.bound_object AS b
WHERE b.outside AND NOT b.is_row_type AND b.table_oid = TO_REGCLASS('public.artworks')
GROUP BY b.class, b.oid
