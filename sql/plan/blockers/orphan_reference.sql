-- What: a key to artworks that the catalog calls valid, although rows of its table reference artworks that do not exist.
-- Why: such rows appear while the triggers of the key are disabled, in a restore for example. The key could not be validated again after
--   the switch. A key that is NOT VALID claims nothing about old rows: it stays so, and its rows stay as they are. Also checked before the
--   switch.
-- Locks: ACCESS SHARE on public.artworks and what references it.
-- Remedy: Give the rows an artwork that exists, set their reference to NULL, or delete them. Or keep them as they are and make the key
--   NOT VALID: the statement does that. New rows are still checked then.
-- Given: referenced_artwork
SELECT
  FORMAT('key %s on %s', k.conname, k.conrelid::regclass) AS subject,
  FORMAT(
    'the catalog calls it valid, but %s of its rows reference artworks that do not exist: %s%s.',
    TO_CHAR(o.row_count, 'FM999,999,999,990'),
    (SELECT STRING_AGG(x.id::text, ', ' ORDER BY x.place) FROM UNNEST(o.ids) WITH ORDINALITY AS x (id, place) WHERE x.place <= 10),
    CASE WHEN CARDINALITY(o.ids) > 10 THEN ', …' ELSE '' END
  ) AS problem,
  CASE
    WHEN (SELECT c.relkind FROM pg_catalog.pg_class AS c WHERE c.oid = k.conrelid) = 'r'
      THEN FORMAT(
        'ALTER TABLE %1$s DROP CONSTRAINT %2$I, ADD CONSTRAINT %2$I %3$s NOT VALID',
        k.conrelid::regclass, k.conname, PG_GET_CONSTRAINTDEF(k.oid)
      )
  END AS statement
FROM (
  SELECT
    r.referencing,
    r.referencing_column,
    COUNT(*) AS row_count,
    ARRAY_AGG(DISTINCT r.id) AS ids
  FROM artwork_migration.referenced_artwork AS r
  WHERE NOT EXISTS (SELECT FROM public.artworks AS a WHERE a.id = r.id)
  GROUP BY r.referencing, r.referencing_column
) AS o
INNER JOIN pg_catalog.pg_constraint AS k
  ON k.contype = 'f' AND o.referencing = k.conrelid AND k.conkey = ARRAY[o.referencing_column]
WHERE k.confrelid = 'public.artworks'::regclass AND k.convalidated AND k.conparentid = 0
ORDER BY 1
