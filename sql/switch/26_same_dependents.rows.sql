-- What: asks under the locks whether exactly that hangs on artworks which did when the plan was made.
-- Why: a view or a key made since would be in no statement, and go on with the other table. Used by the switch and by the way back from it.
-- Inverse: none; it changes nothing.
-- Locks: none.
-- Stage: locked
SELECT
  'what hangs on public.artworks' AS object,
  FORMAT(
    $do$DO $check$
BEGIN
  IF (%s) IS DISTINCT FROM %L THEN
    RAISE EXCEPTION USING ERRCODE = 'AM001', MESSAGE = 'something that hangs on artworks has come or gone';
  END IF;
END
$check$$do$,
    'SELECT MD5(STRING_AGG(CONCAT_WS('' '', d.classid, d.objid, d.refobjsubid, d.deptype), '','''
    || ' ORDER BY d.classid, d.objid, d.objsubid, d.refobjsubid)) FROM pg_catalog.pg_depend AS d'
    || ' WHERE d.refclassid = ''pg_class''::regclass AND d.refobjid = ''public.artworks''::regclass',
    MD5(
      STRING_AGG(
        CONCAT_WS(' ', d.classid, d.objid, d.refobjsubid, d.deptype), ',' ORDER BY d.classid, d.objid, d.objsubid, d.refobjsubid
      )
    )
  ) AS "do",
  NULL AS undo
FROM pg_catalog.pg_depend AS d
WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = 'public.artworks'::regclass
