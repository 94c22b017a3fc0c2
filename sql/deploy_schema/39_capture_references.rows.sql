-- What: a function for each column that references artworks: it logs the artworks that gained or lost a reference.
-- Why: whether a row is referenced is a part of its disposition. There is one function per column, because a generic one would plan its
--   statement anew for each statement of the application, which takes longer than one order does. Partitions have their own functions: the
--   triggers of their parent do not fire for writes to them by name.
-- Inverse: in the rows.
-- Locks: none on a table of the application.
-- Stage: prepare
SELECT
  f.signature AS object,
  FORMAT(
    $do$CREATE FUNCTION %1$s RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    INSERT INTO artwork_migration.legacy_change (ids)
    SELECT ARRAY_AGG(x.id) FROM (
      (SELECT b.%2$I AS id FROM before AS b EXCEPT SELECT c.%2$I FROM changed AS c)
      UNION (SELECT c.%2$I FROM changed AS c EXCEPT SELECT b.%2$I FROM before AS b)
    ) AS x WHERE x.id IS NOT NULL HAVING COUNT(*) > 0;
  ELSIF TG_OP = 'TRUNCATE' THEN
    INSERT INTO artwork_migration.indirect_change (truncated) VALUES (TRUE);
  ELSE
    INSERT INTO artwork_migration.legacy_change (ids)
    SELECT ARRAY_AGG(DISTINCT c.%2$I) FROM changed AS c WHERE c.%2$I IS NOT NULL HAVING COUNT(*) > 0;
  END IF;
  RETURN NULL;
END
$body$$do$,
    f.signature,
    f.attname
  ) AS "do",
  'DROP FUNCTION ' || f.signature AS undo
FROM (
  SELECT
    a.attname,
    FORMAT('artwork_migration.capture_references_%s()', LEFT(MD5(c.conrelid::regclass || '.' || a.attname), 8)) AS signature
  FROM pg_catalog.pg_constraint AS c
  INNER JOIN pg_catalog.pg_attribute AS a ON c.conrelid = a.attrelid AND a.attnum = c.conkey[1]
  WHERE c.contype = 'f' AND c.confrelid = 'public.artworks'::regclass AND c.conrelid <> 'public.artworks'::regclass
  GROUP BY c.conrelid, a.attname
) AS f
ORDER BY f.signature
