"""A database we cannot migrate is refused with one clear error each: what, which object, what to do. Nothing is created.

What stops the plan from running, and what is only told, is here too; and without any of it the same database plans clean.
"""

import re
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection

import sql
from migration import database
from migration.errors import PrerequisitesNotMet
from migration.ledger import ledger
from migration.plans import estimates, statements
from migration.plans.plan import Plan
from migration.plans.statements import require_prerequisites
from migration.verbs import deploy_schema
from reporting.plans import plan_markdown
from sample.binaries import binary_directory, give_to, system_user
from sample.build import Variant, build_sample
from sample.server import EmbeddedServer
from sql import SqlFile
from tests.conftest import MakeShop
from tests.databases import Shop, accept_exposure, deploy, migrate, planned_deployment, uninstall
from tests.faults.connecting import refusal, start
from tests.faults.prerequisites import ADVISORIES, BLOCKERS, GIVE_TO_OWNER, MEMBER, OWNER, PREREQUISITES, STRANGER, Case
from tests.series import LONG, first
from tests.waiting import wait_until

#: Rules that need more than a changed sample, each with its own test below or elsewhere.
OWN_TESTS = {
    "plan/prerequisites": {"postgres_version", "server_encoding", "standby", "function_role", "unfinished_roll_back"},
    "plan/blockers": {"role_timeout"},
    "plan/advisories": {"long_transaction", "prepared_transaction", "replica", "slot", "publication"},
}
CASES = {"plan/prerequisites": PREREQUISITES, "plan/blockers": BLOCKERS, "plan/advisories": ADVISORIES}


class Undone(Exception):
    """Rolls a case back."""


@pytest.fixture(scope="module", autouse=True)
def roles(server: EmbeddedServer) -> None:
    """The roles; they belong to the whole server and go with it."""
    with psycopg.connect(server.conninfo("postgres"), autocommit=True) as connection:
        for role in (OWNER, STRANGER, f"{MEMBER} IN ROLE {OWNER}"):
            connection.execute(f"CREATE ROLE {role}")  # type: ignore[call-overload]  # made of this test's own names
            connection.execute(f"ALTER ROLE {role.split()[0]} LOGIN")  # type: ignore[call-overload]  # made of this test's own names


@pytest.fixture(scope="module")
def samples(server: EmbeddedServer) -> Iterator[dict[Variant, Shop]]:
    """The samples that all cases share, because each undoes what it does. They are small: what is asked is the catalog."""
    made = {variant: Shop(server, f"case_{variant.value}") for variant in (Variant.CURRENT, Variant.MINIMAL)}
    for variant, shop in made.items():
        server.create_database(shop.name)
        build_sample(server.conninfo(shop.name), variant, rows=300)
    yield made
    for shop in made.values():
        shop.close()
        server.drop_database(shop.name)


@pytest.fixture(scope="module")
def accepted(server: EmbeddedServer, samples: dict[Variant, Shop]) -> Iterator[Shop]:
    """One more, in which somebody has decided what is everybody's to decide."""
    shop = Shop(server, "case_accepted")
    samples[Variant.CURRENT].close()
    server.create_database(shop.name, template=samples[Variant.CURRENT].name)
    accept_exposure(shop)
    yield shop
    shop.close()
    server.drop_database(shop.name)


@contextmanager
def happening(shop: Shop, case: Case) -> Iterator[Connection]:
    """What the case does to the shop, for as long as the body runs; it can only read, as the role of the case."""
    with suppress(Undone), shop.database.transaction("a case", isolation="REPEATABLE READ") as connection:
        for statement in (
            case.setup.replace("*conninfo*", shop.server.conninfo(shop.name)),
            f"SET LOCAL ROLE {case.user}" if case.user else "",
            "SET LOCAL transaction_read_only = on",
        ):
            if statement:
                database.run_literally(connection, statement)
        yield connection
        raise Undone


def fits(case: Case, found: Sequence[tuple[str, str, str]]) -> bool:
    """Whether just this was found, in this order."""
    return len(case.found) == len(found) and all(
        rule == wanted[0] and fnmatchcase(subject, wanted[1]) and wanted[2] in problem
        for wanted, (rule, subject, problem) in zip(case.found, found, strict=True)
    )


def advisories_of(made: Plan) -> list[dict[str, Any]]:
    """The notes of a plan that need attention."""
    return [note for notes in made.facts["notes"].values() for note in notes if note["attention"]]


@first(40)
@pytest.mark.parametrize("case", PREREQUISITES, ids=lambda case: case.name)
def test_an_unmet_prerequisite_is_reported(samples: dict[Variant, Shop], case: Case) -> None:
    """Each prerequisite that is not met refuses with rule, object, problem and remedy, and without the cause it is met."""
    shop = samples[case.variant]
    with happening(shop, case) as connection, pytest.raises(PrerequisitesNotMet) as caught:
        require_prerequisites(connection, "deploy-schema")
    assert fits(case, [(one.rule, one.subject, one.problem) for one in caught.value.problems]), caught.value
    with shop.database.transaction("without it", transaction_read_only="on") as connection:
        require_prerequisites(connection, "deploy-schema")


@pytest.fixture(scope="module")
def unblocked(accepted: Shop) -> Plan:
    """The plan of it without a cause to block."""
    return planned_deployment(accepted)


@pytest.mark.parametrize("case", BLOCKERS, ids=lambda case: case.name)
@first(3)
def test_a_blocker_is_reported(accepted: Shop, unblocked: Plan, case: Case) -> None:
    """Each blocker is in the plan, and without its cause the plan has another number and no blocker."""
    with happening(accepted, case) as connection:
        made = deploy_schema.plan_deploy_schema(connection)
    assert fits(case, [(one.rule, one.subject, one.problem) for one in made.blockers]), made.blockers
    assert () == unblocked.blockers
    assert made.number != unblocked.number


@pytest.mark.parametrize("case", ADVISORIES, ids=lambda case: case.name)
@first(2)
def test_an_advisory_is_shown(accepted: Shop, case: Case) -> None:
    """Each advisory is marked in the plan with what to do and blocks nothing, and without its cause there is none."""
    with happening(accepted, case) as connection:
        made = deploy_schema.plan_deploy_schema(connection)
    assert fits(case, [(note["rule"], note["subject"], note["problem"]) for note in advisories_of(made)]), advisories_of(made)
    (note,) = advisories_of(made)
    assert f"- ⚠ **{note['subject']}**: {note['problem']} {note['remedy']}" in plan_markdown(made)
    assert () == made.blockers
    assert [] == advisories_of(planned_deployment(accepted))


def files(folder: str) -> list[SqlFile]:
    """The questions of a folder; the notes are in one folder for each section."""
    folders = [f"{folder}/{section}" for section in estimates.SECTIONS] if folder == "plan/advisories" else [folder]
    return [file for name in folders for file in sql.folder(name)]


@pytest.mark.parametrize("folder", CASES)
def test_every_question_has_a_case_that_it_reports(folder: str) -> None:
    """Each file of prerequisites, blockers and advisories has a case here and a remedy."""
    assert {file.rule for file in files(folder)} == {rule for case in CASES[folder] for rule, _, _ in case.found} | OWN_TESTS[folder]
    assert [] == [file.name for file in files(folder) if not file.header.get("remedy", "").endswith(".")]
    assert {"room", "sessions", "replication", "other_migrations"} == set(estimates.SECTIONS)


def test_nothing_is_created_by_a_refusal(shop: Shop) -> None:
    """A refused deploy_schema leaves the schema as it was."""
    shop.sql.execute("CREATE TABLE public.artworks_v2 ()")
    before = shop.schema_dump()
    assert ["name_taken"] == [prerequisite.rule for prerequisite in refusal(shop.url)]
    assert before == shop.schema_dump()


# What needs more than a changed sample


@LONG
def test_a_limit_of_the_role_blocks(accepted: Shop) -> None:
    """A time limit of the role that would end the run's idle session or a long transaction blocks by its name; others do not."""
    limits = {"idle_session_timeout": "5min", "transaction_timeout": "10min", "statement_timeout": "8s"}
    for name, value in limits.items():
        accepted.sql.execute(f"ALTER DATABASE {accepted.name} SET {name} = '{value}'")  # type: ignore[call-overload]  # made of this test's own names
    try:
        made = start(accepted.url)
    finally:
        accepted.sql.execute(f"ALTER DATABASE {accepted.name} RESET ALL")  # type: ignore[call-overload]  # made of this test's own names
    assert ["setting idle_session_timeout", "setting transaction_timeout"] == [blocker.subject for blocker in made.blockers]
    assert {"role_timeout"} == {blocker.rule for blocker in made.blockers}
    assert "it is 300000 ms" in made.blockers[0].problem
    assert () == start(accepted.url).blockers


@LONG
def test_a_transaction_that_stays_open_is_reported(accepted: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The plan names a long transaction by pid, application, state, age and table, and without its statement."""
    monkeypatch.setattr(estimates, "LONG_TRANSACTION", "0 seconds")
    session = accepted.session()
    session.execute("SET application_name = 'nightly'")
    session.execute("SELECT 'canary' FROM public.artworks LIMIT 1")
    made = planned_deployment(accepted)
    (note,) = advisories_of(made)
    assert ("long_transaction", f"pid {session.info.backend_pid}") == (note["rule"], note["subject"])
    assert re.match(r"nightly, idle in transaction, transaction open for \d+ s and locks public\.artworks", note["problem"])
    assert "canary" not in str(made.content())
    session.rollback()
    assert [] == advisories_of(planned_deployment(accepted))


@pytest.fixture(scope="module")
def other_server() -> Iterator[EmbeddedServer]:
    """A server that keeps prepared transactions and is watched by nobody else, so that it may have a standby and slots."""
    settings = {"fsync": "off", "max_prepared_transactions": "5", "max_slot_wal_keep_size": "1MB", "max_connections": "20"}
    with tempfile.TemporaryDirectory(prefix="pg") as folder, EmbeddedServer(Path(folder) / "d", settings=settings) as it:
        yield it


@LONG
def test_what_else_goes_on_on_the_server_is_reported(other_server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The plan names a prepared transaction, an unused slot that would be lost, a reader of the log, the publication, few connections."""
    monkeypatch.setattr(estimates, "LONG_TRANSACTION", "0 seconds")
    shop = Shop(other_server, "shop")
    other_server.create_database(shop.name)
    build_sample(other_server.conninfo(shop.name), Variant.CURRENT, rows=2_000)
    accept_exposure(shop)
    assert [] == advisories_of(planned_deployment(shop))
    shop.sql.execute("SELECT PG_CREATE_LOGICAL_REPLICATION_SLOT('nobodys', 'pgoutput')")
    session = shop.session()
    session.execute("UPDATE public.artworks SET pet_name = pet_name WHERE id = (SELECT id FROM public.artworks LIMIT 1)")
    session.execute("PREPARE TRANSACTION 'canary'")
    session.rollback()
    others = [shop.session() for _ in range(8)]
    command = [other_server.binary("pg_receivewal"), "-D", str(tmp_path), "-d", other_server.conninfo("postgres")]
    reader = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: shop.value("SELECT COUNT(*) FROM pg_stat_replication WHERE state = 'streaming'"))
        made = planned_deployment(shop)
    finally:
        reader.terminate()
        reader.wait(10)
        shop.sql.execute("SELECT PG_DROP_REPLICATION_SLOT('nobodys')")
        shop.sql.execute("ROLLBACK PREPARED 'canary'")
        for other in others:
            other.close()
    told = {(note["rule"], note["attention"]): note for notes in made.facts["notes"].values() for note in notes}
    assert {("prepared_transaction", True), ("replica", False), ("slot", True), ("publication", False), ("connections", True)} == set(told)
    assert told["connections", True]["subject"] == "setting max_connections"
    assert told["prepared_transaction", True]["subject"].startswith("prepared transaction ")
    assert told["replica", False]["subject"] == "standby pg_receivewal"
    assert told["slot", True]["subject"] == "logical slot nobodys"
    assert "inactive" in told["slot", True]["problem"]
    assert "beyond 1024 kB (max_slot_wal_keep_size) the slot is lost" in told["slot", True]["problem"]
    assert "canary" not in str(made.content())
    assert [] == advisories_of(planned_deployment(shop))
    shop.close()


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_another_encoding_is_refused(server: EmbeddedServer, encoding: str) -> None:
    """A database with another encoding than UTF8 is refused."""
    shop = Shop(server, f"shop_{encoding.lower()}")
    with psycopg.connect(server.conninfo("postgres"), autocommit=True) as connection:
        connection.execute(
            f"CREATE DATABASE {shop.name} ENCODING '{encoding}' LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0"  # type: ignore[call-overload]  # made of this test's own names
        )
    (prerequisite,) = refusal(shop.url)
    server.drop_database(shop.name)
    assert ("server_encoding", f"its encoding is {encoding}; UTF8 is required.") == (prerequisite.rule, prerequisite.problem)


def test_several_prerequisites_are_reported_at_once(shop: Shop) -> None:
    """One refusal names all prerequisites that are not met."""
    shop.sql.execute("CREATE TABLE public.artworks_v2 (); ALTER TABLE public.artworks DROP CONSTRAINT artworks_user_id_fkey")
    assert ["name_taken", "user_without_key"] == [prerequisite.rule for prerequisite in refusal(shop.url)]


def test_a_server_too_old_is_refused_alone(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that is too old is refused before any other question, which it may not even parse."""
    # There is no server older than 15 here; the check itself is SQL, and the release it compares with is its parameter.
    monkeypatch.setattr(statements, "OLDEST_VERSION", 990000)
    shop.sql.execute("CREATE TABLE public.artworks_v2 ()")
    before = shop.schema_dump()
    (prerequisite,) = refusal(shop.url)
    assert ("postgres_version", "it is older than 15.") == (prerequisite.rule, prerequisite.problem)
    assert prerequisite.subject.startswith("Postgres 18")
    assert "Upgrade the server" in prerequisite.remedy
    assert before == shop.schema_dump()


def test_a_standby_is_refused() -> None:
    """A standby is refused before any other question."""
    with tempfile.TemporaryDirectory(prefix="pg") as folder:
        data = Path(folder) / "d"
        with EmbeddedServer(data, settings={"fsync": "off"}) as server:
            server.create_database("shop")
        # a server that was shut down and finds this file waits for a primary's WAL, and answers questions meanwhile
        (data / "standby.signal").touch()
        give_to(system_user(binary_directory(18)), data / "standby.signal")
        with EmbeddedServer(data, settings={"fsync": "off"}) as standby:
            (prerequisite,) = refusal(standby.url("shop"))
    assert ("standby", "database shop") == (prerequisite.rule, prerequisite.subject)


def test_a_function_role_that_does_not_exist_is_refused(shop: Shop) -> None:
    """A decision that names an unknown role is refused before anything is created."""
    with shop.database.transaction("deciding") as connection:
        ledger.create(connection)
        ledger.decide(connection, "function_roles", "service_role,servce_role", approved_by="test", reason="test", run_name="test")
    before = shop.schema_dump()
    (prerequisite,) = refusal(shop.url)
    assert ("function_role", "role servce_role") == (prerequisite.rule, prerequisite.subject)
    assert before == shop.schema_dump()


@pytest.mark.parametrize(
    "setup",
    [
        pytest.param("", id="as it is"),
        pytest.param("ALTER TABLE public.artworks DROP COLUMN mockup_urls", id="a column gone that is not carried over"),
        pytest.param("CREATE TABLE public.artworks_v3 ()", id="a name that only looks like ours"),
        pytest.param(
            "DROP VIEW public.artwork_gallery; ALTER TABLE public.artworks ALTER COLUMN pet_name TYPE varchar(400)", id="varchar for text"
        ),
        pytest.param(
            "CREATE POLICY ordered ON public.artworks FOR SELECT"
            " USING (EXISTS (SELECT FROM public.orders AS o WHERE o.artwork_id = artworks.id AND status = 'paid' AND currency = 'usd'))",
            id="a policy with a sub-select",
        ),
    ],
)
@first(2)
def test_what_meets_the_prerequisites_is_accepted(shop: Shop, setup: str) -> None:
    """A database that can be migrated is not refused, and its policies are on the clean table after the deployment."""
    shop.sql.execute(setup)
    deploy(shop)
    question = "SELECT COUNT(*) FROM pg_policy WHERE polrelid = 'public.{}'::regclass"
    assert shop.value(question.format("artworks")) == shop.value(question.format("artworks_v2"))


@pytest.mark.parametrize("role", [OWNER, MEMBER])
@first(1)
def test_a_role_with_just_what_is_asked_for_goes_the_whole_way(make_shop: MakeShop, role: str) -> None:
    """An owner who is no superuser, or a member of it, deploys, migrates and uninstalls with just the required privileges."""
    shop = make_shop()
    shop.sql.execute(
        GIVE_TO_OWNER
        + f"GRANT CREATE ON SCHEMA public TO {OWNER};"
        + f"DO $$BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO {role}', current_database()); END$$"
    )
    before = shop.schema_dump()
    theirs = TheirShop(shop.server, shop.name)
    theirs.role = role
    try:
        deploy(theirs)
        counts = migrate(theirs)
        uninstall(theirs)
    finally:
        theirs.close()
    assert set(counts) <= {"match", "excluded", "quarantined"}
    assert before == shop.schema_dump()


class TheirShop(Shop):
    """The same database, but our code connects as another role."""

    role: str

    @property
    def url(self) -> str:
        """What ARTWORK_DATABASE_URL would be."""
        return self.server.url(self.name, user=self.role)
