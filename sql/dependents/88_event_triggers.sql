-- What: the database's event triggers that DDL fires.
-- Why: every verb that creates or drops something calls them, inside its own transaction and under its locks.
-- Locks: none.
SELECT
  QUOTE_IDENT(e.evtname) AS object,
  CASE e.evtenabled
    WHEN 'D' THEN 'disabled: nothing happens'
    ELSE
      FORMAT(
        'fires on %s for %s at deploy-schema, the switch, the rollback and the clean-up: if it raises, nothing of them is done',
        e.evtevent, COALESCE('each ' || ARRAY_TO_STRING(e.evttags, ', '), 'every DDL')
      )
  END AS action
FROM pg_catalog.pg_event_trigger AS e
WHERE e.evtevent <> 'login'
ORDER BY 1
