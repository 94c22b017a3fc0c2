-- What: the artworks of each customer in both tables, by the key of the e-mail.
-- Why: the plan of a move counts them, its gate judges them, and the report counts them.
-- Locks: ACCESS SHARE on both tables.
-- Stage: prepare
CREATE VIEW artwork_migration.customer_artwork AS
SELECT
  x.id,
  x.is_clean,
  x.key,
  artwork_migration.customer_bucket(x.key) AS bucket
FROM (
  SELECT
    a.id,
    FALSE AS is_clean,
    artwork_migration.customer_key(a.customer_email::text) AS key
  FROM public.artworks AS a
  WHERE BTRIM(a.customer_email::text, E' \t\r\n') <> ''
  UNION ALL
  SELECT
    c.id,
    TRUE AS is_clean,
    artwork_migration.customer_key(c.customer_email) AS key
  FROM public.artworks_v2 AS c
  WHERE BTRIM(c.customer_email, E' \t\r\n') <> ''
) AS x;

-- Undo:
DROP VIEW artwork_migration.customer_artwork;
