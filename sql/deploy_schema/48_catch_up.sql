-- What: enter_fence, which stops an orphaned backend, and catch_up_batch, which makes the clean rows equal to the legacy rows.
-- Why: every other order of these statements lost writes: first take ids from the log, then lock the clean rows, and only then, in new
--   statements with new snapshots, read, decide and write. READ COMMITTED only. It is one function because the switch runs the same text
--   under its lock.
--   The comments "mapped" are explained in sql/__init__.py; `id` ends each list of columns.
-- Locks: when called, the fence, user rows it creates or names as owners, and the clean rows of the batch. A row that another session
--   has locked is left to a later batch. It never locks a legacy row.
-- Stage: prepare

-- A carried column may be called like a variable: every column here is named with its table.

-- The fence is an advisory lock (key: sql/locks.sql) held to the end of the transaction: shared by chunks, exclusive by catch-up. No run
-- begins before it is free. Returns whether it was acquired; the caller retries, because waiting in the lock manager would make
-- CREATE INDEX CONCURRENTLY wait.
CREATE FUNCTION artwork_migration.enter_fence(epoch bigint, exclusive boolean) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
  newest bigint;
  had boolean;
BEGIN
  IF exclusive THEN
    had := PG_TRY_ADVISORY_XACT_LOCK(1634890865, 2);
  ELSE
    had := PG_TRY_ADVISORY_XACT_LOCK_SHARED(1634890865, 2);
  END IF;
  IF had THEN
    SELECT MAX(h.run) INTO newest FROM artwork_migration.phase_history AS h;
    IF newest IS DISTINCT FROM epoch THEN
      RAISE EXCEPTION USING
        ERRCODE = '55000',
        MESSAGE = FORMAT('run %s was overtaken by run %s and may not write any more', epoch, newest);
    END IF;
  END IF;
  RETURN had;
END
$$;

-- Inserts anonymous users for e-mails without one, in their order; returns those that now have a user which no other transaction has
-- inserted meanwhile. Only if one of them is there after all, ON CONFLICT leaves it out, which costs half as much again. It names no key:
-- an e-mail that a unique index of the application takes for another spelling of an e-mail that is there is left out, as one is that a
-- trigger would store under another spelling.
CREATE FUNCTION artwork_migration.insert_users(absent text[]) RETURNS text[]
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
  insertion CONSTANT text := $insert$
    WITH born AS (
      INSERT INTO public.users (email, is_anonymous)
      SELECT e.email, TRUE FROM pg_catalog.UNNEST($1) AS e (email)
      %s
      RETURNING id, email
    ), noted AS (
      INSERT INTO artwork_migration.created_user (id) SELECT born.id FROM born
    )
    SELECT pg_catalog.ARRAY_AGG(born.email) FROM born
  $insert$;
  remaining text[] := absent;
  kept text[];
  created text[];
BEGIN
  PERFORM artwork_migration.widen_search_path();
  WHILE CARDINALITY(remaining) > 0 LOOP
    BEGIN
      BEGIN
        EXECUTE pg_catalog.FORMAT(insertion, '') INTO created USING remaining;
      EXCEPTION WHEN unique_violation OR exclusion_violation THEN
        EXECUTE pg_catalog.FORMAT(insertion, 'ON CONFLICT DO NOTHING') INTO created USING remaining;
      END;
      IF NOT EXISTS (SELECT pg_catalog.UNNEST(created) EXCEPT SELECT pg_catalog.UNNEST(remaining)) THEN
        RETURN created;
      END IF;
      -- A trigger has stored another e-mail than was given: nothing of it may stay, and the others are inserted without those e-mails.
      kept := ARRAY(
        SELECT e.email FROM pg_catalog.UNNEST(remaining) AS e (email)
        WHERE EXISTS (SELECT FROM public.users AS u WHERE u.email = e.email)
      );
      RAISE EXCEPTION USING ERRCODE = 'AM006', MESSAGE = 'the table users stores another e-mail than it was given';
    EXCEPTION WHEN SQLSTATE 'AM006' THEN
      EXIT WHEN CARDINALITY(kept) = CARDINALITY(remaining);
      remaining := kept;
    END;
  END LOOP;
  RETURN '{}';
END
$$;

-- Creates anonymous users for these e-mails and logs the other artworks of each e-mail: their owner has just come into being. If the table
-- refuses a user, the e-mails are halved until those are known that it refuses; `failed` counts them and those that were left out. Their
-- artworks have no user afterwards and go to quarantine. `refusal` is the last SQLSTATE and its object. An error that says nothing about
-- the row is raised again.
CREATE FUNCTION artwork_migration.create_users(emails text[], OUT created bigint, OUT failed bigint, OUT refusal text)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
  absent text[];
  born text[] := '{}';
  part text[];
  first integer := 1;
  size integer;
  object text;
BEGIN
  created := 0;
  failed := 0;
  -- Where no users are created no e-mail needs one, and the table may not exist.
  IF CARDINALITY(emails) = 0 THEN
    RETURN;
  END IF;
  -- small letters first: of two spellings that the table takes for one, that one gets the user
  absent := ARRAY(
    SELECT x.email FROM UNNEST(emails) AS x (email)
    WHERE NOT EXISTS (SELECT FROM public.users AS u WHERE u.email = x.email)
    GROUP BY x.email
    ORDER BY x.email <> LOWER(x.email), x.email
  );
  size := GREATEST(1, CARDINALITY(absent));
  WHILE first <= CARDINALITY(absent) LOOP
    part := absent[first:first + size - 1];
    BEGIN
      born := born || artwork_migration.insert_users(part);
      first := first + size;
      size := size * 2;
    EXCEPTION WHEN OTHERS THEN
      IF SQLSTATE ~ '^(08|25|40|53|55|57|58|AM|XX)' THEN
        RAISE;
      ELSIF CARDINALITY(part) > 1 THEN
        size := (CARDINALITY(part) + 1) / 2;
      ELSE
        GET STACKED DIAGNOSTICS object = CONSTRAINT_NAME;
        refusal := CONCAT_WS(' ', SQLSTATE, NULLIF(object, ''));
        first := first + 1;
      END IF;
    END;
  END LOOP;
  -- Until the copy has ended no index finds them, and only what the clean side has written is not in the log.
  IF CARDINALITY(born) > 0 AND (SELECT COUNT(*) > 0 AND COUNT(*) = COUNT(k.done_at) FROM artwork_migration.chunk AS k) THEN
    INSERT INTO artwork_migration.legacy_change (ids)
    SELECT ARRAY_AGG(c.id) FROM public.artworks_v2 AS c
    WHERE c.customer_email = ANY(born) AND c.user_id IS NULL
    HAVING COUNT(*) > 0;
  ELSIF CARDINALITY(born) > 0 THEN
    INSERT INTO artwork_migration.legacy_change (ids)
    SELECT ARRAY_AGG(c.id) FROM artwork_migration.clean_modified AS t INNER JOIN public.artworks_v2 AS c ON t.id = c.id
    WHERE c.customer_email = ANY(born) AND c.user_id IS NULL
    HAVING COUNT(*) > 0;
  END IF;
  created := CARDINALITY(born);
  SELECT COUNT(*) INTO failed
  FROM UNNEST(absent) AS x (email)
  WHERE NOT EXISTS (SELECT FROM public.users AS u WHERE u.email = x.email);
END
$$;

-- Logs the artworks that the e-mails, tokens and truncated tables in indirect_change concern. These are taken first and looked up in new
-- statements, which see every row that is there when the change is. Without sequential scans each of them is one look into the index if
-- there is one; custom plans, because only a known array is hashed if there is none.
CREATE FUNCTION artwork_migration.resolve_indirect_changes() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
  concerned text[];
  given_up text[];
  truncation boolean;
BEGIN
  WITH consumed AS (
    DELETE FROM artwork_migration.indirect_change AS i RETURNING i.emails, i.tokens, i.truncated
  )
  SELECT
    ARRAY_AGG(DISTINCT x.email) FILTER (WHERE x.email IS NOT NULL),
    ARRAY_AGG(DISTINCT x.token) FILTER (WHERE x.token IS NOT NULL),
    BOOL_OR(c.truncated)
  INTO concerned, given_up, truncation
  FROM consumed AS c LEFT JOIN LATERAL UNNEST(c.emails, c.tokens) AS x (email, token) ON TRUE;
  IF concerned IS NOT NULL THEN
    INSERT INTO artwork_migration.legacy_change (ids)
    SELECT ARRAY_AGG(l.id) FROM artwork_migration.legacy_artwork AS l WHERE l.customer_email = ANY(concerned)
    HAVING COUNT(*) > 0;
  END IF;
  IF given_up IS NOT NULL THEN
    INSERT INTO artwork_migration.legacy_change (ids)
    SELECT ARRAY_AGG(l.id) FROM artwork_migration.legacy_artwork AS l WHERE l.access_token = ANY(given_up)
    HAVING COUNT(*) > 0;
  END IF;
  IF truncation THEN
    INSERT INTO artwork_migration.legacy_change (ids)
    SELECT ARRAY_AGG(v.id) FROM artwork_migration.verdict AS v WHERE v.verdict IN ('extra', 'differs', 'quarantined')
    HAVING COUNT(*) > 0;
  END IF;
END
$$;

-- Takes log rows until it has batch_size ids and returns them, each once; what is beyond that goes back into the log. It reads ten times as
-- many entries, because under load a few ids are there again and again. `taken` counts repetitions too, but not what goes back: less than
-- batch_size means that the log is drained.
CREATE FUNCTION artwork_migration.take_changes(batch_size integer, OUT ids uuid[], OUT taken bigint)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
BEGIN
  WITH candidates AS (
    SELECT r.row_ctid, SUM(r.amount) OVER (ORDER BY r.row_ctid) - r.amount AS amount_before
    FROM (
      SELECT l.ctid AS row_ctid, CARDINALITY(l.ids) AS amount FROM artwork_migration.legacy_change AS l LIMIT batch_size * 10
    ) AS r
  ), consumed AS (
    DELETE FROM artwork_migration.legacy_change AS l
    WHERE l.ctid = ANY(ARRAY(SELECT c.row_ctid FROM candidates AS c WHERE c.amount_before < batch_size * 10))
    RETURNING l.ids
  )
  SELECT COALESCE(ARRAY_AGG(DISTINCT x.id), '{}'), COUNT(*)
  INTO take_changes.ids, take_changes.taken
  FROM consumed AS c CROSS JOIN LATERAL UNNEST(c.ids) AS x (id);
  IF CARDINALITY(take_changes.ids) > batch_size THEN
    -- At random, so that ids which have to wait keep no others from their turn. In slices: one large array would be sorted and written
    -- anew by every batch.
    take_changes.ids := ARRAY(SELECT x.id FROM UNNEST(take_changes.ids) AS x (id) ORDER BY RANDOM());
    INSERT INTO artwork_migration.legacy_change (ids)
    SELECT take_changes.ids[s.first:s.first + batch_size - 1]
    FROM GENERATE_SERIES(batch_size + 1, CARDINALITY(take_changes.ids), batch_size) AS s (first);
    take_changes.taken := take_changes.taken - CARDINALITY(take_changes.ids[batch_size + 1:]);
    take_changes.ids := take_changes.ids[:batch_size];
  END IF;
END
$$;

-- Decides anew which of these ids are in quarantine, and why: eligible, but the clean table cannot take the row, or there is no user to
-- own it: the table users has just refused one for that e-mail. A row without an owner for another reason, a user deleted or an e-mail
-- changed since, is in the log again; in quarantine it would lose what only the clean table has. Of two rows with one token the one
-- that the clean side works with is taken, or else the older; the token of a rejected clean write is not free until an operator has
-- decided. Returns the ids about which it has changed its mind.
CREATE FUNCTION artwork_migration.find_quarantined(judged uuid[], refused text[]) RETURNS uuid[]
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
  before uuid[];
  after uuid[];
BEGIN
  WITH old AS (
    DELETE FROM artwork_migration.quarantine AS q WHERE q.id = ANY(judged) RETURNING q.id
  )
  SELECT ARRAY_AGG(old.id) INTO before FROM old;
  WITH new AS (
    INSERT INTO artwork_migration.quarantine (id, reason)
    SELECT
      l.id,
      COALESCE(
        l.defect,
        CASE WHEN l.needs_user AND l.user_id IS NULL AND l.customer_email = ANY(refused) THEN 'no_user' END,
        'duplicate_access_token'
      )
    FROM artwork_migration.legacy_artwork AS l
    WHERE
      l.id = ANY(judged) AND l.disposition = 'eligible'
      AND (
        l.defect IS NOT NULL
        OR (l.needs_user AND l.user_id IS NULL AND l.customer_email = ANY(refused))
        OR EXISTS (
          SELECT FROM artwork_migration.legacy_artwork AS o
          WHERE
            o.access_token = l.access_token AND o.migratable
            AND (NOT o.touched, o.created_at, o.id) < (NOT l.touched, l.created_at, l.id)
        )
        OR EXISTS (
          SELECT FROM public.artworks_v2 AS c INNER JOIN artwork_migration.rejected_write AS r ON c.id = r.id
          WHERE c.access_token = l.access_token AND c.id <> l.id
        )
      )
    RETURNING quarantine.id
  )
  SELECT ARRAY_AGG(new.id) INTO after FROM new;
  RETURN ARRAY(
    (SELECT UNNEST(before) EXCEPT SELECT UNNEST(after))
    UNION ALL (SELECT UNNEST(after) EXCEPT SELECT UNNEST(before))
  );
END
$$;

-- The rows beside these that may win or lose a token with them: for each token that one of these has, in the legacy table or in the clean
-- one, the legacy row to which it belongs and the clean row that has it.
CREATE FUNCTION artwork_migration.rivals(ids uuid[]) RETURNS uuid[]
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
  tokens text[] := ARRAY(
    SELECT l.access_token FROM artwork_migration.legacy_artwork AS l WHERE l.id = ANY(ids) AND BTRIM(l.access_token) <> ''
    UNION
    SELECT c.access_token FROM public.artworks_v2 AS c WHERE c.id = ANY(ids) AND BTRIM(c.access_token) <> ''
  );
BEGIN
  RETURN ARRAY(
    (
      SELECT DISTINCT ON (l.access_token) l.id
      FROM artwork_migration.legacy_artwork AS l
      WHERE l.access_token = ANY(tokens) AND l.migratable
      ORDER BY l.access_token, NOT l.touched, l.created_at, l.id
    )
    UNION
    SELECT c.id FROM public.artworks_v2 AS c WHERE c.access_token = ANY(tokens)
    EXCEPT
    SELECT UNNEST(ids)
  );
END
$$;

-- Gives clean rows the ids that their legacy rows have got, so that what only the clean side holds is not lost with the old id. A row that
-- the backfill has copied under the new id makes room; if the clean side works with it already, it takes over what only the old one holds.
-- A change of a row that is `held`, and all that follow it, wait. Returns the held ids, theirs included.
CREATE FUNCTION artwork_migration.follow_keys(keys artwork_migration.key_change[], held uuid[]) RETURNS uuid[]
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
  moved artwork_migration.key_change;
BEGIN
  FOR moved IN SELECT k.* FROM UNNEST(keys) AS k ORDER BY k.number LOOP
    IF ARRAY[moved.old_id, moved.new_id] && held THEN
      held := held || ARRAY[moved.old_id, moved.new_id];
      CONTINUE;
    END IF;
    DELETE FROM artwork_migration.key_change AS k WHERE k.number = moved.number;
    -- the clean row of that time is gone (deploy_schema/46_write_through.sql: legacy_id)
    CONTINUE WHEN EXISTS (
      SELECT FROM artwork_migration.key_change AS k
      WHERE k.old_id = moved.old_id AND k.new_id = moved.old_id AND k.number > moved.number
    );
    DELETE FROM public.artworks_v2 AS c
    WHERE
      c.id = moved.new_id AND NOT EXISTS (SELECT FROM artwork_migration.clean_modified AS t WHERE t.id = c.id)
      AND EXISTS (SELECT FROM public.artworks_v2 AS o WHERE o.id = moved.old_id AND moved.old_id <> moved.new_id);
    UPDATE public.artworks_v2 AS c
    SET id = moved.new_id
    WHERE c.id = moved.old_id AND NOT EXISTS (SELECT FROM public.artworks_v2 AS n WHERE n.id = moved.new_id);
    UPDATE public.artworks_v2 AS c
    SET
      generation_started_at = COALESCE(c.generation_started_at, o.generation_started_at),
      generation_completed_at = COALESCE(c.generation_completed_at, o.generation_completed_at),
      upscale_started_at = COALESCE(c.upscale_started_at, o.upscale_started_at),
      fal_request_id = COALESCE(c.fal_request_id, o.fal_request_id),
      generation_params = COALESCE(c.generation_params, o.generation_params)
    FROM public.artworks_v2 AS o
    WHERE c.id = moved.new_id AND o.id = moved.old_id AND moved.old_id <> moved.new_id;
    INSERT INTO artwork_migration.clean_modified (id)
    SELECT moved.new_id FROM artwork_migration.clean_modified AS t WHERE t.id = moved.old_id
    ON CONFLICT (id) DO NOTHING;
  END LOOP;
  RETURN held;
END
$$;

-- Locks the users that will own rows of the batch, as the clean table's key would later: the deletion of a user locks them in this order,
-- user before artworks. Returns those that it has locked; one that is being deleted is left out.
CREATE FUNCTION artwork_migration.lock_owners(ids uuid[]) RETURNS uuid[]
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
  owners uuid[] := ARRAY(
    SELECT DISTINCT e.user_id FROM artwork_migration.expected_artwork AS e
    WHERE e.id = ANY(ids) AND e.migratable AND e.user_id IS NOT NULL AND e.user_id IS DISTINCT FROM (e.clean).user_id
  );
  locked uuid[] := '{}';
BEGIN
  IF CARDINALITY(owners) = 0 OR NOT (SELECT t.creates_users FROM artwork_migration.owner_table AS t) THEN
    RETURN owners;
  END IF;
  SELECT COALESCE(ARRAY_AGG(x.id), '{}') INTO locked
  FROM (SELECT u.id FROM public.users AS u WHERE u.id = ANY(owners) ORDER BY u.id FOR KEY SHARE SKIP LOCKED) AS x;
  RETURN locked;
END
$$;

-- Locks these clean rows, but no row that another session has locked: a session that waits while it holds rows may be waited for. If
-- all are locked by others, it waits for one: then it holds owners at most, and its turn comes however busy the row is. Returns the rows
-- that it could not lock.
CREATE FUNCTION artwork_migration.lock_clean_rows(ids uuid[]) RETURNS uuid[]
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
  locked uuid[] := ARRAY(SELECT c.id FROM public.artworks_v2 AS c WHERE c.id = ANY(ids) ORDER BY c.id FOR UPDATE SKIP LOCKED);
  rest uuid[] := ARRAY(SELECT c.id FROM public.artworks_v2 AS c WHERE c.id = ANY(ids) EXCEPT SELECT UNNEST(locked) ORDER BY 1);
BEGIN
  IF CARDINALITY(rest) > 0 AND CARDINALITY(rest) = CARDINALITY(ids) THEN
    PERFORM FROM public.artworks_v2 AS c WHERE c.id = rest[1] FOR UPDATE;
    rest := rest[2:];
  END IF;
  RETURN rest;
END
$$;

-- Applies these ids and key changes, and returns what it did. `later`: the ids that cannot be applied now. `stuck`: nothing was applied,
-- and nothing was found that makes it possible in the next batch.
CREATE FUNCTION artwork_migration.apply_changes(
  ids uuid[], keys artwork_migration.key_change[], OUT users_created bigint, OUT removed bigint, OUT written bigint, OUT later uuid[],
  OUT stuck boolean
)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
  emails text[] := ARRAY(
    SELECT DISTINCT l.customer_email FROM artwork_migration.legacy_artwork AS l WHERE l.id = ANY(ids) AND l.needs_user
  );
  refused text[] := '{}';
  holders uuid[];
  owners uuid[];
  others uuid[];
BEGIN
  SELECT n.created INTO users_created FROM artwork_migration.create_users(emails) AS n;
  -- without e-mails the table users may not exist
  IF CARDINALITY(emails) > 0 THEN
    refused := ARRAY(SELECT x.email FROM UNNEST(emails) AS x (email) WHERE NOT EXISTS (SELECT FROM public.users AS u WHERE u.email = x.email));
  END IF;
  owners := artwork_migration.lock_owners(ids);
  -- Tokens move and are swapped: a clean row beside the batch may hold the token of a row of the batch although its own is another one.
  holders := ARRAY(
    SELECT c.id
    FROM artwork_migration.legacy_artwork AS l
    INNER JOIN public.artworks_v2 AS c ON l.access_token = c.access_token
    INNER JOIN artwork_migration.legacy_artwork AS h ON c.id = h.id
    WHERE l.id = ANY(ids) AND l.id <> c.id AND h.access_token IS DISTINCT FROM c.access_token
    EXCEPT
    SELECT UNNEST(ids)
    EXCEPT
    SELECT r.id FROM artwork_migration.rejected_write AS r
  );
  later := artwork_migration.lock_clean_rows(ids || holders);
  later := artwork_migration.follow_keys(keys, later);

  -- From here each statement sees what was committed before the locks.
  ids := ARRAY(
    SELECT x.id FROM UNNEST(ids) AS x (id) WHERE NOT EXISTS (SELECT FROM artwork_migration.rejected_write AS r WHERE r.id = x.id)
    EXCEPT
    SELECT UNNEST(later)
  );
  holders := ARRAY(SELECT UNNEST(holders) EXCEPT SELECT UNNEST(later));
  others := ARRAY(
    SELECT UNNEST(artwork_migration.find_quarantined(ids || artwork_migration.rivals(ids), refused))
    EXCEPT
    SELECT UNNEST(ids)
  );

  -- A row whose legacy row has got another id since the keys were read waits for the next batch: it is not gone.
  DELETE FROM public.artworks_v2 AS c
  WHERE c.id = ANY(ids) AND NOT EXISTS (SELECT FROM artwork_migration.key_change AS k WHERE k.old_id = c.id) AND NOT EXISTS (
    SELECT FROM artwork_migration.legacy_artwork AS l
    WHERE
      l.id = c.id AND l.migratable
      AND NOT EXISTS (SELECT FROM artwork_migration.quarantine AS q WHERE q.id = l.id)
  );
  GET DIAGNOSTICS removed = ROW_COUNT;

  -- A token that is about to change is parked first, so that two rows can swap theirs. A holder beside the batch gets its own in the next.
  UPDATE public.artworks_v2 AS c
  SET access_token = 'parked:' || c.id
  FROM artwork_migration.legacy_artwork AS l
  WHERE c.id = ANY(ids || holders) AND l.id = c.id AND l.access_token IS DISTINCT FROM c.access_token;
  INSERT INTO artwork_migration.legacy_change (ids) SELECT holders || others WHERE CARDINALITY(holders || others) > 0;

  -- What waits for a token that a row still holds, or for an owner that is being deleted.
  later := later || ARRAY(
    SELECT e.id FROM artwork_migration.expected_artwork AS e
    WHERE
      e.id = ANY(ids) AND e.migratable
      AND NOT EXISTS (SELECT FROM artwork_migration.quarantine AS q WHERE q.id = e.id)
      AND (
        (e.user_id IS NOT NULL AND e.user_id IS DISTINCT FROM (e.clean).user_id AND e.user_id <> ALL(owners))
        OR EXISTS (SELECT FROM public.artworks_v2 AS o WHERE o.access_token = e.access_token AND o.id <> e.id)
      )
  );
  stuck := ids <@ later AND holders || others = '{}';
  ids := ARRAY(SELECT UNNEST(ids) EXCEPT SELECT UNNEST(later));

  INSERT INTO public.artworks_v2 AS c (
    /* mapped: @, */
    id
  )
  SELECT
    /* mapped: e.@, */
    e.id
  FROM artwork_migration.expected_artwork AS e
  WHERE
    e.id = ANY(ids) AND e.migratable
    AND NOT EXISTS (SELECT FROM artwork_migration.quarantine AS q WHERE q.id = e.id)
  ORDER BY e.id
  ON CONFLICT (id) DO UPDATE
  SET
    /* mapped: @ = EXCLUDED.@, */
    id = EXCLUDED.id
  -- what only the clean side holds is in no legacy row and makes no difference; a value that is only written in another way (1.0 and 1.00
  -- are equal) does
  WHERE RECORD_IMAGE_NE(
    ROW(
      /* mapped: c.@, */
      c.id
    ),
    ROW(
      /* mapped: EXCLUDED.@, */
      EXCLUDED.id
    )
  );
  GET DIAGNOSTICS written = ROW_COUNT;
END
$$;

-- Decides how the statements about so many ids are planned, until the end of the function that calls it, which must set plan_cache_mode. A
-- generic plan is made for ten rows: it reads for each of many rows what can be read once for all. For a few rows to plan takes longer than
-- to execute, and a session keeps the generic plan.
CREATE FUNCTION artwork_migration.plan_for(amount integer) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM SET_CONFIG('plan_cache_mode', CASE WHEN amount <= 100 THEN 'force_generic_plan' ELSE 'force_custom_plan' END, TRUE);
END
$$;

-- One batch, one transaction (READ COMMITTED). Returns what it did; `logged` is 0 when the log was empty. What cannot be applied now,
-- because another session has locked it, goes back into the log; `waiting` are these ids if nothing could be applied. With `in_flight` the
-- artworks in flight are carried over too, as before a switch: the webhook that ends a generation must find its row in the serving table.
CREATE FUNCTION artwork_migration.catch_up_batch(batch_size integer, in_flight boolean DEFAULT FALSE) RETURNS TABLE (
  logged bigint, users_created bigint, removed bigint, written bigint, waiting uuid[]
)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan
AS $$
#variable_conflict use_variable
DECLARE
  ids uuid[];
  later uuid[];
  stuck boolean;
  keys artwork_migration.key_change[];
BEGIN
  PERFORM SET_CONFIG('artwork_migration.apply', 'on', TRUE);
  SELECT t.ids, t.taken INTO ids, logged FROM artwork_migration.take_changes(batch_size) AS t;
  -- Read after the log, together with which they were written; those that are followed are deleted.
  keys := ARRAY(SELECT k FROM artwork_migration.key_change AS k ORDER BY k.number LIMIT batch_size);
  logged := GREATEST(logged, CARDINALITY(keys));
  IF logged = 0 THEN
    -- to plan the statements below takes longer than to execute them, and the last batch is under the locks of the switch
    users_created := 0;
    removed := 0;
    written := 0;
    waiting := '{}';
    RETURN NEXT;
    RETURN;
  END IF;
  ids := ARRAY(
    SELECT UNNEST(ids)
    UNION
    SELECT UNNEST(ARRAY[k.old_id, k.new_id]) FROM UNNEST(keys) AS k
  );
  PERFORM artwork_migration.plan_for(CARDINALITY(ids));
  BEGIN
    IF in_flight THEN
      INSERT INTO artwork_migration.clean_modified (id)
      SELECT l.id FROM artwork_migration.legacy_artwork AS l WHERE l.id = ANY(ids) AND l.disposition = 'in_flight' ORDER BY l.id
      ON CONFLICT (id) DO NOTHING;
    END IF;
    SELECT a.users_created, a.removed, a.written, a.later, a.stuck
    INTO users_created, removed, written, later, stuck
    FROM artwork_migration.apply_changes(ids, keys) AS a;
  EXCEPTION WHEN lock_not_available THEN
    users_created := 0;
    removed := 0;
    written := 0;
    later := ids;
    stuck := TRUE;
  END;
  later := ARRAY(SELECT UNNEST(ids) INTERSECT SELECT UNNEST(later));
  INSERT INTO artwork_migration.legacy_change (ids) SELECT later WHERE CARDINALITY(later) > 0;
  waiting := CASE WHEN stuck THEN later ELSE '{}' END;
  RETURN NEXT;
END
$$;

-- Undo:
DROP FUNCTION artwork_migration.catch_up_batch(integer, boolean);
DROP FUNCTION artwork_migration.plan_for(integer);
DROP FUNCTION artwork_migration.apply_changes(uuid[], artwork_migration.key_change[]);
DROP FUNCTION artwork_migration.lock_clean_rows(uuid[]);
DROP FUNCTION artwork_migration.lock_owners(uuid[]);
DROP FUNCTION artwork_migration.follow_keys(artwork_migration.key_change[], uuid[]);
DROP FUNCTION artwork_migration.rivals(uuid[]);
DROP FUNCTION artwork_migration.find_quarantined(uuid[], text[]);
DROP FUNCTION artwork_migration.take_changes(integer);
DROP FUNCTION artwork_migration.resolve_indirect_changes();
DROP FUNCTION artwork_migration.create_users(text[]);
DROP FUNCTION artwork_migration.insert_users(text[]);
DROP FUNCTION artwork_migration.enter_fence(bigint, boolean);
