-- What: get_customer_artworks goes.
-- Why: after roll_back(to=NOT_STARTED) nothing of ours remains.
-- Inverse: 63_get_customer_artworks.sql
-- Locks: none on a table of the application.
DROP FUNCTION public.get_customer_artworks(text);
