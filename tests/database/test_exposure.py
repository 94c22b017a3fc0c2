"""Law 8: no role reads a row, by table, view or function, that it could not read before."""

import dataclasses
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
import pytest
from psycopg import sql as pgsql

from migration import plan
from migration.phases import Phase
from migration.plan import Statement
from sample.build import Variant
from sample.server import EmbeddedServer
from tests import shops
from tests.conftest import MakeShop
from tests.shops import Shop, deploy, migrate, planned_deployment

#: A role that nobody has granted anything: what it may, everybody may.
NEWCOMER = "exposure_newcomer"
APPLICATION_ROLES = ("anon", "authenticated", "service_role", NEWCOMER)
LIFECYCLE_FUNCTIONS = (
    *("create_artwork", "update_artwork_lifecycle", "get_artwork_by_token", "get_customer_artworks", "request_artwork_upscale"),
    *("claim_anonymous_user", "artwork_schema_for", "raise_error", "require_email"),
)

#: What a careless administrator has set for the whole database, not for one schema: every new object is handed out by name.
HANDED_OUT = "".join(
    f"ALTER DEFAULT PRIVILEGES GRANT ALL ON {kind} TO anon, authenticated, service_role, {NEWCOMER}, PUBLIC;"
    for kind in ("TABLES", "SEQUENCES", "FUNCTIONS", "SCHEMAS", "TYPES")
)


@pytest.fixture(scope="session", autouse=True)
def newcomer(server: EmbeddedServer) -> None:
    """The role belongs to the whole server and goes with it."""
    with psycopg.connect(server.conninfo("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {NEWCOMER}")  # type: ignore[call-overload]  # made of this test's own names


@dataclass(frozen=True)
class Visitor:
    """Somebody who asks: a role, and the claims of their token."""

    role: str
    user: str | None = None

    @property
    def claims(self) -> str:
        """As PostgREST would set them."""
        return json.dumps({"role": self.role, **({"sub": self.user} if self.user else {})})


@contextmanager
def visiting(shop: Shop, visitor: Visitor) -> Iterator[psycopg.Connection[tuple[str, ...]]]:
    """A session in which the visitor asks."""
    shop.sql.execute("SELECT SET_CONFIG('request.jwt.claims', %s, FALSE)", (visitor.claims,))
    shop.sql.execute(pgsql.SQL("SET ROLE {}").format(pgsql.Identifier(visitor.role)))
    try:
        yield shop.sql
    finally:
        shop.sql.execute("RESET ROLE")


def visible(shop: Shop, visitor: Visitor, query: str) -> frozenset[str]:
    """The first column of all rows the visitor gets, empty if they may not ask."""
    with visiting(shop, visitor) as session:
        try:
            return frozenset(row[0] for row in session.execute(query))  # type: ignore[call-overload]  # made of this test's own names
        except (psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedTable):
            return frozenset()


def visitors(shop: Shop) -> list[Visitor]:
    """Every role, and every registered user there is."""
    users = [user for (user,) in shop.rows("SELECT id::text FROM public.users ORDER BY 1")]
    return [*(Visitor(role) for role in APPLICATION_ROLES), *(Visitor("authenticated", user) for user in users)]


def readings(shop: Shop) -> dict[str, str]:
    """A question for every relation in public and for each function of the sample that answers with rows: what is read → the query."""
    relations = [
        name
        for (name,) in shop.rows(
            "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v', 'm') ORDER BY 1"
        )
    ]
    queries = {name: f"SELECT MD5(t::text) FROM public.{name} AS t" for name in relations}  # whole rows: needs SELECT on every column
    queries |= {f"{name} (ids)": f"SELECT id::text FROM public.{name}" for name in relations if name != "artwork_sales"}
    session, token = shop.rows(
        "SELECT o.stripe_session_id, a.access_token FROM public.orders AS o JOIN public.artworks AS a ON a.id = o.artwork_id"
        " WHERE a.token_expires_at > NOW() ORDER BY o.id LIMIT 1"
    )[0]
    return queries | {
        "get_order_with_artwork": f"SELECT MD5(f::text) FROM public.get_order_with_artwork('{session}') AS f",
        "get_orders_by_token": f"SELECT MD5(f::text) FROM public.get_orders_by_token('{token}') AS f",
    }


def reading(shop: Shop, queries: dict[str, str], who: list[Visitor]) -> dict[tuple[Visitor, str], frozenset[str]]:
    """Who reads what: the rows of each question for each visitor."""
    return {(visitor, name): visible(shop, visitor, query) for visitor in who for name, query in queries.items()}


@pytest.mark.parametrize("variant", [Variant.CURRENT, Variant.OLDER])
def test_nobody_reads_a_row_they_could_not_read_before(make_shop: MakeShop, variant: Variant) -> None:
    """Row by row, for every role and every registered user: what the clean table shows, the legacy table showed.

    The one exception are rows of the signed-in user's own e-mail that had no owner; the plan counts them.
    """
    shop = make_shop(variant)
    who = visitors(shop)
    queries = readings(shop)
    before = reading(shop, queries, who)
    assert any(rows and name == "artworks" for (visitor, name), rows in before.items() if visitor.user)
    assert 0 < sum(bool(rows) for rows in before.values()) < len(before)
    own = {
        user: frozenset(ids)
        for user, ids in shop.rows(
            "SELECT u.id::text, ARRAY_AGG(a.id::text) FROM public.users AS u JOIN public.artworks AS a ON a.customer_email = u.email"
            " WHERE a.user_id IS NULL GROUP BY u.id"
        )
    }
    counted = planned_deployment(shop).facts["exposure"]

    deploy(shop)
    migrate(shop)

    ids = "SELECT id::text FROM public.artworks_v2"
    gained = {visitor: visible(shop, visitor, ids) - before[visitor, "artworks (ids)"] for visitor in who}
    assert {} == {visitor: extra for visitor, extra in gained.items() if not extra <= own.get(visitor.user or "", frozenset())}
    assert sum(map(len, gained.values())) == counted["user_gained"] > 0
    assert counted["user_changed"] == 0

    unchanged = {name: query for name, query in queries.items() if not name.startswith("users")}
    after = reading(shop, unchanged, who)
    assert {} == {key: rows for key, rows in after.items() if rows != before[key]}
    # we add users, whom only the service role may read: as before
    readers = {visitor.role for (visitor, name), rows in before.items() if name == "users" and rows}
    assert readers == {visitor.role for visitor in who if visible(shop, visitor, queries["users"])}


def test_a_user_we_created_sees_just_the_artworks_of_the_own_e_mail(migrated: Shop) -> None:
    """Whoever claims an anonymous user comes into what is theirs and nothing else."""
    created = migrated.rows(
        "SELECT c.id::text, ARRAY_AGG(v.id::text) FROM artwork_migration.created_user AS c JOIN public.users AS u ON u.id = c.id"
        " JOIN public.artworks_v2 AS v ON v.customer_email = u.email GROUP BY c.id ORDER BY c.id LIMIT 50"
    )
    assert len(created) > 10
    for user, artworks in created:
        assert visible(migrated, Visitor("authenticated", user), "SELECT id::text FROM public.artworks_v2") <= frozenset(artworks)


@pytest.mark.parametrize("variant", list(Variant))
@pytest.mark.parametrize("handed_out", [False, True], ids=["the sample's default privileges", "default privileges of the whole database"])
def test_nothing_of_ours_is_open(make_shop: MakeShop, variant: Variant, handed_out: bool) -> None:
    """After the first plan, the deployment and the migration the checks below find no hole, whatever is handed out by default."""
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
def test_a_users_table_of_ours_is_closed(make_shop: MakeShop, handed_out: bool) -> None:
    """Where deploy_schema creates `users`, only the service role reads addresses in it, and row level security is on."""
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
        visible(shop, Visitor(role), "SELECT email FROM public.users") for role in APPLICATION_ROLES if role != "service_role"
    ]
    assert shop.value("SELECT relrowsecurity FROM pg_class WHERE oid = 'public.users'::regclass")


def test_the_application_can_work_with_what_it_was_given(deployed: Shop) -> None:
    """The checks do not pass by closing everything: the service role creates an artwork and reads it."""
    with visiting(deployed, Visitor("service_role")) as session:
        artwork = session.execute(
            "SELECT (artwork).id::text FROM public.create_artwork('Ana', 'ana@example.org', 'Rex', 'https://u/1', 'https://u/2')"
        ).fetchone()
        assert artwork is not None
        session.execute('SELECT id FROM public.update_artwork_lifecycle(%s::uuid, \'{"generation_status": "processing"}\')', artwork)
    assert artwork[0] in visible(deployed, Visitor("service_role"), "SELECT id::text FROM public.artworks_v2")
    assert artwork[0] in visible(deployed, Visitor("service_role"), "SELECT id::text FROM public.artworks")


@pytest.mark.parametrize("role", ["anon", "authenticated", NEWCOMER])
@pytest.mark.parametrize(
    "call",
    [
        "public.create_artwork('a', 'a@b', 'c', 'd', 'e')",
        "public.update_artwork_lifecycle(GEN_RANDOM_UUID(), '{}')",
        "public.get_artwork_by_token('a')",
        "public.get_customer_artworks('a@b')",
        "public.request_artwork_upscale(GEN_RANDOM_UUID())",
        "public.claim_anonymous_user('a@b', GEN_RANDOM_UUID())",
        "public.artwork_schema_for('a@b')",
        "public.raise_error('P0001', 'x')",
        "public.require_email('a', 'b')",
        "artwork_migration.catch_up_batch(1)",
        "artwork_migration.close_schema()",
        "artwork_migration.enter_fence(1, TRUE)",
    ],
)
def test_others_may_call_none_of_our_functions(deployed: Shop, role: str, call: str) -> None:
    """Not by default privileges either, which name these roles."""
    with visiting(deployed, Visitor(role)) as session, pytest.raises(psycopg.errors.InsufficientPrivilege):
        session.execute(f"SELECT * FROM {call}")  # type: ignore[call-overload]  # made of this test's own names


@dataclass(frozen=True)
class Part:
    """A part of the carry-over: which statements of the plan belong to it, and what the checks say when they are left out."""

    name: str
    belongs: Callable[[Statement], bool]
    reported: str


PARTS = [
    Part("row level security", lambda s: "ENABLE ROW LEVEL SECURITY" in s.do, "row level security"),
    Part("policies", lambda s: s.do.startswith("CREATE POLICY"), "policies"),
    Part("one policy", lambda s: 'CREATE POLICY "Users view own artworks"' in s.do, "policies"),
    Part("grants", lambda s: s.do.startswith("GRANT") and "artworks_v2" in s.do, "grants"),
    Part("column grants", lambda s: s.do.startswith("GRANT SELECT (") and "artworks_v2" in s.do, "grants"),
    Part("revokes on the clean table", lambda s: "close_to_others('TABLE', 'public.artworks_v2')" in s.do, "grants"),
    Part("revokes on the functions", lambda s: "close_to_others('FUNCTION'" in s.do, "may EXECUTE public.create_artwork"),
    Part("grants on the functions", lambda s: s.do.startswith("GRANT EXECUTE"), "service_role may not EXECUTE public.create_artwork"),
    Part("closing our schema", lambda s: "close_schema()" in s.do, "on artwork_migration.legacy_artwork"),
    Part("the owner", lambda s: s.do.startswith("ALTER TABLE public.artworks_v2 OWNER"), "owner"),
]


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_a_part_of_the_carry_over_left_out_is_noticed(shop: Shop, part: Part) -> None:
    """Each protection is needed: deployed without it, the checks that are green above report it."""
    shop.sql.execute(HANDED_OUT)
    shop.sql.execute(
        f"ALTER TABLE public.artworks OWNER TO {NEWCOMER}; GRANT CREATE ON SCHEMA public TO {NEWCOMER}" if part.name == "the owner" else ""
    )
    made = planned_deployment(shop)
    rest = tuple(statement for statement in made.statements if not part.belongs(statement))
    assert len(rest) < len(made.statements)
    shops._execute(shop, dataclasses.replace(made, statements=rest), "deploy_schema", Phase.DEPLOYED)
    assert any(part.reported in hole for hole in holes(shop)), holes(shop)


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
    """The checks see each kind of hole: none of them is green because it does not look."""
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
