-- What: the triggers that the executed plan made and that are gone now, or do not always fire.
-- Why: what capture or write-through does not see is not caught up; pg_restore and ALTER TABLE … DISABLE TRIGGER ALL say nothing of it.
-- Locks: none.
SELECT FORMAT('trigger %s on %s', w.parts[2], w.parts[1]) AS subject
FROM UNNEST(CAST(:statements AS text[])) AS s (statement)
CROSS JOIN LATERAL REGEXP_MATCHES(s.statement, 'ALTER TABLE ([^;\n]+) ENABLE ALWAYS TRIGGER ("(?:[^"]|"")+"|\w+)', 'g') AS w (parts)
WHERE
  NOT EXISTS (
    SELECT FROM pg_catalog.pg_trigger AS g
    WHERE g.tgrelid = TO_REGCLASS(w.parts[1]) AND QUOTE_IDENT(g.tgname) = w.parts[2] AND g.tgenabled = 'A'
  )
ORDER BY 1
