-- What: how many rows the legacy table has.
-- Why: the sum of law 1 is held against this plain count, taken in the transaction of look.sql.
-- Locks: ACCESS SHARE on public.artworks.
SELECT COUNT(*) FROM public.artworks
