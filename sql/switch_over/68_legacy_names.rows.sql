-- What: the view legacy_names.artworks reads the serving table and the rows that stayed behind in the retired one, with the legacy table's
--   defaults; triggers make it writable.
-- Why: a value of the serving row is mapped back as the rollback would (mapping.sql). A column that the clean table does not have comes
--   from the retired row, and so does an upscale_status that the serving row does not contradict. The body is replaced, not dropped:
--   identity, grants and what reads the view stay. No function is called here for a status: the role that asks cannot call our functions.
--   Two branches instead of a FULL JOIN let a condition reach the index of each table.
-- Inverse: in the rows. They run while the tables still have their new names.
-- Locks: ACCESS EXCLUSIVE on the view, the tables and what references them, taken before.
-- Stage: locked
WITH mapping AS (
  SELECT
    m.position,
    m.clean_column,
    m.legacy_column,
    m.on_update,
    m.same,
    m.back
  FROM
    JSONB_TO_RECORDSET(CAST(:mapping AS jsonb))
      AS m (position int, clean_column text, legacy_column text, on_update boolean, same text, back text)
),

statuses AS (
  SELECT
    s.function,
    STRING_AGG(FORMAT('WHEN %L THEN %L', s.clean, s.legacy), ' ' ORDER BY s.clean) FILTER (WHERE s.clean <> s.legacy) AS cases
  FROM (
    SELECT
      'artwork_migration.legacy_generation_status(@)' AS function,
      g.clean,
      artwork_migration.legacy_generation_status(g.clean) AS legacy
    FROM UNNEST(ARRAY['pending', 'processing', 'completed', 'failed']) AS g (clean)
    UNION ALL
    SELECT
      'artwork_migration.legacy_upscale_status(@)',
      u.clean,
      artwork_migration.legacy_upscale_status(u.clean)
    FROM UNNEST(ARRAY['not_started', 'pending', 'processing', 'completed', 'failed']) AS u (clean)
  ) AS s
  GROUP BY s.function
),

legacy AS (
  SELECT
    a.attnum,
    a.attname,
    PG_GET_EXPR(d.adbin, d.adrelid) AS default_value,
    m.clean_column,
    m.on_update,
    m.same,
    CASE WHEN s.function IS NULL THEN m.back ELSE COALESCE('CASE @ ' || s.cases || ' ELSE @ END', '@') END AS back,
    FORMAT_TYPE(a.atttypid, a.atttypmod) AS type,
    CASE
      WHEN a.attcollation NOT IN (0, 'pg_catalog."default"'::regcollation) THEN FORMAT(' COLLATE %s', a.attcollation::regcollation)
      ELSE ''
    END AS collation,
    c.atttypid = a.atttypid AND c.atttypmod = a.atttypmod AND c.attcollation = a.attcollation AS same_type
  FROM pg_catalog.pg_attribute AS a
  LEFT JOIN pg_catalog.pg_attrdef AS d ON a.attrelid = d.adrelid AND a.attnum = d.adnum AND a.attgenerated = ''
  LEFT JOIN mapping AS m ON a.attname = m.legacy_column
  LEFT JOIN statuses AS s ON m.back = s.function
  LEFT JOIN pg_catalog.pg_attribute AS c ON c.attrelid = 'public.artworks_v2'::regclass AND m.clean_column = c.attname
  WHERE a.attrelid = 'public.artworks'::regclass AND a.attnum > 0 AND NOT a.attisdropped
),

mapped AS (
  SELECT
    l.*,
    CASE
      WHEN l.clean_column IS NULL THEN FORMAT('a.%I', l.attname)
      WHEN l.back = '@' AND l.same_type AND l.clean_column <> 'upscale_status' THEN FORMAT('c.%I', l.clean_column)
      ELSE
        FORMAT(
          '(%s)::%s%s',
          CASE
            WHEN NOT l.on_update AND l.clean_column <> 'id'
              THEN FORMAT('CASE WHEN a.id IS NULL THEN %s ELSE a.%I END', v.serving, l.attname)
            WHEN l.clean_column = 'upscale_status'
              THEN
                FORMAT(
                  'CASE WHEN a.id IS NOT NULL AND (%1$s) THEN a.%3$I ELSE %2$s END',
                  REPLACE(REPLACE(l.same, '@', v.serving), '#', FORMAT('a.%I', l.attname)), v.serving, l.attname
                )
            ELSE v.serving
          END,
          l.type,
          l.collation
        )
    END AS value
  FROM legacy AS l
  CROSS JOIN LATERAL (SELECT '(' || REPLACE(l.back, '@', FORMAT('c.%I', l.clean_column)) || ')' AS serving) AS v
),

body AS (
  SELECT
    'CREATE OR REPLACE VIEW legacy_names.artworks WITH (security_invoker = true) AS' AS head,
    STRING_AGG(FORMAT('%s AS %I', m.value, m.attname), E',\n  ' ORDER BY m.attnum) AS serving,
    STRING_AGG(FORMAT('a.%I', m.attname), ', ' ORDER BY m.attnum) AS retired,
    STRING_AGG(FORMAT('t.%I', m.attname), ', ' ORDER BY m.attnum) AS plain,
    STRING_AGG(
      FORMAT('ALTER VIEW legacy_names.artworks ALTER COLUMN %I SET DEFAULT %s', m.attname, m.default_value), '; ' ORDER BY m.attnum
    ) FILTER (WHERE m.default_value IS NOT NULL) AS defaults,
    STRING_AGG(
      FORMAT('ALTER VIEW legacy_names.artworks ALTER COLUMN %I DROP DEFAULT', m.attname), '; ' ORDER BY m.attnum
    ) FILTER (WHERE m.default_value IS NOT NULL) AS no_defaults
  FROM mapped AS m
)

SELECT
  o.object,
  o."do",
  o.undo
FROM (
  SELECT
    1 AS place,
    'view legacy_names.artworks' AS object,
    FORMAT(
      E'%s\nSELECT\n  %s\nFROM public.artworks AS c\nLEFT JOIN public.artworks_old AS a ON c.id = a.id\n'
      'WHERE (SELECT legacy_names.count_read())\nUNION ALL\nSELECT %s\n'
      'FROM public.artworks_old AS a\nLEFT JOIN public.artworks AS c ON a.id = c.id\n'
      'WHERE c.id IS NULL AND legacy_names.is_only_retired(a.id, c.id)',
      b.head, b.serving, b.retired
    ) AS "do",
    FORMAT('%s SELECT %s FROM public.artworks_old AS t', b.head, b.plain) AS undo
  FROM body AS b
  UNION ALL
  SELECT
    2,
    'defaults of legacy_names.artworks',
    b.defaults,
    b.no_defaults
  FROM body AS b
  WHERE b.defaults IS NOT NULL
  UNION ALL
  SELECT
    3,
    'triggers of legacy_names.artworks',
    STRING_AGG(
      FORMAT(
        'CREATE TRIGGER %s INSTEAD OF %s ON legacy_names.artworks FOR EACH ROW EXECUTE FUNCTION artwork_migration.%s_legacy_names()',
        t.name, t.events, t.step
      ), '; ' ORDER BY t.name
    ),
    CONCAT_WS('; ', STRING_AGG(FORMAT('DROP TRIGGER IF EXISTS %s ON legacy_names.artworks', t.name), '; ' ORDER BY t.name), MIN(u.emptied))
  FROM (
    -- they fire in the order of their names
    SELECT
      s.step,
      s.events,
      FORMAT('artwork_migration_%s_%s', s.place, s.step) AS name
    FROM (
      VALUES
      (1, 'lock', 'UPDATE OR DELETE'),
      (2, 'check', 'UPDATE OR DELETE'),
      (3, 'carry_back', 'UPDATE OR DELETE'),
      (4, 'write', 'INSERT OR UPDATE OR DELETE')
    ) AS s (place, step, events)
  ) AS t
  LEFT JOIN (
    -- the owners that these triggers have filled in, and the rollback has not taken out in batches
    SELECT
      'SET LOCAL artwork_migration.apply = ''on'';'
      ' UPDATE public.artworks_old AS a SET user_id = NULL FROM artwork_migration.legacy_names_write AS w'
      ' WHERE w.filled_owner IS NOT NULL AND a.id = w.id AND a.user_id = w.filled_owner;'
      ' SET LOCAL artwork_migration.apply = ''''' AS emptied
    FROM legacy AS l
    WHERE l.clean_column = 'user_id'
  ) AS u ON TRUE
  UNION ALL
  SELECT
    4,
    'trigger artwork_migration_serve on ' || t.relation,
    FORMAT('CREATE TRIGGER %I %s ON %s FOR EACH ROW %s;', t.name, t.event, t.relation, t.action)
    || FORMAT(' ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', t.relation, t.name),
    FORMAT('DROP TRIGGER IF EXISTS %I ON %s', t.name, t.relation)
  FROM (
    SELECT
      'public.artworks_old' AS relation,
      'artwork_migration_serve' || r.suffix AS name,
      r.event,
      'WHEN (CURRENT_SETTING(''artwork_migration.legacy_names'', TRUE) = ''on''' || r.call AS action
    FROM (
      VALUES
      ('', 'AFTER INSERT OR UPDATE OR DELETE', ') EXECUTE FUNCTION artwork_migration.serve_retired()'),
      (
        '_touch', 'BEFORE UPDATE',
        ' AND new.updated_at IS NOT DISTINCT FROM old.updated_at) EXECUTE FUNCTION artwork_migration.touch_retired()'
      )
    ) AS r (suffix, event, call)
    UNION ALL
    SELECT
      k.conrelid::regclass::text,
      s.name,
      FORMAT('BEFORE INSERT OR UPDATE OF %I', r.attname),
      FORMAT('WHEN (new.%1$I IS NOT NULL) EXECUTE FUNCTION artwork_migration.serve_referenced(%1$L)', r.attname)
    FROM pg_catalog.pg_constraint AS k
    INNER JOIN pg_catalog.pg_attribute AS r ON k.conrelid = r.attrelid AND k.conkey[1] = r.attnum
    CROSS JOIN
      LATERAL (
        SELECT 'artwork_migration_serve_' || CASE WHEN OCTET_LENGTH(r.attname) > 36 THEN MD5(r.attname) ELSE r.attname END AS name
      ) AS s
    WHERE k.contype = 'f' AND k.confrelid = 'public.artworks'::regclass AND k.conrelid <> k.confrelid AND k.conparentid = 0
    GROUP BY k.conrelid, r.attname, s.name
  ) AS t
  UNION ALL
  SELECT
    5,
    'trigger artwork_migration_lifecycle on public.artworks',
    'CREATE TRIGGER artwork_migration_lifecycle BEFORE INSERT OR UPDATE ON public.artworks FOR EACH ROW'
    ' WHEN (CURRENT_SETTING(''artwork_migration.legacy_names'', TRUE) = ''on'')'
    ' EXECUTE FUNCTION public.artwork_lifecycle(''any transition'')',
    'DROP TRIGGER IF EXISTS artwork_migration_lifecycle ON public.artworks'
) AS o
WHERE EXISTS (SELECT FROM artwork_migration.legacy_names_object AS n WHERE n.oid = TO_REGCLASS('legacy_names.artworks'))
ORDER BY o.place, o.object
