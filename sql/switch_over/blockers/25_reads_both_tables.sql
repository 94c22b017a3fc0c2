-- What: a view, or a policy of another table, that reads both artworks and artworks_v2.
-- Why: it is said again before the view artworks_v2 is made, and would hold that view on the way back.
-- Locks: none.
-- Remedy: Drop it before the switch; after it, artworks alone is both.
SELECT
  PG_DESCRIBE_OBJECT(
    COALESCE(NULLIF(d.classid, 'pg_rewrite'::regclass), 'pg_class'::regclass), COALESCE(w.ev_class, d.objid), 0
  ) AS subject,
  'it reads artworks and artworks_v2, which are one table after the switch.' AS problem
FROM pg_catalog.pg_depend AS d
LEFT JOIN pg_catalog.pg_rewrite AS w ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
LEFT JOIN pg_catalog.pg_class AS v ON w.ev_class = v.oid
LEFT JOIN pg_catalog.pg_policy AS p ON d.classid = 'pg_policy'::regclass AND d.objid = p.oid
WHERE
  d.refclassid = 'pg_class'::regclass AND d.refobjid IN ('public.artworks'::regclass, TO_REGCLASS('public.artworks_v2'))
  AND (
    v.relnamespace <> TO_REGNAMESPACE('artwork_migration')
    OR p.polrelid NOT IN ('public.artworks'::regclass, TO_REGCLASS('public.artworks_v2'))
  )
GROUP BY d.classid, d.objid, w.ev_class
HAVING COUNT(DISTINCT d.refobjid) = 2
ORDER BY 1
