-- What: something is bound to the serving table or its row type, or to the view artworks_v2 or its row type, that was not when the names
--   changed hands.
-- Why: the way back says again what the switch said again, and nothing else; this would go on with the clean table, or keep the view. What
--   was dropped since and made again under its name is known by that (:known).
-- Locks: none.
-- Remedy: Drop it before the way back and create it anew after it; if it only has another name now, give it its old one back.
SELECT
  PG_DESCRIBE_OBJECT(b.classid, b.objid, 0) AS subject,
  'it was made on artworks, or on artworks_v2, or got this name, after the switch.' AS problem
FROM artwork_migration.bound_to_artworks AS b
CROSS JOIN LATERAL PG_IDENTIFY_OBJECT(b.classid, b.objid, 0) AS i
LEFT JOIN pg_catalog.pg_class AS v ON b.classid = 'pg_class'::regclass AND b.objid = v.oid
LEFT JOIN pg_catalog.pg_policy AS p ON b.classid = 'pg_policy'::regclass AND b.objid = p.oid
LEFT JOIN pg_catalog.pg_constraint AS k ON b.classid = 'pg_constraint'::regclass AND b.objid = k.oid
LEFT JOIN pg_catalog.pg_trigger AS g ON b.classid = 'pg_trigger'::regclass AND b.objid = g.oid
LEFT JOIN pg_catalog.pg_publication_rel AS m ON b.classid = 'pg_publication_rel'::regclass AND b.objid = m.oid
LEFT JOIN pg_catalog.pg_publication AS u ON m.prpubid = u.oid
WHERE
  NOT EXISTS (SELECT FROM artwork_migration.dependent_at_switch AS h WHERE h.kind = i.type AND h.object = i.identity)
  AND CASE
    WHEN v.relkind = 'v' THEN FORMAT('view %s', v.oid::regclass)
    WHEN v.relkind = 'm' THEN FORMAT('materialized view %s', v.oid::regclass)
    WHEN p.oid IS NOT NULL THEN FORMAT('policy %I on %s', p.polname, p.polrelid::regclass)
    WHEN k.oid IS NOT NULL THEN FORMAT('key %s on %s', k.conname, k.conrelid::regclass)
    WHEN g.oid IS NOT NULL THEN FORMAT('trigger %I', g.tgname)
    WHEN u.oid IS NOT NULL THEN FORMAT('publication %I', u.pubname)
    ELSE ''
  END <> ALL(CAST(:known AS text[]))
ORDER BY 1
