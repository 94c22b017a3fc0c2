-- What: a text column of the mapping whose collation finds different texts equal, or that cannot be compared with the e-mails of users.
-- Why: the mapping compares text by text: with such a collation one e-mail matches several users. Two collations that are both not the
--   default make the comparison an error.
-- Locks: none.
-- Remedy: Give the column a collation with which it can be compared, in a separate change. Views and policies that read the column have to
--   be dropped before and created after it.
SELECT
  'public.artworks.' || a.attname AS subject,
  CASE
    WHEN
      c.collisdeterministic
      THEN FORMAT('its collation is %s, and that of users.email is %s.', c.oid::regcollation, u.attcollation::regcollation)
    ELSE FORMAT('its collation %s finds different texts equal.', c.oid::regcollation)
  END AS problem,
  CASE
    WHEN
      NOT EXISTS (
        SELECT FROM pg_catalog.pg_depend AS d
        WHERE
          d.refclassid = 'pg_class'::regclass AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum
          AND d.classid IN ('pg_rewrite'::regclass, 'pg_policy'::regclass, 'pg_trigger'::regclass)
      )
      THEN FORMAT(
        'ALTER TABLE public.artworks ALTER COLUMN %I TYPE %s COLLATE %s',
        a.attname,
        FORMAT_TYPE(a.atttypid, a.atttypmod),
        CASE WHEN c.collisdeterministic THEN u.attcollation::regcollation ELSE 'pg_catalog."default"'::regcollation END
      )
  END AS statement
FROM pg_catalog.pg_attribute AS a
INNER JOIN pg_catalog.pg_collation AS c ON a.attcollation = c.oid
LEFT JOIN pg_catalog.pg_attribute AS u
  ON
    CAST(:creates_users AS boolean) AND a.attname = 'customer_email'
    AND u.attrelid = TO_REGCLASS('public.users') AND u.attname = 'email' AND NOT u.attisdropped
    AND a.attcollation <> u.attcollation
    AND 'pg_catalog."default"'::regcollation NOT IN (a.attcollation, u.attcollation)
WHERE
  a.attrelid = TO_REGCLASS('public.artworks') AND NOT a.attisdropped
  AND EXISTS (
    SELECT FROM JSONB_TO_RECORDSET(CAST(:mapping AS jsonb)) AS m (legacy_column text, data_type text)
    WHERE m.legacy_column = a.attname AND m.data_type = 'text'
  )
  AND (NOT c.collisdeterministic OR u.attname IS NOT NULL)
ORDER BY a.attnum
