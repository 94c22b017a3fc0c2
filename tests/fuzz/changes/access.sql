-- name: force_rls_orders
-- What: orders has FORCE ROW LEVEL SECURITY
ALTER TABLE orders FORCE ROW LEVEL SECURITY;
-- name: force_rls_artworks
-- What: artworks has FORCE ROW LEVEL SECURITY
ALTER TABLE artworks FORCE ROW LEVEL SECURITY;
-- name: force_rls_users
-- What: users has FORCE ROW LEVEL SECURITY
ALTER TABLE users ENABLE ROW LEVEL SECURITY;
ALTER TABLE users FORCE ROW LEVEL SECURITY;
-- name: force_rls_later
-- What: orders gets FORCE ROW LEVEL SECURITY
-- At: migrated
ALTER TABLE orders FORCE ROW LEVEL SECURITY;
-- name: force_rls_switched
-- What: orders gets FORCE ROW LEVEL SECURITY
-- At: switched
ALTER TABLE orders FORCE ROW LEVEL SECURITY;
-- name: no_rls
-- What: artworks has no row level security (RLS), and every client may read it
ALTER TABLE artworks DISABLE ROW LEVEL SECURITY;
GRANT SELECT ON artworks TO anon, authenticated;
-- name: restrictive_policy
-- What: a restrictive policy hides some artworks
CREATE POLICY hidden ON artworks AS RESTRICTIVE FOR SELECT USING (pet_name IS DISTINCT FROM 'Rex');
-- name: policy_on_vanishing
-- What: a policy reads a column that goes away (original_image_url)
CREATE POLICY not_test ON artworks AS RESTRICTIVE FOR SELECT USING (original_image_url NOT LIKE 'test-%');
-- name: grant_on_vanishing
-- What: a client may read a column that goes away (original_image_url)
GRANT SELECT (original_image_url, original_pet_url) ON artworks TO anon;
-- name: reader_role
-- What: a role for reports may read artworks, with the right to grant it on
GRANT SELECT ON artworks, orders TO shop_reader WITH GRANT OPTION;
-- name: owner_of_views
-- What: a view of artworks belongs to another role
GRANT SELECT ON artworks TO shop_reader;
CREATE VIEW report AS SELECT id, pet_name FROM artworks;
ALTER VIEW report OWNER TO shop_reader;
-- name: orders_of_another
-- What: orders belongs to another role
ALTER TABLE orders OWNER TO shop_reader;
-- name: artworks_of_another
-- What: artworks belongs to another role
ALTER TABLE artworks OWNER TO shop_reader;
-- name: default_privileges_all
-- What: default privileges hand out every new object to every client
ALTER DEFAULT PRIVILEGES FOR ROLE shop_owner GRANT ALL ON TABLES TO anon, authenticated, PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE shop_owner GRANT ALL ON FUNCTIONS TO anon, authenticated, PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE shop_owner GRANT ALL ON SCHEMAS TO anon, authenticated;
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO anon, authenticated, PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT ALL ON FUNCTIONS TO anon, authenticated, PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO anon, authenticated;
-- name: no_default_privileges
-- What: new tables are handed out to nobody
ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON TABLES FROM anon, authenticated, service_role;
ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON FUNCTIONS FROM anon, authenticated, service_role;
-- name: functions_not_public
-- What: new functions may be called by nobody
ALTER DEFAULT PRIVILEGES FOR ROLE shop_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
-- name: definer_view
-- What: clients read artworks through a view that bypasses row level security
CREATE VIEW wall AS SELECT id, pet_name, generated_image_url FROM artworks WHERE generation_status = 'completed';
GRANT SELECT ON wall TO anon;
-- name: updatable_view
-- What: clients write artworks through a view with a check option
CREATE VIEW mine WITH (security_invoker = true) AS SELECT id, user_id, pet_name FROM artworks WHERE pet_name IS NOT NULL WITH LOCAL CHECK OPTION;
GRANT SELECT, UPDATE (pet_name) ON mine TO authenticated;
-- name: schema_create_revoked
-- What: the role may not create tables in public
REVOKE CREATE ON SCHEMA public FROM shop_owner, PUBLIC;
