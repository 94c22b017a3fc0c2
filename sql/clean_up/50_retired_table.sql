-- What: drops the retired table. THIS IS THE POINT OF NO RETURN: with the commit of this transaction its values are lost and the phase is
--   CLEANED. Before that commit nothing has changed.
-- Why: the safety window is over. Without CASCADE: an object that still depends on the table makes this fail. Postgres removes the files
--   after it has released the locks, so the table's size does not matter here.
-- Inverse: none; there is no roll back.
-- Locks: ACCESS EXCLUSIVE on public.artworks_old and on what it references (public.users), taken before.
-- Stage: locked
/* THE POINT OF NO RETURN: after the commit the retired table is gone, and no roll back is possible. */
DROP TABLE public.artworks_old
