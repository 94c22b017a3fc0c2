-- What the gate after the switch reads and saves, beside verify/compare.sql and verify/acceptance_test.sql.

-- name: forget
-- What: deletes the verdict counts of an earlier comparison in the same run.
-- Why: a run of switch_over has compared before the switch, and its report must say what holds after it.
-- Locks: none on a table of the application.
DELETE FROM artwork_migration.reconciliation AS r
WHERE r.run = :run;

-- name: compared
-- What: how many rows have a verdict, how many of them are rows of the retired table, and a plain count of that table.
-- Why: a rule that checked nothing has failed, and the sum of law 1 must equal the count. Run it in the transaction of verify/compare.sql.
-- Locks: ACCESS SHARE on public.artworks_old.
SELECT
  COALESCE(SUM(r.row_count), 0)::bigint AS checked,
  COALESCE(SUM(r.row_count) FILTER (WHERE r.legacy_row), 0)::bigint AS in_sum,
  (SELECT COUNT(*) FROM public.artworks_old) AS retired_rows
FROM artwork_migration.reconciliation AS r
WHERE r.run = :run;

-- name: log
-- What: saves the size of the serving table's log: its ids, those that are not carried back yet, bytes, and its age.
-- Why: the roll back carries them back; an operator who watches the safety window sees the log grow.
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
-- Why: the same row must have the same fingerprint later, whatever an operator has set for the database or the role meanwhile.
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
-- What: returns the query for the retired table's fingerprint: the number of its rows and the sum of the hashes of their texts.
-- Why: every type has a text, but not every type a hash. The sum does not depend on the order of the rows. user_id is left out: deleting a
--   user changes it. row_counter shows how many rows are read (progress.sql).
-- Locks: none.
SELECT
  FORMAT(
    'SELECT COUNT(NEXTVAL(''artwork_migration.row_counter'')) AS row_count,'
    || ' COALESCE(SUM(HASHTEXTEXTENDED(ROW(%s)::text, 0)::numeric), 0)::text AS hash_sum'
    || ' FROM public.artworks_old AS a',
    STRING_AGG(FORMAT('a.%I', a.attname), ', ' ORDER BY a.attnum)
  ) AS query
FROM pg_catalog.pg_attribute AS a
WHERE a.attrelid = 'public.artworks_old'::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attname <> 'user_id';

-- name: renew_fingerprint
-- What: saves a fingerprint of the retired table as a completed step.
-- Why: the retired table is compared with the newest fingerprint. Its time is the begin of the transaction, so what is carried back later
--   has a later time.
-- Locks: none on a table of the application.
INSERT INTO artwork_migration.step (run, name, begun_at, done_at, details)
VALUES (:run, :step, NOW(), CLOCK_TIMESTAMP(), CAST(:details AS jsonb))
ON CONFLICT (run, name) DO UPDATE SET begun_at = excluded.begun_at, done_at = excluded.done_at, details = excluded.details;

-- name: fingerprint_kept
-- What: the newest fingerprint of the retired table since the switch, and whether rows were carried back, or written through legacy_names,
--   after it.
-- Why: both write to the retired table rightly, and no fingerprint can distinguish that from other writes.
-- Locks: none.
SELECT
  s.details,
  EXISTS(
    SELECT FROM artwork_migration.clean_change AS c WHERE c.carried_back AND c.changed_at > s.begun_at
  ) AS carried_back_since,
  EXISTS(SELECT FROM artwork_migration.legacy_names_write AS w WHERE w.written_at > s.begun_at) AS written_since
FROM artwork_migration.step AS s
WHERE s.name = :step AND s.done_at IS NOT NULL AND s.run >= :switch_run
ORDER BY s.begun_at DESC
LIMIT 1;
