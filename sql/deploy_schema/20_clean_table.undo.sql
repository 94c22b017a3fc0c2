-- What: the clean table goes.
-- Why: every write to it stands in the legacy table already; values that only it can hold were exported before.
-- Inverse: 20_clean_table.sql
-- Locks: ACCESS EXCLUSIVE on public.artworks_v2, and on public.users because of the foreign key that is there after the copy.
DROP TABLE public.artworks_v2;
