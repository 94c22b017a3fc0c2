-- What: what goes with the retired table, and the functions whose text names what goes.
-- Why: whoever approves the clean-up must know what is given up; a text is bound to nothing, so no dependency tells of it.
-- Locks: ACCESS SHARE on both tables.
SELECT
  (SELECT COUNT(*) FROM public.artworks_old) AS retired_rows,
  (
    SELECT COUNT(*) FROM public.artworks_old AS a WHERE NOT EXISTS (SELECT FROM public.artworks AS c WHERE c.id = a.id)
  ) AS retired_rows_that_do_not_serve,
  PG_SIZE_PRETTY(PG_TOTAL_RELATION_SIZE('public.artworks_old')) AS retired_size,
  ARRAY(
    SELECT p.oid::regprocedure::text
    FROM pg_catalog.pg_proc AS p
    WHERE
      p.pronamespace NOT IN ('artwork_migration'::regnamespace, 'pg_catalog'::regnamespace)
      AND p.prosrc ~* '\m(artworks_v2|artworks_old|artwork_migration)\M'
    ORDER BY 1
  ) AS functions_whose_text_names_what_goes
