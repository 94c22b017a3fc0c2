-- What: whether the legacy table keeps artworks from sharing an access token.
-- Why: where it does not, only the gate legacy_artworks knows how many do: counting them takes a look at every row.
-- Locks: none.
SELECT
  EXISTS(
    SELECT
    FROM pg_catalog.pg_index AS i
    INNER JOIN pg_catalog.pg_attribute AS a ON i.indrelid = a.attrelid AND i.indkey[0] = a.attnum
    WHERE
      i.indrelid = 'public.artworks'::regclass AND i.indisunique AND i.indisvalid AND i.indpred IS NULL
      AND i.indnkeyatts = 1 AND a.attname = 'access_token'
  ) AS token_is_unique
