-- What: the forward capture: statement triggers on the legacy table, on each table that references it (partitions too) and, where users are
--   created, on users.
-- Why: what is written while the copy runs is caught up afterwards. ENABLE ALWAYS, because session_replication_role = replica would disable
--   an ordinary trigger. One trigger per event, because of its transition tables. A table that users are not created in has none, as it is
--   not ours to alter: what its deletes do to the legacy table is a write to that table, which is captured.
-- Inverse: in the rows.
-- Locks: SHARE ROW EXCLUSIVE on each table, taken before.
-- Stage: locked
WITH
captured AS (
  SELECT
    'public.artworks'::regclass AS relation,
    FALSE AS referencing,
    'capture_artworks()' AS call,
    '' AS suffix
  UNION
  SELECT
    c.conrelid::regclass,
    TRUE,
    -- the argument names the column for a reader of the trigger
    FORMAT('capture_references_%s(%L)', LEFT(MD5(c.conrelid::regclass || '.' || a.attname), 8), a.attname),
    -- two long names may be equal where a trigger's name is truncated
    '_' || CASE WHEN OCTET_LENGTH(a.attname) > 36 THEN MD5(a.attname) ELSE a.attname END
  FROM pg_catalog.pg_constraint AS c
  INNER JOIN pg_catalog.pg_attribute AS a ON c.conrelid = a.attrelid AND a.attnum = c.conkey[1]
  WHERE c.contype = 'f' AND c.confrelid = 'public.artworks'::regclass AND c.conrelid <> 'public.artworks'::regclass
),

triggers AS (
  SELECT
    c.relation::text AS relation,
    FORMAT('artwork_migration_%s%s', LOWER(e.event), c.suffix) AS trigger_name,
    'AFTER ' || e.event AS event,
    CASE
      WHEN e.event = 'DELETE' THEN 'REFERENCING OLD TABLE AS changed '
      WHEN e.event = 'UPDATE' AND c.referencing THEN 'REFERENCING OLD TABLE AS before NEW TABLE AS changed '
      ELSE 'REFERENCING NEW TABLE AS changed '
    END || 'FOR EACH STATEMENT ' AS scope,
    '' AS extra,
    c.call
  FROM captured AS c
  CROSS JOIN (VALUES ('INSERT'), ('UPDATE'), ('DELETE')) AS e (event)
  UNION ALL
  SELECT
    c.relation::text,
    FORMAT('artwork_migration_truncate%s', c.suffix),
    'BEFORE TRUNCATE',
    'FOR EACH STATEMENT ',
    '',
    c.call
  FROM captured AS c
  WHERE c.referencing
  UNION ALL
  SELECT
    'public.users',
    'artwork_migration_' || LOWER(e.event),
    'AFTER ' || e.event,
    e.tables || 'FOR EACH STATEMENT ',
    '',
    e.call
  FROM (
    VALUES
    ('INSERT', 'REFERENCING NEW TABLE AS changed ', 'capture_users()'),
    ('DELETE', 'REFERENCING OLD TABLE AS changed ', 'capture_users()')
  ) AS e (event, tables, call)
  WHERE CAST(:creates_users AS boolean)
  UNION ALL
  SELECT
    v.relation,
    v.trigger_name,
    v.event,
    v.scope,
    v.extra,
    v.call
  FROM (
    VALUES
    (
      'public.artworks', 'artwork_migration_key', 'AFTER UPDATE OF id', 'FOR EACH ROW ', 'OLD.id IS DISTINCT FROM NEW.id AND ',
      'capture_old_key()'
    ),
    (
      'public.users', 'artwork_migration_update', 'AFTER UPDATE', 'FOR EACH ROW ',
      -- spelled out: a comparison of rows is deparsed to another text after a restore
      '(OLD.id IS DISTINCT FROM NEW.id OR OLD.email IS DISTINCT FROM NEW.email OR OLD.is_anonymous IS DISTINCT FROM NEW.is_anonymous) AND ',
      'capture_changed_user()'
    ),
    ('public.artworks', 'artwork_migration_truncate', 'BEFORE TRUNCATE', 'FOR EACH STATEMENT ', '', 'refuse_truncate()'),
    -- The role is that of the session: a condition is evaluated before its function changes the role. A client could set our setting too,
    -- so this trigger does not read it.
    (
      'public.users', 'artwork_migration_guard', 'BEFORE UPDATE OF id', 'FOR EACH ROW ',
      FORMAT(
        'OLD.id IS DISTINCT FROM NEW.id AND CURRENT_USER <> ALL(%L::name[])'
        ' AND (ROW_SECURITY_ACTIVE(''public.artworks'') OR NOT HAS_TABLE_PRIVILEGE(''public.artworks'', ''UPDATE''))',
        CAST(:function_roles AS text[])
      ),
      'refuse_move()'
    ),
    ('public.users', 'artwork_migration_lock', 'BEFORE DELETE OR UPDATE OF id', 'FOR EACH ROW ', '', 'lock_clean_rows_of_user()'),
    -- the capital makes it fire before the keys' own triggers, which are named RI_…
    (
      'public.users', 'Artwork_migration_moved', 'AFTER UPDATE OF id', 'FOR EACH ROW ', 'OLD.id IS DISTINCT FROM NEW.id AND ',
      'user_moved()'
    )
  ) AS v (relation, trigger_name, event, scope, extra, call)
  WHERE v.relation <> 'public.users' OR CAST(:creates_users AS boolean)
)

SELECT
  FORMAT('trigger %I on %s', t.trigger_name, t.relation) AS object,
  FORMAT(
    $do$CREATE TRIGGER %1$I %2$s ON %3$s %4$sWHEN (%5$s%7$s) %6$s;
ALTER TABLE %3$s ENABLE ALWAYS TRIGGER %1$I$do$,
    t.trigger_name,
    t.event,
    t.relation,
    t.scope,
    t.extra,
    'EXECUTE FUNCTION artwork_migration.' || t.call,
    CASE WHEN t.call <> 'refuse_move()' THEN 'CURRENT_SETTING(''artwork_migration.apply'', TRUE) IS DISTINCT FROM ''on''' END
  ) AS "do",
  FORMAT('DROP TRIGGER IF EXISTS %I ON %s', t.trigger_name, t.relation) AS undo
FROM triggers AS t
ORDER BY t.relation, t.trigger_name
