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
) AS s (name, setting)
