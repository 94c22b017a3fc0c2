-- What: the retired table goes. THIS IS THE POINT OF NO RETURN: with the commit of this transaction its values are gone and phase CLEANED
--   is true; up to that commit nothing has changed.
-- Why: the safety window is over and nobody wants to go back. Without CASCADE: what still depended on it would make this fail. Its files
--   are removed after the locks are given back, so its size does not matter here.
-- Inverse: none; there is no way back.
-- Locks: ACCESS EXCLUSIVE on public.artworks_old and on what it references (public.users), taken before.
-- Stage: locked
/* THE POINT OF NO RETURN: with the commit the retired table is gone, and with it the way back. */
DROP TABLE public.artworks_old
