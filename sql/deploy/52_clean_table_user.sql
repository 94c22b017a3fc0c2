-- What: the clean table's foreign key to users. The table is empty, so there is nothing to validate.
-- Why: deleting a user worked before and must go on working (SET NULL, as the legacy key does); a claimed user may change its id (CASCADE).
-- Inverse: 20_clean_table.undo.sql, the table goes as a whole.
-- Locks: SHARE ROW EXCLUSIVE on public.users, taken before.
-- Stage: locked
ALTER TABLE public.artworks_v2
ADD CONSTRAINT artworks_v2_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE SET NULL ON UPDATE CASCADE;
