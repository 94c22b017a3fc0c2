-- What: the artworks that catch-up has still to check: their id is in the log, or its change is in key_change or indirect_change.
-- Why: what differs and is listed here is in transit: a change and its log entry become visible together. A user's e-mail or a truncated
--   table is resolved by whoever reads it, because the writer's snapshot may not have shown every artwork. After a truncated table each
--   clean row may be one that nothing references any more.
-- Locks: ACCESS SHARE on public.artworks, public.artworks_v2 and public.users.
-- Stage: prepare
CREATE VIEW artwork_migration.pending_artwork AS
SELECT x.id FROM artwork_migration.legacy_change AS l CROSS JOIN LATERAL UNNEST(l.ids) AS x (id)
UNION ALL
SELECT x.id FROM artwork_migration.key_change AS k CROSS JOIN LATERAL (VALUES (k.old_id), (k.new_id)) AS x (id)
UNION ALL
SELECT a.id
FROM artwork_migration.indirect_change AS i
CROSS JOIN LATERAL UNNEST(i.emails) AS x (email)
INNER JOIN artwork_migration.legacy_artwork AS a ON x.email = a.customer_email
UNION ALL
SELECT c.id FROM public.artworks_v2 AS c WHERE EXISTS (SELECT FROM artwork_migration.indirect_change AS i WHERE i.truncated);

-- Undo:
DROP VIEW artwork_migration.pending_artwork;
