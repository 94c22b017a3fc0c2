"""Law 8 by the catalog: what of ours is open to whom. That nobody reads or writes a row by it is shown in test_exposure_life_cycle."""

from itertools import product

import psycopg
import pytest

from migration.plans import plan
from sample.build import Variant
from sample.server import EmbeddedServer
from tests.conftest import MakeShop
from tests.databases import Shop, deploy, migrate, planned_deployment
from tests.roles import APPLICATION_ROLES, HANDED_OUT, NEWCOMER, Caller, acting_as, add_roles, visible
from tests.series import first, series

LIFECYCLE_FUNCTIONS = (
    *("create_artwork", "update_artwork_lifecycle", "get_artwork_by_token", "get_customer_artworks", "request_artwork_upscale"),
    *("claim_anonymous_user", "artwork_schema_for", "raise_error", "require_email", "require_upload"),
)


@pytest.fixture(autouse=True, scope="module")
def roles(server: EmbeddedServer) -> None:
    """The roles of these tests, which belong to the server."""
    postgres = Shop(server, "postgres")
    add_roles(postgres)
    postgres.close()


@pytest.mark.parametrize(
    ("variant", "handed_out"), series(product(Variant, [False, True]), {(Variant.CURRENT, True), (Variant.OLDER, False)}), ids=str
)
@first(1)
def test_nothing_of_ours_is_open(make_shop: MakeShop, variant: Variant, handed_out: bool) -> None:
    """After plan, deployment and migration the checks below find no hole, whatever default privileges there are."""
    shop = make_shop(variant)
    if handed_out:
        shop.sql.execute(HANDED_OUT)
    shop.database.write("keeping the plan", lambda connection: plan.keep(connection, planned_deployment(shop), "test"))
    assert [] == in_our_schema(shop)
    deploy(shop)
    assert [] == holes(shop)
    migrate(shop)
    assert [] == holes(shop)


@pytest.mark.parametrize("handed_out", [False, True], ids=["the sample's default privileges", "default privileges of the whole database"])
@first(1)
def test_a_users_table_of_ours_is_closed(make_shop: MakeShop, handed_out: bool) -> None:
    """Only the service role reads a `users` table that deploy_schema created, and row level security is on."""
    shop = make_shop(Variant.MINIMAL)
    if handed_out:
        shop.sql.execute(HANDED_OUT)
    deploy(shop)
    migrate(shop)
    assert shop.value("SELECT COUNT(*) FROM public.users") > 0
    allowed = {
        role
        for role in APPLICATION_ROLES
        for privilege in ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
        if shop.value("SELECT HAS_TABLE_PRIVILEGE(%s, 'public.users', %s)", role, privilege)
    }
    assert {"service_role"} == allowed
    assert [frozenset()] * 3 == [
        visible(shop, Caller(role), "SELECT email FROM public.users") for role in APPLICATION_ROLES if role != "service_role"
    ]
    assert shop.value("SELECT relrowsecurity FROM pg_class WHERE oid = 'public.users'::regclass")


def test_the_application_can_work_with_what_it_was_given(deployed: Shop) -> None:
    """The service role can create an artwork and read it, so the checks do not pass by closing everything."""
    with acting_as(deployed, Caller("service_role")) as session:
        artwork = session.execute(
            "SELECT (artwork).id::text FROM public.create_artwork('Ana', 'ana@example.org', 'Rex', 'https://u/1', 'https://u/2')"
        ).fetchone()
        assert artwork is not None
        session.execute('SELECT id FROM public.update_artwork_lifecycle(%s::uuid, \'{"generation_status": "processing"}\')', artwork)
    assert artwork[0] in visible(deployed, Caller("service_role"), "SELECT id::text FROM public.artworks_v2")
    assert artwork[0] in visible(deployed, Caller("service_role"), "SELECT id::text FROM public.artworks")


CALLS = (
    "public.create_artwork('a', 'a@b', 'c', 'd', 'e')",
    "public.update_artwork_lifecycle(GEN_RANDOM_UUID(), '{}')",
    "public.get_artwork_by_token('a')",
    "public.get_customer_artworks('a@b')",
    "public.request_artwork_upscale(GEN_RANDOM_UUID())",
    "public.claim_anonymous_user('a@b', GEN_RANDOM_UUID())",
    "public.artwork_schema_for('a@b')",
    "public.raise_error('P0001', 'x')",
    "public.require_email('a', 'b')",
    "public.require_upload('a', 'b', 'c', 'd', 'e')",
    "artwork_migration.catch_up_batch(1)",
    "artwork_migration.close_schema()",
    "artwork_migration.enter_fence(1, TRUE)",
)


@pytest.mark.parametrize("role", ["anon", "authenticated", NEWCOMER])
def test_others_may_call_none_of_our_functions(deployed: Shop, role: str) -> None:
    """No role but the service role may call our functions, also where default privileges name the role."""
    for call in CALLS:
        with acting_as(deployed, Caller(role)) as session, pytest.raises(psycopg.errors.InsufficientPrivilege):
            session.execute(f"SELECT * FROM {call}")  # type: ignore[call-overload]  # made of this test's own names


@pytest.mark.parametrize(
    ("opening", "reported"),
    [
        ("ALTER TABLE public.artworks_v2 DISABLE ROW LEVEL SECURITY", "row level security"),
        ("CREATE POLICY wide ON public.artworks_v2 USING (TRUE)", "policies"),
        ("GRANT SELECT ON public.artworks_v2 TO anon", "grants"),
        ("GRANT SELECT (customer_email) ON public.artworks_v2 TO anon", "grants"),
        ("GRANT EXECUTE ON FUNCTION public.update_artwork_lifecycle TO authenticated", "authenticated may EXECUTE"),
        ("GRANT USAGE ON SCHEMA artwork_migration TO PUBLIC", "USAGE on artwork_migration"),
        ("GRANT SELECT ON artwork_migration.legacy_artwork TO anon", "on artwork_migration.legacy_artwork"),
        ("GRANT SELECT (reason) ON artwork_migration.decision TO anon", "on artwork_migration.decision"),
        ("GRANT EXECUTE ON FUNCTION artwork_migration.write_through TO authenticated", "artwork_migration.write_through"),
        ("CREATE VIEW public.artworks_v2_all AS SELECT * FROM artwork_migration.legacy_artwork", "public.artworks_v2_all"),
    ],
)
def test_the_checks_notice_what_is_opened(deployed: Shop, opening: str, reported: str) -> None:
    """The checks report each kind of hole."""
    deployed.sql.execute(opening)  # type: ignore[call-overload]  # made of this test's own names
    found = holes(deployed)
    assert any(reported in hole for hole in found), found


# The checks


def holes(shop: Shop) -> list[str]:
    """Everything of ours that is open to somebody it should not be open to, in words."""
    return [*in_our_schema(shop), *on_the_clean_table(shop), *on_the_functions(shop), *in_public(shop)]


def in_our_schema(shop: Shop) -> list[str]:
    """No role but its owner (and superusers) has any privilege on our schema or on anything in it."""
    found = shop.rows(
        """
        WITH roles AS (
          SELECT r.rolname AS role FROM pg_roles AS r WHERE NOT r.rolsuper AND r.rolname NOT LIKE 'pg\\_%%'
        ), objects AS (
          SELECT 'artwork_migration' AS name, 'schema' AS kind, n.oid, p.privilege
          FROM pg_namespace AS n, (VALUES ('USAGE'), ('CREATE')) AS p (privilege) WHERE n.nspname = 'artwork_migration'
          UNION ALL
          SELECT c.oid::regclass::text, CASE c.relkind WHEN 'S' THEN 'sequence' ELSE 'table' END, c.oid, p.privilege
          FROM pg_class AS c,
            (VALUES ('SELECT'), ('INSERT'), ('UPDATE'), ('DELETE'), ('TRUNCATE'), ('REFERENCES'), ('TRIGGER')) AS p (privilege)
          WHERE c.relnamespace = 'artwork_migration'::regnamespace AND c.relkind NOT IN ('i', 'c', 't')
            AND (c.relkind <> 'S' OR p.privilege IN ('SELECT', 'UPDATE'))
          UNION ALL
          SELECT p.oid::regprocedure::text, 'function', p.oid, 'EXECUTE'
          FROM pg_proc AS p WHERE p.pronamespace = 'artwork_migration'::regnamespace
        )
        SELECT FORMAT('%%s has %%s on %%s', r.role, o.privilege, o.name)
        FROM roles AS r, objects AS o
        WHERE CASE o.kind
          WHEN 'schema' THEN HAS_SCHEMA_PRIVILEGE(r.role, o.oid, o.privilege)
          WHEN 'sequence' THEN HAS_SEQUENCE_PRIVILEGE(r.role, o.oid, o.privilege)
          WHEN 'function' THEN HAS_FUNCTION_PRIVILEGE(r.role, o.oid, o.privilege)
          ELSE HAS_TABLE_PRIVILEGE(r.role, o.oid, o.privilege)
            OR (o.privilege IN ('SELECT', 'INSERT', 'UPDATE', 'REFERENCES') AND HAS_ANY_COLUMN_PRIVILEGE(r.role, o.oid, o.privilege))
        END
        ORDER BY 1
    """.replace("%%", "%")
    )
    assert shop.value("SELECT COUNT(*) FROM pg_class WHERE relnamespace = 'artwork_migration'::regnamespace") > 4  # it has looked
    return [hole for (hole,) in found]


#: Columns of the clean table by the legacy column whose grants they take.
CARRIED = {
    "original_pet_mom_url": "pet_mom_image_url",
    "original_pet_url": "pet_image_url",
    "upscaled_at": "upscale_completed_at",
    **{
        name: name
        for name in (
            *("id", "user_id", "customer_name", "customer_email", "pet_name", "generated_image_url", "upscaled_image_url"),
            *("generation_status", "upscale_status", "access_token", "token_expires_at", "created_at", "updated_at"),
        )
    },
}


def on_the_clean_table(shop: Shop) -> list[str]:
    """Owner, row level security, policies and grants (of the table and of columns) are the legacy table's."""

    def state(table: str) -> dict[str, object]:
        owner, enabled, forced = shop.rows(
            "SELECT PG_GET_USERBYID(relowner)::text, relrowsecurity, relforcerowsecurity FROM pg_class WHERE oid = %s::regclass", table
        )[0]
        columns = shop.rows(
            "SELECT a.attname::text, x.grantee::regrole::text, x.privilege_type, x.is_grantable FROM pg_attribute AS a,"
            " ACLEXPLODE(a.attacl) AS x WHERE a.attrelid = %s::regclass AND NOT a.attisdropped",
            table,
        )
        names = CARRIED if table == "public.artworks" else {name: name for name in CARRIED.values()}
        return {
            "owner": owner,
            "row level security": (enabled, forced),
            "policies": shop.rows(
                "SELECT polname::text, polcmd::text, polpermissive, polroles::text, PG_GET_EXPR(polqual, polrelid),"
                " PG_GET_EXPR(polwithcheck, polrelid) FROM pg_policy WHERE polrelid = %s::regclass ORDER BY 1",
                table,
            ),
            "grants on the table": shop.rows(
                "SELECT x.grantee::regrole::text, x.privilege_type, x.is_grantable FROM pg_class AS c, ACLEXPLODE(c.relacl) AS x"
                " WHERE c.oid = %s::regclass AND x.grantee <> c.relowner ORDER BY 1, 2",
                table,
            ),
            "grants on columns": sorted((names[name], *rest) for name, *rest in columns if name in names),
        }

    legacy, clean = state("public.artworks"), state("public.artworks_v2")
    return [f"public.artworks_v2 has other {part}: {clean[part]}, not {legacy[part]}" for part in legacy if legacy[part] != clean[part]]


def on_the_functions(shop: Shop) -> list[str]:
    """Our functions in public may be called by the service role, and by nobody else."""
    found = []
    functions = shop.rows(
        "SELECT p.oid::regprocedure::text, p.proname::text, p.oid FROM pg_proc AS p WHERE p.pronamespace = 'public'::regnamespace"
        " AND p.proname = ANY(%s) ORDER BY 1",
        [*LIFECYCLE_FUNCTIONS, "artwork_lifecycle"],
    )
    for signature, name, oid in functions:
        for role in APPLICATION_ROLES:
            may = shop.value("SELECT HAS_FUNCTION_PRIVILEGE(%s::name, %s::oid, 'EXECUTE')", role, oid)
            if may != (role == "service_role" and name in LIFECYCLE_FUNCTIONS):
                found.append(
                    f"{role} may {'' if may else 'not '}EXECUTE {signature if signature.startswith('public.') else 'public.' + signature}"
                )
    assert len(functions) == len(LIFECYCLE_FUNCTIONS) + 1
    return found


def in_public(shop: Shop) -> list[str]:
    """Nothing outside our schema reads it but the triggers and artwork_schema_for: no view and no other function whose text names it."""
    views = shop.rows(
        "SELECT DISTINCT r.ev_class::regclass::text FROM pg_rewrite AS r"
        " JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid"
        " JOIN pg_class AS c ON d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid JOIN pg_class AS v ON v.oid = r.ev_class"
        " WHERE c.relnamespace = 'artwork_migration'::regnamespace AND v.relnamespace <> 'artwork_migration'::regnamespace"
    )
    functions = shop.rows(
        "SELECT p.oid::regprocedure::text FROM pg_proc AS p WHERE p.pronamespace <> 'artwork_migration'::regnamespace"
        " AND p.prokind = 'f' AND p.proname <> 'artwork_schema_for' AND POSITION('artwork_migration.' IN PG_GET_FUNCTIONDEF(p.oid)) > 0"
        " AND p.pronamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)"
    )
    return [f"public.{name.removeprefix('public.')} reads our schema" for (name,) in [*views, *functions]]
