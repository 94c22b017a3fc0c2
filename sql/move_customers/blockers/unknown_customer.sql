-- What: e-mails of the move that no artwork has, by their place in the list: an address is not shown.
-- Why: a mistyped address would move nobody, and the operator would believe that it has moved a customer. Who was moved by the e-mail can
--   be moved again, also without an artwork.
-- Locks: ACCESS SHARE on both tables.
-- Remedy: Correct the e-mail, or leave it out, then plan again.
SELECT
  FORMAT('e-mail %s of %s', w.place, CARDINALITY(CAST(:keys AS text[]))) AS subject,
  'no artwork has it, in any spelling.' AS problem
FROM UNNEST(CAST(:keys AS text[])) WITH ORDINALITY AS w (key, place)
LEFT JOIN (
  SELECT a.key FROM artwork_migration.customer_artwork AS a
  UNION
  SELECT o.key FROM artwork_migration.single_served AS o
) AS known ON DECODE(w.key, 'hex') = known.key
WHERE known.key IS NULL
ORDER BY w.place
