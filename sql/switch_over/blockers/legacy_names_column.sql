-- What: a column of public.artworks that was renamed after the deployment, and that legacy_names.artworks shows under its former name.
-- Why: the switch replaces the body of that view, which cannot rename a column. Which name old code uses is for its authors to say.
-- Locks: none.
-- Remedy: Rename the column of the view too, or give the column of the table its former name, then plan again.
WITH numbered AS (
  SELECT
    a.attrelid,
    a.attname,
    ROW_NUMBER() OVER (PARTITION BY a.attrelid ORDER BY a.attnum) AS place
  FROM pg_catalog.pg_attribute AS a
  WHERE
    a.attnum > 0 AND NOT a.attisdropped
    AND (
      a.attrelid = 'public.artworks'::regclass
      OR a.attrelid IN (SELECT o.oid FROM artwork_migration.legacy_names_object AS o WHERE o.oid = TO_REGCLASS('legacy_names.artworks'))
    )
)

SELECT
  FORMAT('column %I of legacy_names.artworks', v.attname) AS subject,
  FORMAT('public.artworks has it as %I.', t.attname) AS problem,
  FORMAT('ALTER VIEW legacy_names.artworks RENAME COLUMN %I TO %I', v.attname, t.attname) AS statement
FROM numbered AS v
INNER JOIN numbered AS t ON v.place = t.place AND v.attname <> t.attname
WHERE v.attrelid <> t.attrelid AND t.attrelid = 'public.artworks'::regclass
ORDER BY 1
