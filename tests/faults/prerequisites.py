"""Cases of a database that the plan of deploy_schema must report: prerequisites, blockers and advisories, for test_prerequisites.

Each setup is made in a transaction that is rolled back, on one database for all of them.
"""

import re
from dataclasses import dataclass

import sql
from sample.build import Variant

#: A role that is not a superuser and owns what the sample's owner would own.
OWNER = "shop_owner"
#: A member of that role.
MEMBER = "shop_deployer"
#: A role with nothing at all.
STRANGER = "shop_stranger"

GIVE_TO_OWNER = f"""
ALTER TABLE public.artworks OWNER TO {OWNER};
ALTER TABLE public.users OWNER TO {OWNER};
ALTER TABLE public.orders OWNER TO {OWNER};
ALTER TABLE public.order_status_history OWNER TO {OWNER};
GRANT USAGE ON SCHEMA auth TO {OWNER};
"""


@dataclass(frozen=True)
class Case:
    """What is done to the sample, and what the plan then says: (rule, subject, part of the problem); `*` in a subject is anything."""

    name: str
    setup: str
    found: tuple[tuple[str, str, str], ...]
    variant: Variant = Variant.CURRENT
    user: str | None = None


def one(
    name: str, rule: str, subject: str, problem: str, setup: str, *, variant: Variant = Variant.CURRENT, user: str | None = None
) -> Case:
    """A case in which exactly one thing is found."""
    return Case(name, setup, ((rule, subject, problem),), variant, user)


def mapping() -> list[tuple[str, bool, str]]:
    """The legacy columns of the mapping: name, whether it must exist, type."""
    rows = re.findall(r"\(\s*\d+, '\w+', '(\w+)', (TRUE|FALSE), '(\w+)'", sql.load("mapping").statement)
    return [(name, required == "TRUE", wanted) for name, required, wanted in rows]


SWAP = "ALTER TABLE public.artworks DROP COLUMN {0} CASCADE; ALTER TABLE public.artworks ADD COLUMN {0} {1};"

MISSING_COLUMNS = [
    one(
        f"{name} is missing",
        "column_missing",
        f"public.artworks.{name}",
        "is missing",
        f"ALTER TABLE public.artworks DROP COLUMN {name} CASCADE",
    )
    for name, required, _ in mapping()
    if required
]

WRONG_TYPES = [
    one(
        f"{name} of another type",
        "column_type",
        f"public.artworks.{name}",
        f"{wanted} is required",
        SWAP.format(name, "timestamp" if wanted == "timestamptz" else "integer"),
    )
    for name, _, wanted in mapping()
    if name not in ("id", "user_id")
]

TABLE_CASES = [
    one(
        "the clean table, under its final name",
        "migrated_already",
        "table public.artworks",
        "a migration was completed here before",
        "ALTER TABLE public.artworks RENAME TO pictures;"
        " CREATE TABLE public.artworks (id uuid PRIMARY KEY, pet_mom_image_url text, pet_image_url text, upscale_status text)",
    ),
    one(
        "the ledger of another version",
        "other_layout",
        "schema artwork_migration",
        "its layout is 7",
        "CREATE SCHEMA artwork_migration; CREATE TABLE artwork_migration.phase_history (layout bigint DEFAULT 7)",
    ),
    one(
        "the ledger of a version without a number",
        "other_layout",
        "schema artwork_migration",
        "its layout is older than all numbers",
        "CREATE SCHEMA artwork_migration; CREATE TABLE artwork_migration.phase_history (run bigint)",
    ),
    one("no table", "artworks_missing", "table public.artworks", "it does not exist", "DROP TABLE public.artworks CASCADE"),
    one(
        "a view",
        "artworks_missing",
        "table public.artworks",
        "not an ordinary table",
        "ALTER TABLE public.artworks RENAME TO pictures; CREATE VIEW public.artworks AS SELECT * FROM public.pictures",
    ),
    one(
        "a partitioned table",
        "artworks_missing",
        "table public.artworks",
        "not an ordinary table",
        "ALTER TABLE public.artworks RENAME TO pictures; CREATE TABLE public.artworks (LIKE public.pictures) PARTITION BY HASH (id)",
    ),
    one(
        "a table with children",
        "artworks_missing",
        "table public.artworks",
        "not an ordinary table",
        "CREATE TABLE public.more_artworks () INHERITS (public.artworks)",
    ),
    one(
        "id without its key",
        "primary_key",
        "public.artworks.id",
        "not the primary key",
        "ALTER TABLE public.artworks DROP CONSTRAINT artworks_pkey CASCADE",
    ),
    one(
        "a key of two columns",
        "primary_key",
        "public.artworks.id",
        "not the primary key",
        "ALTER TABLE public.artworks DROP CONSTRAINT artworks_pkey CASCADE, ADD PRIMARY KEY (id, original_image_url)",
    ),
    one(
        "id that is a number",
        "column_type",
        "public.artworks.id",
        "its type is bigint; uuid is required",
        SWAP.format("id", "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY"),
    ),
    Case(
        "user_id that is a number",
        SWAP.format("user_id", "integer"),
        (
            ("column_type", "public.artworks.user_id", "its type is integer; uuid is required"),
            ("user_without_key", "public.artworks.user_id", "no validated foreign key"),
        ),
    ),
    one(
        "a status of an enumerated type, with a check",
        "column_type",
        "public.artworks.generation_status",
        "text is required",
        SWAP.format("generation_status", "integer")
        + "CREATE TYPE public.progress AS ENUM ('pending', 'completed');"
        + SWAP.format("generation_status", "public.progress CHECK (generation_status IN ('pending', 'completed'))"),
    ),
    one(
        "user_id without a key",
        "user_without_key",
        "public.artworks.user_id",
        "no validated foreign key",
        "ALTER TABLE public.artworks DROP CONSTRAINT artworks_user_id_fkey",
    ),
    one(
        "user_id with a key that is not validated",
        "user_without_key",
        "public.artworks.user_id",
        "no validated foreign key",
        "ALTER TABLE public.artworks DROP CONSTRAINT artworks_user_id_fkey,"
        " ADD CONSTRAINT artworks_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users (id)"
        " ON DELETE SET NULL NOT VALID",
    ),
    *(
        one(
            f"user_id with a key {action or 'that refuses'}",
            "user_key_action",
            "constraint artworks_user_id_fkey on public.artworks",
            problem,
            "ALTER TABLE public.artworks DROP CONSTRAINT artworks_user_id_fkey,"
            f" ADD CONSTRAINT artworks_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users (id) {action}",
        )
        for action, problem in (
            ("", "could not be deleted"),
            ("ON DELETE RESTRICT", "could not be deleted"),
            ("ON DELETE CASCADE", "it would delete retired rows"),
            ("ON DELETE SET DEFAULT", "they must have no owner then"),
        )
    ),
    one(
        "a foreign key to another column",
        "reference_key",
        "constraint gifts_token_fkey on public.gifts",
        "by a column other than id",
        "CREATE TABLE public.gifts (token text CONSTRAINT gifts_token_fkey REFERENCES public.artworks (access_token))",
    ),
    one(
        "a policy on a column that is not carried over",
        "policy_column",
        "policy printed on public.artworks",
        "the column mockup_urls",
        "CREATE POLICY printed ON public.artworks FOR SELECT USING (mockup_urls IS NOT NULL)",
    ),
    one(
        "a policy on the whole row",
        "policy_column",
        "policy whole on public.artworks",
        "the whole row",
        "CREATE FUNCTION public.shown(a public.artworks) RETURNS boolean LANGUAGE sql AS 'SELECT TRUE';"
        " CREATE POLICY whole ON public.artworks FOR SELECT USING (public.shown(artworks))",
    ),
    one(
        "a policy with the table's name in a literal",
        "policy_column",
        "policy told on public.artworks",
        "it contains a literal",
        "CREATE POLICY told ON public.artworks FOR SELECT USING (pet_name <> 'see artworks.pdf')",
    ),
]

SERVER_CASES = [
    one(
        "read-only transactions",
        "session_setting",
        "setting default_transaction_read_only",
        "nothing can be written",
        "SET LOCAL default_transaction_read_only = on",
    ),
    one(
        "a session that is a replica",
        "session_setting",
        "setting session_replication_role",
        "bypass foreign keys",
        "SET LOCAL session_replication_role = replica",
    ),
    one(
        "a subscription that writes into the table",
        "subscribed_table",
        "table public.artworks",
        "subscription shipped writes to it",
        "CREATE SUBSCRIPTION shipped CONNECTION '*conninfo*' PUBLICATION supabase_realtime"
        " WITH (create_slot = false, enabled = false, slot_name = NONE)",
    ),
    one(
        "a short deadlock_timeout",
        "deadlock_timeout",
        "setting deadlock_timeout",
        "it is 100 ms; at least 240 ms are required",
        "SET LOCAL deadlock_timeout = 100",
    ),
]

PRIVILEGE_CASES = [
    one("no USAGE on public", "usage_privilege", "schema public", "no USAGE", "REVOKE ALL ON SCHEMA public FROM PUBLIC", user=STRANGER),
    Case(
        "a stranger",
        "",
        (
            ("not_owner", "table public.artworks", f"{STRANGER} is not a member"),
            ("not_owner", "table public.orders", f"{STRANGER} is not a member"),
            ("not_owner", "table public.users", f"{STRANGER} is not a member"),
            ("create_privilege", "database *", "no CREATE"),
            ("create_privilege", "schema public", "no CREATE"),
            ("row_security", "table public.artworks", f"hides rows from role {STRANGER}"),
            ("row_security", "table public.orders", f"hides rows from role {STRANGER}"),
            ("policy_schema", "schema auth", f"role {STRANGER} has no USAGE"),
        ),
        user=STRANGER,
    ),
    one(
        "no CREATE on the database",
        "create_privilege",
        "database *",
        f"role {OWNER} has no CREATE",
        GIVE_TO_OWNER + f"GRANT CREATE ON SCHEMA public TO {OWNER}",
        user=OWNER,
    ),
    one(
        "no CREATE on the schema",
        "create_privilege",
        "schema public",
        f"role {OWNER} has no CREATE",
        GIVE_TO_OWNER + f"DO $$BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO {OWNER}', current_database()); END$$",
        user=OWNER,
    ),
    one(
        "an owner that may not have the clean table",
        "create_privilege",
        "schema public",
        f"role {OWNER} has no CREATE",
        GIVE_TO_OWNER
        + f"GRANT CREATE ON SCHEMA public TO {MEMBER};"
        + f"DO $$BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO {MEMBER}', current_database()); END$$",
        user=MEMBER,
    ),
    one(
        "a policy that looks where the role may not",
        "policy_schema",
        "schema auth",
        f"role {OWNER} has no USAGE",
        GIVE_TO_OWNER
        + f"GRANT CREATE ON SCHEMA public TO {OWNER}; REVOKE USAGE ON SCHEMA auth FROM {OWNER};"
        + f"DO $$BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO {OWNER}', current_database()); END$$",
        user=OWNER,
    ),
    one(
        "an owner whom row level security binds",
        "row_security",
        "table public.artworks",
        f"hides rows from role {OWNER}",
        GIVE_TO_OWNER
        + f"ALTER TABLE public.artworks FORCE ROW LEVEL SECURITY; GRANT CREATE ON SCHEMA public TO {OWNER};"
        + f"DO $$BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO {OWNER}', current_database()); END$$",
        user=OWNER,
    ),
]

NAME_CASES = [
    one(f"{subject} taken", "name_taken", subject, "the name is already in use", setup, variant=variant)
    for subject, setup, variant in (
        ("public.artworks_v2", "CREATE TABLE public.artworks_v2 ()", Variant.CURRENT),
        ("public.artworks_old", "CREATE VIEW public.artworks_old AS SELECT 1 AS one", Variant.CURRENT),
        ("public.artworks_v2_user_id_idx", "CREATE INDEX artworks_v2_user_id_idx ON public.orders (id)", Variant.CURRENT),
        ("public.create_artwork(text)", "CREATE FUNCTION public.create_artwork(text) RETURNS int RETURN 1", Variant.CURRENT),
        ("public.update_artwork_lifecycle()", "CREATE FUNCTION public.update_artwork_lifecycle() RETURNS int RETURN 1", Variant.CURRENT),
        ("public.raise_error()", "CREATE FUNCTION public.raise_error() RETURNS int RETURN 1", Variant.CURRENT),
        ("public.artwork_lifecycle()", "CREATE FUNCTION public.artwork_lifecycle() RETURNS int RETURN 1", Variant.CURRENT),
        ("public.get_customer_artworks()", "CREATE FUNCTION public.get_customer_artworks() RETURNS int RETURN 1", Variant.CURRENT),
        ("type public.artworks_v2", "CREATE DOMAIN public.artworks_v2 AS text", Variant.CURRENT),
        ("schema artwork_migration (it is not our ledger)", "CREATE SCHEMA artwork_migration", Variant.CURRENT),
        (
            "trigger artwork_migration_mine on public.orders",
            "CREATE TRIGGER artwork_migration_mine BEFORE UPDATE ON public.orders FOR EACH ROW EXECUTE FUNCTION public.set_updated_at()",
            Variant.CURRENT,
        ),
        ("public.users_email_key", "CREATE INDEX users_email_key ON public.orders (id)", Variant.MINIMAL),
        ("type public.users", "CREATE DOMAIN public.users AS text", Variant.MINIMAL),
    )
]

USERS_CASES = [
    one(f"users: {name}", "users_contract", subject, problem, setup)
    for name, subject, problem, setup in (
        ("no e-mail", "public.users.email", "missing or its type is not text", "ALTER TABLE public.users DROP COLUMN email"),
        (
            "e-mail of another type",
            "public.users.email",
            "missing or its type is not text",
            "ALTER TABLE public.users ALTER COLUMN email TYPE bytea USING email::bytea",
        ),
        ("no unique e-mail", "public.users.email", "no unique key", "ALTER TABLE public.users DROP CONSTRAINT users_email_key"),
        (
            "a unique e-mail that may wait",
            "public.users.email",
            "no unique key",
            "ALTER TABLE public.users DROP CONSTRAINT users_email_key, ADD UNIQUE (email) DEFERRABLE",
        ),
        (
            "a NOT NULL column without default",
            "public.users.plan",
            "NOT NULL without a default",
            "ALTER TABLE public.users ADD COLUMN plan text NOT NULL DEFAULT ''; ALTER TABLE public.users ALTER COLUMN plan DROP DEFAULT",
        ),
        ("no default for id", "public.users.id", "NOT NULL without a default", "ALTER TABLE public.users ALTER COLUMN id DROP DEFAULT"),
    )
]

OWNERS_CASES = [
    one(
        "an owner that every artwork must have",
        "owner_required",
        "public.artworks.user_id",
        "it is NOT NULL, and users are not created in public.users",
        "CREATE TABLE auth.accounts AS SELECT id FROM public.users; ALTER TABLE auth.accounts ADD PRIMARY KEY (id);"
        " ALTER TABLE public.users ADD FOREIGN KEY (id) REFERENCES auth.accounts (id);"
        " DELETE FROM public.artworks WHERE user_id IS NULL; ALTER TABLE public.artworks ALTER COLUMN user_id SET NOT NULL",
    ),
    one(
        "owners that the role may not reference",
        "owner_not_referenceable",
        "table auth.accounts",
        "no REFERENCES privilege",
        GIVE_TO_OWNER + f"GRANT CREATE ON SCHEMA public TO {OWNER};"
        f"DO $$BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO {OWNER}', current_database()); END$$;"
        "CREATE TABLE auth.accounts AS SELECT id FROM public.users; ALTER TABLE auth.accounts ADD PRIMARY KEY (id);"
        " ALTER TABLE public.artworks DROP CONSTRAINT artworks_user_id_fkey,"
        " ADD FOREIGN KEY (user_id) REFERENCES auth.accounts (id) ON DELETE SET NULL",
        user=OWNER,
    ),
]

COLUMN_CASES = [
    one(
        "a generated column",
        "column_generated",
        "public.artworks.token_expires_at",
        "its values are generated",
        "ALTER TABLE public.artworks DROP COLUMN token_expires_at CASCADE;"
        " ALTER TABLE public.artworks ADD COLUMN token_expires_at timestamptz GENERATED ALWAYS AS (created_at) STORED",
    ),
    one(
        "a collation that finds different texts equal",
        "column_collation",
        "public.artworks.customer_name",
        "public.any_case finds different texts equal",
        'CREATE COLLATION public.any_case FROM "C"; SET LOCAL allow_system_table_mods = on;'  # not every build has ICU
        " UPDATE pg_catalog.pg_collation SET collisdeterministic = FALSE WHERE collname = 'any_case';"
        " ALTER TABLE public.artworks ALTER customer_name TYPE text COLLATE public.any_case",
    ),
    one(
        "two collations that cannot be compared",
        "column_collation",
        "public.artworks.customer_email",
        "and that of users.email is",
        'ALTER TABLE public.artworks ALTER customer_email TYPE text COLLATE "C";'
        ' ALTER TABLE public.users ALTER email TYPE text COLLATE "ucs_basic"',
    ),
    one(
        "a status of a domain",
        "column_type",
        "public.artworks.generation_status",
        "its type is public.status; text is required",
        "DROP VIEW public.artwork_gallery; DROP MATERIALIZED VIEW public.artwork_sales; CREATE DOMAIN public.status AS text;"
        " ALTER TABLE public.artworks ALTER generation_status TYPE public.status",
    ),
]

#: What keeps users from being created.
USERS_RULES = [
    one(
        "a rule of users",
        "users_rule",
        "rule keep on public.users",
        "no anonymous user can be created",
        "CREATE RULE keep AS ON INSERT TO public.users DO ALSO SELECT 1",
    ),
]

PREREQUISITES = [
    *(*MISSING_COLUMNS, *WRONG_TYPES, *TABLE_CASES, *SERVER_CASES, *PRIVILEGE_CASES, *NAME_CASES, *USERS_CASES),
    *COLUMN_CASES,
    *USERS_RULES,
    *OWNERS_CASES,
]

TEST_ORDER = (
    "INSERT INTO public.orders (artwork_id, stripe_session_id, amount_cents) SELECT a.id, 'cs_1', 4900 FROM public.artworks AS a"
    " WHERE a.original_image_url LIKE 'test-%' ORDER BY a.id LIMIT 1"
)
#: The decision of the shop is taken back, so that what the sample shows to registered users is to be accepted anew.
NOT_ACCEPTED = (
    "INSERT INTO artwork_migration.decision (name, value, approved_by, reason, run_name)"
    " VALUES ('accept_exposure', 'none', 'test', 'test', 'test');"
)
#: An owner of everything who is told what others do only where that is granted.
OWNED = (
    GIVE_TO_OWNER
    + f"GRANT CREATE ON SCHEMA public TO {OWNER};"
    + f"GRANT USAGE ON SCHEMA artwork_migration TO {OWNER};"
    + (
        f"GRANT SELECT ON ALL TABLES IN SCHEMA artwork_migration TO {OWNER};"
        f"DO $$BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO {OWNER}', current_database()); END$$"
    )
)
TRIGGER = "CREATE TRIGGER {0} BEFORE UPDATE ON public.artworks FOR EACH ROW EXECUTE FUNCTION public.set_updated_at()"

BLOCKERS = [
    one("an order for test data", "referenced_test_data", "artwork *", "it is not migrated (test_data)", TEST_ORDER),
    one("users who would see more", "exposure_not_accepted", "user_gained", "would be able to see them", NOT_ACCEPTED),
    *(
        one(f"{tool} at work", "other_migration", subject, f"an object that {tool} creates", setup)
        for tool, subject, setup in (
            ("pgroll", "trigger _pgroll_trigger_1 on public.artworks", TRIGGER.format("_pgroll_trigger_1")),
            ("Reshape", "column __reshape_1 of public.users", "ALTER TABLE public.users ADD COLUMN __reshape_1 text"),
            ("pg_repack", "trigger repack_trigger on public.artworks", TRIGGER.format("repack_trigger")),
            ("pg-osc", "table public.pgosc_st_artworks_1", "CREATE TABLE public.pgosc_st_artworks_1 ()"),
            ("pgslice", "table public.artworks_intermediate", "CREATE TABLE public.artworks_intermediate ()"),
            ("Psycopack", "trigger psycopack_tgr_1 on public.artworks", TRIGGER.format("psycopack_tgr_1")),
        )
    ),
    one(
        "pg_repack's log",
        "other_migration",
        "table repack.log_*",
        "an object that pg_repack creates",
        "CREATE SCHEMA repack; DO $$BEGIN EXECUTE format('CREATE TABLE repack.log_%s ()', 'public.artworks'::regclass::oid); END$$",
    ),
]

BLOCKERS += [
    one(
        "a required column of the application",
        "required_column",
        "public.artworks.style",
        "it takes no NULL and has no default",
        "ALTER TABLE public.artworks ADD COLUMN style text NOT NULL DEFAULT 'oil'; ALTER TABLE public.artworks ALTER style DROP DEFAULT",
    ),
]

GREET = (
    "CREATE FUNCTION public.greet() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
    "CREATE TRIGGER greet AFTER {} ON public.users"
)
OWN_ROWS = "ALTER TABLE public.users ENABLE ROW LEVEL SECURITY; GRANT SELECT, INSERT ON public.users TO authenticated;"

#: Who reads and writes users, what fires on it, and what it refuses.
USERS_BLOCKERS = [
    one(
        "users that anyone reads", "users_access", "table public.users", "PUBLIC: SELECT.", "GRANT SELECT (email) ON public.users TO PUBLIC"
    ),
    one(
        "users that a policy shows to all who have signed in",
        "users_access",
        "table public.users",
        "authenticated: SELECT (policy everybody).",
        OWN_ROWS + "CREATE POLICY everybody ON public.users FOR SELECT USING (auth.jwt() ->> 'role' = 'authenticated')",
    ),
    one(
        "users that a view of their owner shows",
        "users_access",
        "table public.users",
        "anon: SELECT (view public.people)",
        "CREATE VIEW public.people AS SELECT u.email FROM public.users AS u; GRANT SELECT ON public.people TO anon",
    ),
    one(
        "an e-mail that anyone may choose",
        "chosen_email",
        "public.users.email",
        "authenticated (INSERT by policy own)",
        OWN_ROWS + "CREATE POLICY own ON public.users FOR INSERT WITH CHECK (id = auth.uid())",
    ),
    one(
        "a trigger for new users",
        "users_trigger",
        "trigger greet on public.users",
        "for each row it calls public.greet() when migrate-data creates users: 1",
        GREET.format("INSERT") + " FOR EACH ROW EXECUTE FUNCTION public.greet()",
    ),
    one(
        "a trigger for deleted users",
        "users_trigger",
        "trigger greet on public.users",
        "fires when `roll-back --to NOT_STARTED` deletes them",
        GREET.format("DELETE") + " FOR EACH STATEMENT EXECUTE FUNCTION public.greet()",
    ),
    one(
        "two spellings of an e-mail",
        "user_refused",
        "index public.users_small of public.users",
        "it refuses the users of 1 e-mails",
        "CREATE UNIQUE INDEX users_small ON public.users (LOWER(email))",
    ),
    one(
        "e-mails that a check refuses",
        "user_refused",
        "constraint small of public.users",
        "go to quarantine (no_user)",
        "ALTER TABLE public.users ADD CONSTRAINT small CHECK (email = LOWER(email)) NOT VALID",
    ),
    one(
        "e-mails that are too long for the column",
        "user_refused",
        "column email of public.users",
        "go to quarantine (no_user)",
        "ALTER TABLE public.users ALTER COLUMN email TYPE varchar(60); "
        "UPDATE public.artworks SET customer_email = REPEAT('a', 60) || '@users.example' WHERE id = (SELECT MIN(a.id::text)::uuid"
        " FROM public.artworks AS a WHERE a.generation_status = 'completed' AND a.user_id IS NULL AND a.original_image_url LIKE 'http%')",
    ),
]

BLOCKERS += USERS_BLOCKERS

ADVISORIES = [
    one(
        "little room for temporary files",
        "temporary_files",
        "setting temp_file_limit",
        "one process may write 100kB",
        "SET LOCAL temp_file_limit = '100kB'",
    ),
    one("few connections for the role", "connections", "role postgres", "of 3 connections", "ALTER ROLE postgres CONNECTION LIMIT 3"),
    one(
        "few connections for the database",
        "connections",
        "database *",
        "of 2 connections",
        "DO $$BEGIN EXECUTE format('ALTER DATABASE %I CONNECTION LIMIT 2', current_database()); END$$",
    ),
    one(
        "a role that does not see the others",
        "sessions_not_visible",
        f"role {OWNER}",
        "not a member of pg_read_all_stats",
        OWNED,
        user=OWNER,
    ),
    one("the state of another tool", "tool", "schema pgroll", "pgroll keeps its state there", "CREATE SCHEMA pgroll"),
    one("a copy of the table", "copy", "table public.artworks_backup", "looks like a copy", "CREATE TABLE public.artworks_backup ()"),
    one("a trigger that keeps a copy up", "copy", "trigger to_new on public.artworks", "maintains one", TRIGGER.format("to_new")),
]

#: What is not what it seems: rows that are hidden, and references that lead nowhere.
PREREQUISITES += [
    one(
        "orders whose policies bind their owner",
        "row_security",
        "table public.orders",
        f"hides rows from role {OWNER}: it is forced on the owner",
        GIVE_TO_OWNER
        + f"ALTER TABLE public.orders FORCE ROW LEVEL SECURITY; GRANT CREATE ON SCHEMA public TO {OWNER};"
        + f"DO $$BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO {OWNER}', current_database()); END$$",
        user=OWNER,
    ),
]
BLOCKERS += [
    one(
        "an order for an artwork that does not exist",
        "orphan_reference",
        "key orders_artwork_id_fkey on public.orders",
        "1 of its rows reference artworks that do not exist: 00000000-0000-4000-8000-000000000001.",
        "ALTER TABLE public.orders DISABLE TRIGGER ALL; UPDATE public.orders SET artwork_id = '00000000-0000-4000-8000-000000000001'"
        " WHERE id = (SELECT id FROM public.orders ORDER BY id LIMIT 1); ALTER TABLE public.orders ENABLE TRIGGER ALL",
    ),
]
#: A paid artwork, and what is wrong with it.
ODD_ARTWORK = (
    "WITH odd AS (INSERT INTO public.artworks (customer_name, customer_email, original_image_url, generated_image_url, generation_status,"
    " access_token, token_expires_at, created_at, updated_at) VALUES ('Ada', 'odd@example.com', 'https://u/1', {picture}, {status},"
    " {link}, NOW() + interval '1 day', NOW() - interval '2 days', {changed}) RETURNING id) "
)
ORDERED = "INSERT INTO public.orders (artwork_id, stripe_session_id, amount_cents) SELECT odd.id, 'cs_odd', 4900 FROM odd"
SOUND = {"picture": "'https://i/1'", "status": "'completed'", "link": "'odd'", "changed": "NOW() - interval '2 days'"}


def odd(**values: str) -> str:
    """The artwork with these values, as SQL."""
    return ODD_ARTWORK.format(**{**SOUND, **values})


#: Artworks that customers hold or have paid for and that would be lost, and rules that fit nothing.
LOSSES = [
    one("an order without a token", "referenced_row", "artwork *", "access_token is empty", odd(link="NULL", picture="NULL") + ORDERED),
    Case(
        "an order in quarantine",
        odd(changed="NULL") + ORDERED,
        (("quarantined", "no_updated_at", "1 artworks"), ("referenced_quarantined", "artwork *", "its updated_at is NULL")),
    ),
    one("a valid link that leads to nothing", "left_behind", "not_completed", "for 1 of them", odd(status="'failed'") + "SELECT FROM odd"),
    one("an empty table", "nothing_to_migrate", "table public.artworks", "it is empty", "TRUNCATE public.artworks CASCADE"),
]
BLOCKERS += LOSSES
ADVISORIES.append(
    one(
        "an application with a migration tool",
        "history",
        "table public.schema_migrations",
        "the history of Rails, Supabase",
        "CREATE TABLE public.schema_migrations (version text PRIMARY KEY)",
    )
)

BLOCKERS += [
    one(
        "orders without their key",
        "reference_without_key",
        "public.orders.artwork_id",
        "it is named like a reference to artworks",
        "ALTER TABLE public.orders DROP CONSTRAINT orders_artwork_id_fkey",
    ),
    one(
        "an artwork without a time",
        "quarantined",
        "no_updated_at",
        "1 artworks would be in quarantine",
        odd(changed="NULL") + "SELECT FROM odd",
    ),
]
PREREQUISITES += [
    one(
        "transactions that are serializable by default",
        "stored_setting",
        "role service_role",
        "serializable by default",
        "DO $$BEGIN EXECUTE format('ALTER ROLE service_role IN DATABASE %I SET default_transaction_isolation = serializable',"
        " current_database()); END$$",
    ),
    one(
        "writes that count as those of the migration",
        "stored_setting",
        "database *",
        "would count as those of the migration",
        "DO $$BEGIN EXECUTE format('ALTER DATABASE %I SET artwork_migration.apply = on', current_database()); END$$",
    ),
]
