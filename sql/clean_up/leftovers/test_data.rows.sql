-- What: the unreferenced test data of the serving table: a query that counts it and names some ids, and the statement that deletes it. The
--   rule is that of the legacy table (an image url that begins with test-), on the clean table's columns.
-- Why: rows created on the clean side are always migrated, whatever their urls. The rows are locked first; only then, in a new statement,
--   each foreign key to artworks is read, whatever its ON DELETE does. It runs outside a transaction block, some hundreds in one
--   transaction. Where somebody has one of them locked, they are taken one by one, so it never waits with rows locked.
-- Inverse: none; deleted rows are lost.
-- Locks: ROW EXCLUSIVE on public.artworks, and the rows of one batch.
-- Stage: after
SELECT
  'test data' AS object,
  FORMAT(
    'SELECT COUNT(*) AS row_count, (ARRAY_AGG(a.id ORDER BY a.id))[1:100] AS ids FROM public.artworks AS a WHERE %s%s', r.rule, r.free
  ) AS question,
  FORMAT(
    $do$DO $loop$
DECLARE
  batch uuid[] := ARRAY['00000000-0000-0000-0000-000000000000'];
BEGIN
  LOOP
    batch := ARRAY(
      SELECT a.id FROM public.artworks AS a WHERE %1$s AND a.id > batch[CARDINALITY(batch)] ORDER BY a.id LIMIT 250
    );
    EXIT WHEN CARDINALITY(batch) = 0;
    BEGIN
      PERFORM FROM public.artworks AS a WHERE a.id = ANY(batch) FOR UPDATE NOWAIT;
    EXCEPTION WHEN lock_not_available THEN
      batch := batch[1:1];
      PERFORM FROM public.artworks AS a WHERE a.id = ANY(batch) FOR UPDATE;
    END;
    DELETE FROM public.artworks AS a WHERE a.id = ANY(batch) AND %1$s%2$s;
    COMMIT;
  END LOOP;
END
$loop$$do$,
    r.rule,
    r.free
  ) AS "do",
  'public.artworks' AS waits_on
FROM (
  SELECT
    '(a.pet_mom_image_url LIKE ''test-%'' OR a.pet_image_url LIKE ''test-%'')' AS rule,
    STRING_AGG(
      FORMAT(' AND NOT EXISTS (SELECT FROM %s AS r WHERE r.%I = a.%I)', k.conrelid::regclass, c.attname, f.attname), ''
      ORDER BY k.conrelid::regclass::text, c.attname
    ) AS free
  FROM pg_catalog.pg_constraint AS k
  INNER JOIN pg_catalog.pg_attribute AS c ON k.conrelid = c.attrelid AND k.conkey[1] = c.attnum
  INNER JOIN pg_catalog.pg_attribute AS f ON k.confrelid = f.attrelid AND k.confkey[1] = f.attnum
  WHERE k.contype = 'f' AND k.confrelid = 'public.artworks'::regclass
) AS r
