-- What the gate after the switch asks beside verify/compare.sql and verify/acceptance_test.sql.

-- name: forget
-- What: forgets the verdict counts of an earlier look in the same run.
-- Why: the run that switches over has compared before it, and its report tells what holds after it.
-- Locks: none on a table of the application.
DELETE FROM artwork_migration.reconciliation AS r
WHERE r.run = :run;

-- name: compared
-- What: how many rows have a verdict, and how many of them are rows of the retired table, beside a plain count of that table.
-- Why: a rule that checked nothing has failed, and the sum of law 1 is held against the count. Run it in the transaction of
--   verify/compare.sql.
-- Locks: ACCESS SHARE on public.artworks_old.
SELECT
  COALESCE(SUM(r.row_count), 0)::bigint AS checked,
  COALESCE(SUM(r.row_count) FILTER (WHERE r.legacy_row), 0)::bigint AS in_sum,
  (SELECT COUNT(*) FROM public.artworks_old) AS retired_rows
FROM artwork_migration.reconciliation AS r
WHERE r.run = :run;

-- name: log
-- What: notes how long the log of the serving table has become: ids, those of them that are still to carry back, bytes, and its age.
-- Why: the way back carries them; whoever watches the window sees it grow.
-- Locks: none on a table of the application.
INSERT INTO artwork_migration.statistic (run, name, label, detail, value)
SELECT
  :run,
  'clean_log',
  f.label,
  '',
  f.value
FROM (
  SELECT
    COALESCE(SUM(CARDINALITY(c.ids)), 0) AS ids,
    COALESCE(SUM(CARDINALITY(c.ids)) FILTER (WHERE NOT c.carried_back), 0) AS to_carry_back,
    COALESCE(FLOOR(EXTRACT(EPOCH FROM NOW() - MIN(c.changed_at)) / 3600), 0) AS hours
  FROM artwork_migration.clean_change AS c
) AS l
CROSS JOIN
  LATERAL (
    VALUES
    ('ids', l.ids),
    ('to carry back', l.to_carry_back),
    ('hours since its first', l.hours),
    ('bytes', PG_TOTAL_RELATION_SIZE('artwork_migration.clean_change')::numeric)
  ) AS f (label, value)
ON CONFLICT (run, name, label, detail) DO UPDATE SET value = excluded.value;

-- name: text_settings
-- What: sets, for the transaction, every setting that the text of a value depends on.
-- Why: the same row must have the same fingerprint tomorrow, whatever an operator has changed for the database or the role meanwhile.
-- Locks: none.
SELECT SET_CONFIG(s.name, s.setting, TRUE)
FROM (
  VALUES
  ('TimeZone', 'UTC'),
  ('DateStyle', 'ISO, YMD'),
  ('IntervalStyle', 'postgres'),
  ('extra_float_digits', '1'),
  ('bytea_output', 'hex'),
  ('lc_monetary', 'C'),
  ('quote_all_identifiers', 'off')
) AS s (name, setting);

-- name: fingerprint
-- What: makes the query that takes the retired table's fingerprint: its rows counted and the hashes of their text summed up.
-- Why: every type has a text, but not every one a hash. The sum does not depend on the order of the rows. user_id is left out: deleting a
--   user changes it.
-- Locks: none.
SELECT
  FORMAT(
    'SELECT COUNT(*) AS row_count, COALESCE(SUM(HASHTEXTEXTENDED(ROW(%s)::text, 0)::numeric), 0)::text AS hash_sum'
    || ' FROM public.artworks_old AS a',
    STRING_AGG(FORMAT('a.%I', a.attname), ', ' ORDER BY a.attnum)
  ) AS query
FROM pg_catalog.pg_attribute AS a
WHERE a.attrelid = 'public.artworks_old'::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attname <> 'user_id';

-- name: renew_fingerprint
-- What: notes a fingerprint of the retired table as a step that is done.
-- Why: the newest one is what the retired table is held against. It begins with its transaction, so what is carried back later is later.
-- Locks: none on a table of the application.
INSERT INTO artwork_migration.step (run, name, begun_at, done_at, details)
VALUES (:run, :step, NOW(), CLOCK_TIMESTAMP(), CAST(:details AS jsonb))
ON CONFLICT (run, name) DO UPDATE SET begun_at = excluded.begun_at, done_at = excluded.done_at, details = excluded.details;

-- name: fingerprint_kept
-- What: the newest fingerprint of the retired table that was taken since the switch, and whether rows were carried back after it.
-- Why: what a roll-back that did not end has carried back is written to the retired table rightly, and no fingerprint can tell it from
--   other writes.
-- Locks: none.
SELECT
  s.details,
  EXISTS(
    SELECT FROM artwork_migration.clean_change AS c WHERE c.carried_back AND c.changed_at > s.begun_at
  ) AS carried_back_since
FROM artwork_migration.step AS s
WHERE s.name = :step AND s.done_at IS NOT NULL AND s.run >= :switch_run
ORDER BY s.begun_at DESC
LIMIT 1;
