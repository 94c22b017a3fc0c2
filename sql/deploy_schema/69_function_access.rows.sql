-- What: EXECUTE on the application functions is revoked from everybody and granted to the application's roles (decision function_roles).
-- Why: law 8: default privileges grant EXECUTE on a new function to roles by name, and these functions return tokens.
-- Inverse: none; the functions are dropped.
-- Locks: none on a table of the application.
-- Stage: locked
SELECT
  f.signature AS object,
  s."do",
  NULL AS undo
FROM (
  VALUES
  ('public.raise_error(text,text)', TRUE),
  ('public.require_email(text,text)', TRUE),
  ('public.require_upload(text,text,text,text,text)', TRUE),
  ('public.artwork_lifecycle()', FALSE),
  ('public.create_artwork(text,text,text,text,text)', TRUE),
  ('public.update_artwork_lifecycle(uuid,jsonb)', TRUE),
  ('public.get_artwork_by_token(text)', TRUE),
  ('public.get_customer_artworks(text)', TRUE),
  ('public.request_artwork_upscale(uuid)', TRUE),
  ('public.claim_anonymous_user(text,uuid)', TRUE),
  ('public.artwork_schema_for(text)', TRUE)
) AS f (signature, callable)
CROSS JOIN
  LATERAL (
    SELECT
      '' AS role,
      FORMAT('SELECT artwork_migration.revoke_from_all(''FUNCTION'', %L)', f.signature) AS "do"
    UNION ALL
    SELECT
      r.role,
      FORMAT('GRANT EXECUTE ON FUNCTION %s TO %I', f.signature, r.role) AS "do"
    FROM UNNEST(CAST(:function_roles AS text[])) AS r (role)
    WHERE f.callable
  ) AS s
ORDER BY f.signature, s.role
