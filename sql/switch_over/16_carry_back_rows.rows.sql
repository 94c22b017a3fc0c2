-- What: the function that makes retired rows what the serving rows of the same ids are, in these clean columns (NULL: in all): three-way,
--   column by column. And the one that returns the columns in which a row is still to be carried back.
-- Why: a legacy value is replaced only if the mapping of it differs from the serving row. So what the clean table never had, or has only as
--   its nearest value, stays. A carried value differs also if it is only written in another way (1.0 and 1.00 are equal). A token that is
--   about to change is parked first, also at a row whose own turn comes later: it is in the log. Called by carry_back_batch. Like
--   write-through, it is made of mapping.sql and of the columns that this deployment has. It is called for single rows too, and has one
--   plan for all calls: to plan it anew would take longer than to execute it.
-- Inverse: in the rows.
-- Locks: when called, the retired rows.
-- Stage: prepare
WITH mapping AS (
  SELECT
    m.position,
    m.clean_column,
    m.legacy_column,
    m.on_update,
    REPLACE(m.back, '@', FORMAT('c.%I', m.clean_column)) AS back,
    FORMAT(
      CASE WHEN m.carried THEN 'RECORD_IMAGE_NE(ROW(l.%1$I), ROW(c.%1$I))' ELSE 'l.%1$I IS DISTINCT FROM c.%1$I' END, m.clean_column
    ) AS differs
  FROM
    JSONB_TO_RECORDSET(CAST(:mapping AS jsonb))
      AS m (position int, clean_column text, legacy_column text, on_update boolean, back text, carried boolean)
  INNER JOIN pg_catalog.pg_attribute AS a
    ON m.legacy_column = a.attname AND a.attrelid = 'public.artworks'::regclass AND NOT a.attisdropped
)

SELECT
  'artwork_migration.carry_back_rows' AS object,
  FORMAT(
    $do$CREATE FUNCTION artwork_migration.carry_back_rows(ids uuid[], columns text[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
AS $body$
BEGIN
  UPDATE public.artworks_old AS a
  SET access_token = 'parked:' || a.id
  FROM public.artworks AS s
  WHERE
    COALESCE('access_token' = ANY(columns), TRUE) AND s.id = a.id AND s.access_token IS DISTINCT FROM a.access_token
    AND (
      a.id = ANY(ids) OR a.access_token = ANY(ARRAY(SELECT c.access_token FROM public.artworks AS c WHERE c.id = ANY(ids)))
    );
  UPDATE public.artworks_old AS a
  SET
    %s
  FROM artwork_migration.legacy_artwork AS l INNER JOIN public.artworks AS c ON l.id = c.id
  WHERE a.id = l.id AND c.id = ANY(ids) AND (%s);
  INSERT INTO public.artworks_old (%s)
  SELECT %s
  FROM public.artworks AS c
  WHERE c.id = ANY(ids) AND NOT EXISTS (SELECT FROM public.artworks_old AS a WHERE a.id = c.id);
END
$body$$do$,
    STRING_AGG(
      FORMAT(
        '%1$I = CASE WHEN %2$s AND COALESCE(%3$L = ANY(columns), TRUE) THEN %4$s ELSE a.%1$I END',
        m.legacy_column, m.differs, m.clean_column, m.back
      ), E',\n    ' ORDER BY m.position
    ) FILTER (WHERE m.on_update),
    STRING_AGG(m.differs, E'\n    OR ' ORDER BY m.position) FILTER (WHERE m.on_update),
    STRING_AGG(QUOTE_IDENT(m.legacy_column), ', ' ORDER BY m.position),
    STRING_AGG(m.back, ', ' ORDER BY m.position)
  ) AS "do",
  'DROP FUNCTION artwork_migration.carry_back_rows(uuid[], text[])' AS undo
FROM mapping AS m
UNION ALL
SELECT
  'artwork_migration.columns_to_carry_back' AS object,
  FORMAT(
    $do$CREATE FUNCTION artwork_migration.columns_to_carry_back(artwork_id uuid) RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
  RETURN COALESCE(
    (
      SELECT ARRAY_REMOVE(ARRAY[%s], NULL)
      FROM artwork_migration.legacy_artwork AS l INNER JOIN public.artworks AS c ON l.id = c.id
      WHERE c.id = artwork_id
    ),
    '{}'
  );
END
$body$$do$,
    STRING_AGG(FORMAT('CASE WHEN %s THEN %L END', m.differs, m.clean_column), ', ' ORDER BY m.position) FILTER (WHERE m.on_update)
  ) AS "do",
  'DROP FUNCTION artwork_migration.columns_to_carry_back(uuid)' AS undo
FROM mapping AS m
