-- What: one checksum over all that depends on the table which is called artworks, and over the words it is made of.
-- Why: the plan says these words again. A view or a key made since would be in no statement; a view, policy, trigger or publication changed
--   since would get its old words back. So the question is asked for the plan and once more under the locks, there and back.
--   Sorted by the words: a check hangs on a column twice, in two ways.
-- Locks: none.
SELECT MD5(STRING_AGG(h.words, ',' ORDER BY h.words)) AS checksum
FROM (
  SELECT
    CONCAT_WS(
      ' ',
      d.classid,
      d.objid,
      d.refobjsubid,
      d.deptype,
      v.reloptions,
      PG_GET_VIEWDEF(v.oid),
      PG_GET_EXPR(p.polqual, p.polrelid),
      PG_GET_EXPR(p.polwithcheck, p.polrelid),
      g.tgenabled,
      PG_GET_TRIGGERDEF(g.oid),
      r.prattrs,
      PG_GET_EXPR(r.prqual, r.prrelid),
      PG_GET_CONSTRAINTDEF(k.oid)
    ) AS words
  FROM pg_catalog.pg_depend AS d
  LEFT JOIN pg_catalog.pg_rewrite AS w ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
  -- views of ours are large and not said again
  LEFT JOIN pg_catalog.pg_class AS v
    ON w.ev_class = v.oid AND v.relkind IN ('v', 'm') AND v.relnamespace <> 'artwork_migration'::regnamespace
  LEFT JOIN pg_catalog.pg_policy AS p ON d.classid = 'pg_policy'::regclass AND d.objid = p.oid
  LEFT JOIN pg_catalog.pg_trigger AS g ON d.classid = 'pg_trigger'::regclass AND d.objid = g.oid
  LEFT JOIN pg_catalog.pg_publication_rel AS r ON d.classid = 'pg_publication_rel'::regclass AND d.objid = r.oid
  LEFT JOIN pg_catalog.pg_constraint AS k ON d.classid = 'pg_constraint'::regclass AND d.objid = k.oid
  WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = 'public.artworks'::regclass
) AS h
