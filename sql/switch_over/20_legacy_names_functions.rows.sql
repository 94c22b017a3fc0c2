-- What: the functions behind the view legacy_names.artworks after the switch, where there is one: reading, writing, and the way of a
--   written row into the serving table.
-- Why: a legacy row may be what the clean table cannot hold: without pictures, with another status, with a column that was not carried
--   over. So a write goes to the retired table first, as the role that asks: its checks, defaults, policies and privileges are the ones
--   that the application knows. From there its changed columns go to the serving row, in the same transaction; a row that the serving table
--   cannot hold yet stays behind and is moved over when it is complete, or when another table references it. First the retired row becomes
--   what the serving row is, as the rollback would make it. So nothing is left to carry back that the retired table does not have already.
-- Inverse: in the rows.
-- Locks: when called, the serving row and then the retired row.
-- Stage: prepare
WITH mapping AS (
  SELECT
    m.position,
    m.clean_column,
    m.legacy_column,
    m.on_update
  FROM
    JSONB_TO_RECORDSET(CAST(:mapping AS jsonb)) AS m (position int, clean_column text, legacy_column text, on_update boolean)
  INNER JOIN pg_catalog.pg_attribute AS a
    ON m.legacy_column = a.attname AND a.attrelid = 'public.artworks'::regclass AND NOT a.attisdropped
)

SELECT
  o.object,
  o."do",
  o.undo
FROM (
  -- Who uses the view, and for what: a row for each session and minute, so no two sessions write the same row and most calls write none.
  -- The name of the application may differ from call to call, so it makes no further row. A read-only transaction cannot be counted.
  -- The role is the caller's: in a SECURITY DEFINER function CURRENT_USER is not.
  SELECT
    1 AS place,
    'artwork_migration.count_use' AS object,
    $do$CREATE FUNCTION artwork_migration.count_use(kind text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
  setting CONSTANT text := 'artwork_migration.counted_' || LOWER(kind);
  role_name CONSTANT text := COALESCE(NULLIF(CURRENT_SETTING('role'), 'none'), SESSION_USER);
  stamp CONSTANT text := CONCAT_WS(' ', TO_CHAR(CLOCK_TIMESTAMP(), 'YYYYMMDDHH24MI'), role_name);
BEGIN
  IF CURRENT_SETTING('transaction_read_only') = 'off' AND CURRENT_SETTING(setting, TRUE) IS DISTINCT FROM stamp THEN
    INSERT INTO artwork_migration.legacy_names_use VALUES (role_name, CURRENT_SETTING('application_name'), kind, CLOCK_TIMESTAMP());
    PERFORM SET_CONFIG(setting, stamp, FALSE);
  END IF;
END
$body$$do$ AS "do",
    'DROP FUNCTION artwork_migration.count_use(text)' AS undo
  UNION ALL
  -- In the view it is an uncorrelated subquery, so it is called once for a statement. Our own reads within a write are not counted.
  SELECT
    1,
    'legacy_names.count_read',
    $do$CREATE FUNCTION legacy_names.count_read() RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
  IF CURRENT_SETTING('artwork_migration.legacy_names', TRUE) IS DISTINCT FROM 'on' THEN
    PERFORM artwork_migration.count_use('READ');
  END IF;
  RETURN TRUE;
END
$body$;
COMMENT ON FUNCTION legacy_names.count_read() IS 'artwork_migration: serve_old_names';
SELECT artwork_migration.revoke_from_all('FUNCTION', 'legacy_names.count_read()')$do$,
    'DROP FUNCTION legacy_names.count_read()'
  UNION ALL
  -- Whether a retired row is one that only the retired table has. The view asks about rows without a serving row that the caller can see;
  -- row level security must not make a row that has one look like this.
  SELECT
    1,
    'legacy_names.is_only_retired',
    $do$CREATE FUNCTION legacy_names.is_only_retired(artwork_id uuid, serving_id uuid) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER COST 1000 SET search_path = pg_catalog, pg_temp SET row_security = off
AS $body$
BEGIN
  RETURN serving_id IS NULL AND NOT EXISTS (SELECT FROM public.artworks AS c WHERE c.id = artwork_id)
    AND NOT EXISTS (SELECT FROM artwork_migration.clean_deleted AS g WHERE g.id = artwork_id);
END
$body$;
COMMENT ON FUNCTION legacy_names.is_only_retired(uuid, uuid) IS 'artwork_migration: serve_old_names';
SELECT artwork_migration.revoke_from_all('FUNCTION', 'legacy_names.is_only_retired(uuid, uuid)')$do$,
    'DROP FUNCTION legacy_names.is_only_retired(uuid, uuid)'
  UNION ALL
  SELECT
    2,
    'functions of legacy_names for ' || g.role,
    'GRANT EXECUTE ON FUNCTION legacy_names.is_only_retired(uuid, uuid), legacy_names.count_read() TO ' || g.role,
    NULL
  FROM (
    SELECT CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE QUOTE_IDENT(PG_GET_USERBYID(acl.grantee)) END AS role
    FROM pg_catalog.pg_namespace AS n
    CROSS JOIN LATERAL ACLEXPLODE(n.nspacl) AS acl
    WHERE n.nspname = 'legacy_names' AND acl.privilege_type = 'USAGE' AND acl.grantee <> n.nspowner
  ) AS g
  UNION ALL
  -- Before a row is written it is locked, with the rights of our role: one that may only delete has no right to lock. The key of
  -- legacy_names_write comes first: an order that moves the row waits there too, and an older snapshot (REPEATABLE READ) gets a 40001.
  SELECT
    3,
    'artwork_migration.lock_legacy_names',
    $do$CREATE FUNCTION artwork_migration.lock_legacy_names() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = off
AS $body$
BEGIN
  PERFORM artwork_migration.count_use(TG_OP);
  INSERT INTO artwork_migration.legacy_names_write (id) VALUES (OLD.id)
  ON CONFLICT (id) DO UPDATE SET written_at = EXCLUDED.written_at;
  PERFORM SET_CONFIG('artwork_migration.written_before', (w.checked_in = PG_CURRENT_XACT_ID())::text, TRUE)
  FROM artwork_migration.legacy_names_write AS w
  WHERE w.id = OLD.id;
  PERFORM FROM public.artworks AS c WHERE c.id = OLD.id FOR NO KEY UPDATE;
  PERFORM FROM public.artworks_old AS a WHERE a.id = OLD.id FOR NO KEY UPDATE;
  RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END
$body$$do$,
    'DROP FUNCTION artwork_migration.lock_legacy_names()'
  UNION ALL
  -- It must still be the row that the statement has read: an INSTEAD OF trigger gets the row and not the condition, so it cannot check that
  -- again. As the role that asks, because policies may hide one of its halves. If this transaction has written it, nobody else has since:
  -- the statement itself has joined the row twice, and a table takes the first one.
  SELECT
    3,
    'artwork_migration.check_legacy_names',
    $do$CREATE FUNCTION artwork_migration.check_legacy_names() RETURNS trigger
LANGUAGE plpgsql
AS $body$
DECLARE
  shown legacy_names.artworks;
  is_there boolean;
BEGIN
  PERFORM pg_catalog.SET_CONFIG('artwork_migration.legacy_names', 'on', TRUE);
  SELECT v.* INTO shown FROM legacy_names.artworks AS v WHERE v.id OPERATOR(pg_catalog.=) OLD.id;
  is_there := FOUND;
  PERFORM pg_catalog.SET_CONFIG('artwork_migration.legacy_names', '', TRUE);
  IF is_there AND pg_catalog.RECORD_IMAGE_NE(shown, OLD) THEN
    IF pg_catalog.CURRENT_SETTING('artwork_migration.written_before') = 'true' THEN
      RETURN NULL;
    END IF;
    RAISE EXCEPTION USING
      ERRCODE = '40001',
      MESSAGE = pg_catalog.FORMAT('artwork %s was changed by another transaction and was not written', OLD.id),
      HINT = 'To fix: roll back and repeat the transaction.';
  END IF;
  RETURN CASE WHEN NOT is_there THEN NULL WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END
$body$$do$,
    'DROP FUNCTION artwork_migration.check_legacy_names()'
  UNION ALL
  -- The retired row becomes what the serving row is, as the rollback would make it; a row that was created since the switch gets one. The
  -- policies on the retired table ask for the owner, so that is the serving row's; where there was none, the rollback takes it out again.
  SELECT
    3,
    'artwork_migration.carry_back_legacy_names',
    FORMAT(
      $do$CREATE FUNCTION artwork_migration.carry_back_legacy_names() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = off
AS $body$
BEGIN
  UPDATE artwork_migration.legacy_names_write AS w SET checked_in = PG_CURRENT_XACT_ID() WHERE w.id = OLD.id;
  IF TG_OP = 'DELETE' THEN
    RETURN OLD;
  END IF;
  PERFORM SET_CONFIG('artwork_migration.apply', 'on', TRUE);
  IF EXISTS (SELECT FROM artwork_migration.clean_key_change) THEN
    PERFORM artwork_migration.carry_back_keys(NULL);
  END IF;
  PERFORM artwork_migration.carry_back_rows(ARRAY[OLD.id], NULL);
  %s
  PERFORM SET_CONFIG('artwork_migration.apply', '', TRUE);
  RETURN NEW;
END
$body$$do$,
      (
        SELECT
          'UPDATE artwork_migration.legacy_names_write AS w SET filled_owner = c.user_id'
          ' FROM public.artworks_old AS a INNER JOIN public.artworks AS c ON a.id = c.id'
          ' WHERE w.id = OLD.id AND a.id = w.id AND (a.user_id IS NULL OR a.user_id = w.filled_owner);'
          ' UPDATE public.artworks_old AS a SET user_id = c.user_id FROM public.artworks AS c'
          ' WHERE a.id = OLD.id AND c.id = a.id AND a.user_id IS DISTINCT FROM c.user_id;'
        FROM mapping AS m
        WHERE m.clean_column = 'user_id'
      )
    ),
    'DROP FUNCTION artwork_migration.carry_back_legacy_names()'
  UNION ALL
  -- The write itself, as the role that asks and with its search_path: it fires triggers of the application. Only what the statement has
  -- changed is written. A delete does what the keys of the serving table say. A column that the role may not insert was not given, so it
  -- keeps the table's default, as an identity column does; then the id is another one than the view's default.
  SELECT
    4,
    'artwork_migration.write_legacy_names',
    FORMAT(
      $do$CREATE FUNCTION artwork_migration.write_legacy_names() RETURNS trigger
LANGUAGE plpgsql
AS $body$
DECLARE
  written legacy_names.artworks;
  given text;
  assignments text;
  denied text;
  reached bigint;
  reached_retired bigint;
BEGIN
  PERFORM pg_catalog.SET_CONFIG('artwork_migration.legacy_names', 'on', TRUE);
  IF TG_OP = 'INSERT' THEN
    written := NEW;
    given := pg_catalog.CONCAT_WS(', ', %1$s);
    PERFORM pg_catalog.SET_CONFIG('artwork_migration.inserted', '', TRUE);
    EXECUTE pg_catalog.FORMAT('INSERT INTO public.artworks_old (%%1$s) SELECT %%1$s FROM (SELECT ($1).*) AS g', given) USING written;
    GET DIAGNOSTICS reached = ROW_COUNT;
    IF reached OPERATOR(pg_catalog.>) 0 THEN
      written.id := pg_catalog.CURRENT_SETTING('artwork_migration.inserted');
    END IF;
  ELSIF TG_OP = 'UPDATE' THEN
    written := NEW;
    assignments := pg_catalog.CONCAT_WS(', ', %2$s);
    IF assignments OPERATOR(pg_catalog.=) '' THEN
      PERFORM pg_catalog.SET_CONFIG('artwork_migration.legacy_names', '', TRUE);
      RETURN NEW;
    END IF;
    -- what was revoked on the serving table since the switch holds here too: columns, and which rows a policy lets the role change
    IF pg_catalog.RECORD_IMAGE_NE(ROW(%3$s), ROW(%4$s)) THEN
      denied := pg_catalog.CONCAT_WS(', ', %5$s);
      IF denied OPERATOR(pg_catalog.<>) '' THEN
        RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = pg_catalog.FORMAT('permission denied for %%s of table artworks', denied);
      END IF;
      PERFORM FROM public.artworks AS c WHERE c.id OPERATOR(pg_catalog.=) OLD.id FOR NO KEY UPDATE;
      IF NOT FOUND AND EXISTS (SELECT FROM public.artworks AS c WHERE c.id OPERATOR(pg_catalog.=) OLD.id) THEN
        PERFORM pg_catalog.SET_CONFIG('artwork_migration.legacy_names', '', TRUE);
        RETURN NULL;
      END IF;
    END IF;
    EXECUTE pg_catalog.CONCAT('UPDATE public.artworks_old AS a SET ', assignments, ' WHERE a.id OPERATOR(pg_catalog.=) $2')
    USING written, OLD.id;
    GET DIAGNOSTICS reached = ROW_COUNT;
  ELSE
    DELETE FROM public.artworks AS c WHERE c.id OPERATOR(pg_catalog.=) OLD.id;
    GET DIAGNOSTICS reached = ROW_COUNT;
    DELETE FROM public.artworks_old AS a WHERE a.id OPERATOR(pg_catalog.=) OLD.id;
    GET DIAGNOSTICS reached_retired = ROW_COUNT;
    reached := GREATEST(reached, reached_retired);
  END IF;
  -- what the triggers have made of it; a role that may not read the row gets its own values
  IF TG_OP <> 'DELETE' AND reached > 0 AND pg_catalog.HAS_TABLE_PRIVILEGE(TG_RELID, 'SELECT') THEN
    written := COALESCE((SELECT v FROM legacy_names.artworks AS v WHERE v.id OPERATOR(pg_catalog.=) written.id), written);
  END IF;
  PERFORM pg_catalog.SET_CONFIG('artwork_migration.legacy_names', '', TRUE);
  RETURN CASE WHEN reached = 0 THEN NULL WHEN TG_OP = 'DELETE' THEN OLD ELSE written END;
END
$body$$do$,
      i.given,
      i.changed,
      m.after,
      m.before,
      m.denied
    ),
    'DROP FUNCTION artwork_migration.write_legacy_names()'
  FROM (
    SELECT
      STRING_AGG(
        FORMAT(
          E'\n      CASE WHEN pg_catalog.HAS_COLUMN_PRIVILEGE(TG_RELID, %L, ''INSERT'')%s THEN %L END',
          a.attname,
          CASE a.attidentity WHEN 'd' THEN FORMAT(' AND NEW.%I IS NOT NULL', a.attname) ELSE '' END,
          QUOTE_IDENT(a.attname)
        ), ',' ORDER BY a.attnum
      ) FILTER (WHERE a.attgenerated = '' AND a.attidentity <> 'a') AS given,
      STRING_AGG(
        FORMAT(
          E'\n      CASE WHEN pg_catalog.RECORD_IMAGE_NE(ROW(NEW.%1$I), ROW(OLD.%1$I)) THEN %2$L END',
          a.attname,
          FORMAT('%1$I = ($1).%1$I', a.attname)
        ), ',' ORDER BY a.attnum
      ) AS changed
    FROM pg_catalog.pg_attribute AS a
    WHERE a.attrelid = 'public.artworks'::regclass AND a.attnum > 0 AND NOT a.attisdropped
  ) AS i
  CROSS JOIN (
    SELECT
      STRING_AGG(FORMAT('NEW.%I', m.legacy_column), ', ' ORDER BY m.position) AS after,
      STRING_AGG(FORMAT('OLD.%I', m.legacy_column), ', ' ORDER BY m.position) AS before,
      STRING_AGG(
        FORMAT(
          E'\n        CASE WHEN pg_catalog.RECORD_IMAGE_NE(ROW(NEW.%1$I), ROW(OLD.%1$I))'
          ' AND NOT pg_catalog.HAS_COLUMN_PRIVILEGE(''public.artworks'', %2$L, ''UPDATE'') THEN %2$L END',
          m.legacy_column, m.clean_column
        ), ',' ORDER BY m.position
      ) AS denied
    FROM mapping AS m
    WHERE m.on_update
  ) AS m
  UNION ALL
  -- The time of the change, which a trigger of the application has set on that table. The role that asks may have no right to that column.
  SELECT
    5,
    'artwork_migration.touch_retired',
    $do$CREATE FUNCTION artwork_migration.touch_retired() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
  NEW.updated_at := NOW();
  RETURN NEW;
END
$body$$do$,
    'DROP FUNCTION artwork_migration.touch_retired()'
  UNION ALL
  -- Moves a row that only the retired table has into the serving table, with its user. Its id may return: it is marked as one that left.
  -- The application's triggers fire as for any other insert.
  SELECT
    5,
    'artwork_migration.serve_row',
    FORMAT(
      $do$CREATE FUNCTION artwork_migration.serve_row(artwork_id uuid) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
  PERFORM artwork_migration.create_users(ARRAY[l.customer_email])
  FROM artwork_migration.legacy_artwork AS l
  WHERE l.id = artwork_id AND l.needs_user AND l.user_id IS NULL;
  INSERT INTO artwork_migration.clean_deleted (id) VALUES (artwork_id) ON CONFLICT (id) DO NOTHING;
  INSERT INTO artwork_migration.clean_modified (id) VALUES (artwork_id) ON CONFLICT (id) DO NOTHING;
  PERFORM artwork_migration.widen_search_path();
  INSERT INTO public.artworks (%s)
  SELECT %s
  FROM artwork_migration.legacy_artwork AS l
  WHERE l.id OPERATOR(pg_catalog.=) artwork_id;
END
$body$$do$,
      i.names,
      i.mapped
    ),
    'DROP FUNCTION artwork_migration.serve_row(uuid)'
  FROM (
    SELECT
      STRING_AGG(QUOTE_IDENT(m.clean_column), ', ' ORDER BY m.position) AS names,
      STRING_AGG(FORMAT('l.%I', m.clean_column), ', ' ORDER BY m.position) AS mapped
    FROM mapping AS m
    WHERE m.on_update OR m.clean_column = 'id'
  ) AS i
  UNION ALL
  -- A row that was written through legacy_names: its changed columns go to the serving row; without one the row is moved over once it is
  -- complete. It is complete with an e-mail and a token, both pictures or a finished generation; a tester's upload never is.
  -- No operator is looked up for the comparison: with the search_path widened it could be another role's, and would have our rights.
  -- Every session may use the setting of such a write. The policies of the retired table do not know to whom the new code has moved a row,
  -- so a row is written only if this transaction has seen it through the view.
  SELECT
    6,
    'artwork_migration.serve_retired',
    FORMAT(
      $do$CREATE FUNCTION artwork_migration.serve_retired() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = off
AS $body$
DECLARE
  l artwork_migration.legacy_artwork;
BEGIN
  IF
    TG_OP <> 'INSERT' AND NOT EXISTS (
      SELECT FROM artwork_migration.legacy_names_write AS w WHERE w.id = OLD.id AND w.checked_in = PG_CURRENT_XACT_ID()
    )
  THEN
    RAISE EXCEPTION USING
      ERRCODE = '0A000',
      MESSAGE = FORMAT('artwork %%s was not written through legacy_names', OLD.id),
      HINT = 'To fix: write to public.artworks or to legacy_names.artworks, and leave the setting artwork_migration.legacy_names alone.';
  END IF;
  IF TG_OP = 'DELETE' THEN
    RETURN NULL;
  END IF;
  IF TG_OP = 'UPDATE' AND NEW.id <> OLD.id THEN
    RAISE EXCEPTION USING ERRCODE = '0A000', MESSAGE = 'the id of an artwork cannot be changed through legacy_names after the switch';
  END IF;
  IF TG_OP = 'INSERT' THEN
    IF EXISTS (SELECT FROM public.artworks AS c WHERE c.id = NEW.id) THEN
      RAISE EXCEPTION USING
        ERRCODE = '23505',
        MESSAGE = FORMAT('there is an artwork %%s already', NEW.id),
        HINT = 'To fix: leave the id to its default.';
    END IF;
    PERFORM artwork_migration.count_use(TG_OP);
    PERFORM SET_CONFIG('artwork_migration.inserted', NEW.id::text, TRUE);
    INSERT INTO artwork_migration.legacy_names_write (id) VALUES (NEW.id)
    ON CONFLICT (id) DO UPDATE SET written_at = EXCLUDED.written_at;
  END IF;
  SELECT x.* INTO l FROM artwork_migration.legacy_artwork AS x WHERE x.id = NEW.id;
  IF
    %4$L AND (TG_OP = 'INSERT' OR RECORD_IMAGE_NE(ROW(NEW.access_token), ROW(OLD.access_token)))
    AND EXISTS (SELECT FROM public.artworks AS c WHERE c.access_token = l.access_token AND c.id <> l.id)
  THEN
    RAISE EXCEPTION USING
      ERRCODE = '23505',
      MESSAGE = FORMAT('the access token of artwork %%s is that of another artwork', NEW.id),
      HINT = 'To fix: use another token.';
  END IF;
  IF TG_OP = 'UPDATE' AND EXISTS (SELECT FROM public.artworks AS c WHERE c.id = NEW.id) THEN
    IF RECORD_IMAGE_NE(ROW(%1$s), ROW(%2$s)) THEN
      INSERT INTO artwork_migration.clean_modified (id) VALUES (NEW.id) ON CONFLICT (id) DO NOTHING;
      PERFORM artwork_migration.widen_search_path();
      UPDATE public.artworks AS c
      SET
        %3$s
      WHERE c.id OPERATOR(pg_catalog.=) NEW.id;
    END IF;
  ELSIF
    l.defect IS NULL AND l.disposition NOT IN ('test_data', 'no_email', 'no_access_token')
    AND (l.disposition = 'eligible' OR NOT 'migrated-missing' IN (l.pet_mom_image_url, l.pet_image_url))
  THEN
    PERFORM artwork_migration.serve_row(NEW.id);
  END IF;
  RETURN NULL;
END
$body$$do$,
      i.after,
      i.before,
      i.assigned,
      -- where the old table allows a token twice, so does this
      EXISTS (
        SELECT FROM pg_catalog.pg_index AS x
        INNER JOIN pg_catalog.pg_attribute AS a ON x.indrelid = a.attrelid AND a.attname = 'access_token'
        WHERE x.indrelid = 'public.artworks'::regclass AND x.indisunique AND x.indnkeyatts = 1 AND x.indkey[0] = a.attnum
      )
    ),
    'DROP FUNCTION artwork_migration.serve_retired()'
  FROM (
    SELECT
      STRING_AGG(FORMAT('NEW.%I', m.legacy_column), ', ' ORDER BY m.position) FILTER (WHERE m.clean_column <> 'updated_at') AS after,
      STRING_AGG(FORMAT('OLD.%I', m.legacy_column), ', ' ORDER BY m.position) FILTER (WHERE m.clean_column <> 'updated_at') AS before,
      STRING_AGG(
        FORMAT(
          '%2$I = CASE WHEN pg_catalog.RECORD_IMAGE_NE(ROW(NEW.%1$I), ROW(OLD.%1$I)) THEN l.%2$I ELSE c.%2$I END',
          m.legacy_column, m.clean_column
        ),
        E',\n        ' ORDER BY m.position
      ) AS assigned
    FROM mapping AS m
    WHERE m.on_update
  ) AS i
  UNION ALL
  -- A table that references artworks gets a reference to a row that only the retired table has: the row is moved over first, however
  -- complete it is, if the serving table can hold it. It waits for who writes or moves the row, and then it may be another row, or served.
  SELECT
    7,
    'artwork_migration.serve_referenced',
    $do$CREATE FUNCTION artwork_migration.serve_referenced() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = off
AS $body$
DECLARE
  artwork_id CONSTANT uuid := TO_JSONB(NEW) ->> TG_ARGV[0];
BEGIN
  IF NOT legacy_names.is_only_retired(artwork_id, NULL) OR NOT EXISTS (SELECT FROM public.artworks_old AS a WHERE a.id = artwork_id) THEN
    RETURN NEW;
  END IF;
  INSERT INTO artwork_migration.legacy_names_write (id) VALUES (artwork_id)
  ON CONFLICT (id) DO UPDATE SET written_at = EXCLUDED.written_at;
  IF legacy_names.is_only_retired(artwork_id, NULL) AND EXISTS (
    SELECT FROM artwork_migration.legacy_artwork AS l
    WHERE l.id = artwork_id AND l.defect IS NULL AND l.disposition NOT IN ('no_email', 'no_access_token')
  ) THEN
    PERFORM SET_CONFIG('artwork_migration.legacy_names', 'on', TRUE);
    PERFORM artwork_migration.serve_row(artwork_id);
    PERFORM pg_catalog.SET_CONFIG('artwork_migration.legacy_names', '', TRUE);
  END IF;
  RETURN NEW;
END
$body$$do$,
    'DROP FUNCTION artwork_migration.serve_referenced()'
) AS o
WHERE EXISTS (SELECT FROM artwork_migration.legacy_names_object AS n WHERE n.oid = TO_REGCLASS('legacy_names.artworks'))
ORDER BY o.place, o.object
