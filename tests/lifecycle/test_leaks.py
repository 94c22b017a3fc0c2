"""Privacy of errors: whatever fails, no e-mail, token or password of the sample gets into anything that is kept or shown."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from prefect import flow, get_run_logger
from prefect.artifacts import create_markdown_artifact
from prefect.client.schemas.objects import State
from prefect.deployments import run_deployment
from prefect.events import emit_event

from cli.prefect_server import PrefectServer
from flows.decide import decide
from flows.deploy_schema import deploy_schema
from flows.migrate_data import migrate_data
from flows.roll_back import roll_back
from migration.errors import DatabaseError
from sample.server import EmbeddedServer
from tasks.connection_block import ArtworkDatabase
from tasks.ends import kind_of_end, message
from tests.databases import Shop, accept_exposure
from tests.lifecycle.conftest import environment
from tests.lifecycle.runs import APPROVED, number_in
from tests.series import EXHAUSTIVE
from tests.waiting import wait_until

#: A statement for each SQLSTATE that really raises it on a customer's row; Postgres puts e-mail and token into message or DETAIL.
TRAPS = {
    "23502": "INSERT INTO trap.narrow (email, token, needed) VALUES (victim.email, victim.token, NULL)",
    "23505": "INSERT INTO trap.narrow (email, token, needed) VALUES (victim.email, victim.token, 1), (victim.email, victim.token, 1)",
    "23514": "INSERT INTO trap.narrow (email, token, needed) VALUES (victim.email, victim.token, -1)",
    "22P02": "PERFORM victim.email::integer",
    "57014": "PERFORM PG_CANCEL_BACKEND(PG_BACKEND_PID()), PG_SLEEP(10), victim.email",
}
ROOT = Path(__file__).parents[2]
CANARY = "canary-7f3a9c"
PASSWORD = "pw-of-the-shop-51b0"  # noqa: S105 (the server trusts its socket; this is what must not show up)
SECRETS = """
    SELECT customer_email FROM artworks UNION SELECT access_token FROM artworks UNION SELECT email FROM users
    UNION SELECT original_image_url FROM artworks WHERE original_image_url LIKE 'http%'
"""


@pytest.fixture
def trapped(operated: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A shop in which any DDL, any new run or decision and any copied row can be made to fail."""
    monkeypatch.setenv("ARTWORK_ATTEMPTS", "2")
    monkeypatch.setenv("ARTWORK_DATABASE_URL", operated.server.url(operated.name, password=PASSWORD))
    operated.sql.execute("""
        CREATE SCHEMA trap;
        CREATE TABLE trap.narrow (email text, token text UNIQUE, needed int NOT NULL CHECK (needed > 0));
        CREATE TABLE trap.armed (sqlstate text);
        CREATE FUNCTION trap.spring() RETURNS void LANGUAGE plpgsql AS $trap$ BEGIN NULL; END $trap$;
        CREATE FUNCTION trap.on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM trap.spring(); END $$;
        CREATE FUNCTION trap.on_row() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM trap.spring(); RETURN NEW; END $$;
    """)
    return operated


def arm(shop: Shop, sqlstate: str, where: str) -> None:
    """Make the next statement of the flow fail with that SQLSTATE."""
    shop.sql.execute(f"""
        CREATE OR REPLACE FUNCTION trap.spring() RETURNS void LANGUAGE plpgsql AS $trap$
        DECLARE victim record;
        BEGIN
          SELECT customer_email AS email, access_token AS token INTO victim
          FROM public.artworks WHERE customer_email <> '' AND access_token <> '' ORDER BY id LIMIT 1;
          {TRAPS[sqlstate]};
        END $trap$;
        {where};
    """)


def disarm(shop: Shop, where: str) -> None:
    shop.sql.execute(f"{where}; CREATE OR REPLACE FUNCTION trap.spring() RETURNS void LANGUAGE plpgsql AS $trap$ BEGIN NULL; END $trap$")


ON_DDL = (
    "CREATE EVENT TRIGGER trap ON ddl_command_end WHEN TAG IN ('CREATE VIEW', 'DROP VIEW') EXECUTE FUNCTION trap.on_ddl()",
    "DROP EVENT TRIGGER trap",
)
ON_DECISION = (
    "CREATE TRIGGER trap BEFORE INSERT ON artwork_migration.decision FOR EACH ROW EXECUTE FUNCTION trap.on_row()",
    "DROP TRIGGER trap ON artwork_migration.decision",
)
ON_COPY = (
    "CREATE TRIGGER trap BEFORE INSERT ON artworks_v2 FOR EACH ROW EXECUTE FUNCTION trap.on_row()",
    "DROP TRIGGER trap ON artworks_v2",
)


def spring(shop: Shop, sqlstate: str, where: tuple[str, str], run: Callable[[], State[Any]]) -> State[Any]:
    """Run a verb into the trap, without patience, and see that it really failed there."""
    arm(shop, sqlstate, where[0])
    try:
        with pytest.MonkeyPatch.context() as impatient:
            impatient.setenv("ARTWORK_LOCK_WAIT_SECONDS", "0.2")
            state = run()
    finally:
        disarm(shop, where[1])
    assert state.is_failed(), f"{sqlstate} was not raised"
    assert sqlstate in message(state) or kind_of_end(state) == "Lock not obtained", state.message
    return state


@pytest.mark.parametrize(
    ("traps", "worker"),
    [
        pytest.param(["23505"], False, id="an error in the flows"),
        pytest.param(list(TRAPS), True, marks=EXHAUSTIVE, id="each error, also on a worker"),
    ],
)
def test_no_secret_leaks_whatever_fails(  # noqa: PLR0917 (fixtures)
    traps: list[str],
    worker: bool,
    trapped: Shop,
    prefect_server: PrefectServer,
    server: EmbeddedServer,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    request: pytest.FixtureRequest,
) -> None:
    """No e-mail, token or password is kept or shown, whichever statement fails with whichever SQLSTATE, in a flow or on a worker."""
    secrets = sorted(trapped_secrets(trapped))
    accept_exposure(trapped)
    plan = number_in(deploy_schema(return_state=True))
    for sqlstate in traps:
        spring(trapped, sqlstate, ON_DDL, lambda: deploy_schema(plan=plan, **APPROVED, return_state=True))
    for sqlstate in traps[:2]:
        spring(trapped, sqlstate, ON_DECISION, lambda: decide(name="max_quarantined", value="1", **APPROVED, return_state=True))
    assert deploy_schema(plan=plan, **APPROVED, return_state=True).is_completed()
    for sqlstate in traps:
        spring(trapped, sqlstate, ON_COPY, lambda: migrate_data(return_state=True))
    back = number_in(roll_back(to="NOT_STARTED", return_state=True))
    for sqlstate in traps[:2]:
        spring(trapped, sqlstate, ON_DDL, lambda: roll_back(to="NOT_STARTED", plan=back, **APPROVED, return_state=True))

    worker_log = tmp_path / "worker.log"
    if worker:
        on_worker(trapped, prefect_server, worker_log)
    else:
        worker_log.touch()
        assert decide(name="max_quarantined", value="0", approved_by=CANARY, reason=CANARY, return_state=True).is_completed()
    ArtworkDatabase(host="db", database="shop", user="u", password=f"{CANARY}-password").save(CANARY, overwrite=True)
    request.addfinalizer(lambda: ArtworkDatabase.delete(CANARY))
    plant_canaries()
    assert migrate_data(return_state=True).is_completed()
    back = number_in(roll_back(to="NOT_STARTED", return_state=True))
    assert roll_back(to="NOT_STARTED", plan=back, **APPROVED, return_state=True).is_completed()

    shown = capfd.readouterr()
    places = {
        "prefect's database": prefect_data(server),
        "the server's log": prefect_server.log.read_text(errors="replace"),
        "the worker's output": worker_log.read_text(errors="replace"),
        "our output": shown.out + shown.err,
        "our log": "\n".join(record.getMessage() + str(record.exc_text or "") for record in caplog.records),
        "the report": "\n".join(path.read_text() for path in (tmp_path / "reports").rglob("*") if path.suffix in (".html", ".csv")),
        "the exported ledger": "\n".join(path.read_text() for path in (tmp_path / "reports").glob("*.json")),
    }
    for name in ("log", "artifact", "events", "block_document", "flow_run_state"):
        assert CANARY in table_in(places["prefect's database"], name), f"the canary in {name} was not found: this search would find nothing"
    for name in ("our output", "our log", "the report", *(["the worker's output"] if worker else [])):
        assert CANARY in places[name], f"the canary in {name} was not found: this search would find nothing"
    assert "deploy-schema" in places["the exported ledger"]
    assert f"{CANARY}-password" not in places["prefect's database"]
    assert 1 == found_in(places["our log"], [CANARY], tmp_path)
    for name, content in places.items():
        leaked = found_in(content, secrets, tmp_path)
        assert leaked == 0, f"{leaked} secrets of customers stand in {name}"


def found_in(content: str, secrets: Collection[str], folder: Path) -> int:
    """How many different secrets stand in the content, as they are or as JSON writes them. grep looks for all of them in one pass."""
    (folder / "content").write_text(content)
    (folder / "secrets").write_text(
        "\n".join({form for secret in secrets for form in (secret, json.dumps(secret)[1:-1]) if "\n" not in form})
    )
    command = ["grep", "--text", "--fixed-strings", "--only-matching", f"--file={folder / 'secrets'}", folder / "content"]
    search = subprocess.run(command, check=False, capture_output=True, env={**os.environ, "LC_ALL": "C"})
    assert search.returncode < 2, search.stderr
    return len(set(search.stdout.splitlines()))


def trapped_secrets(shop: Shop) -> set[str]:
    """Every e-mail and token of the sample that is long enough to be told from an ordinary word."""
    return {str(secret) for (secret,) in shop.rows(SECRETS) if len(str(secret).strip()) > 7} | {PASSWORD}


def on_worker(shop: Shop, prefect_server: PrefectServer, log: Path) -> None:
    """The same on a worker: a copy that fails on a customer's row, and a decision whose words are the canary."""
    with deployed_with_worker(prefect_server, log):
        arm(shop, "22P02", ON_COPY[0])
        failed = run_deployment("migrate-data/2-migrate-data", timeout=120, poll_interval=1)
        disarm(shop, ON_COPY[1])
        assert failed.state is not None
        assert failed.state.is_failed()
        decided = {"name": "max_quarantined", "value": "0", "approved_by": CANARY, "reason": CANARY}
        kept = run_deployment("decide/decide", parameters=decided, timeout=120, poll_interval=1)
        assert kept.state is not None
        assert kept.state.is_completed(), kept.state.message
        # the run's last lines pass through the worker
        wait_until(lambda: CANARY in log.read_text(errors="replace"), every=0.2)


@contextmanager
def deployed_with_worker(prefect_server: PrefectServer, log: Path) -> Iterator[None]:
    """Register everything as on a server of one's own, and start a worker for them whose output goes to `log`."""
    variables = environment(prefect_server)
    subprocess.run([Path(sys.executable).with_name("artwork-migration"), "register"], env=variables, check=True)
    with log.open("wb") as output:
        worker = subprocess.Popen(
            [sys.executable, "-m", "prefect", "worker", "start", "--pool", "artwork-migration"],
            env=variables,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            yield
        finally:
            worker.terminate()
            try:
                worker.wait(30)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()


def plant_canaries() -> None:
    """The canary through each channel that a flow has."""

    @flow(name=CANARY)
    def sing() -> None:
        get_run_logger().warning("log %s", CANARY)
        print(CANARY)  # noqa: T201 (standard output is one of the channels)
        create_markdown_artifact(CANARY, key="canary", description=CANARY)
        emit_event(CANARY, resource={"prefect.resource.id": CANARY}, payload={"canary": CANARY})
        raise RuntimeError(CANARY)

    assert sing(return_state=True).is_failed()


def prefect_data(server: EmbeddedServer) -> str:
    """Return everything that Prefect keeps, as text, once its last logs and events have arrived."""
    dump = [server.binary("pg_dump"), "--data-only", "-d", server.conninfo("prefect")]
    dumped = ""

    def has_arrived() -> bool:
        nonlocal dumped
        dumped = subprocess.run(dump, capture_output=True, text=True, check=True).stdout
        return all(CANARY in table_in(dumped, name) for name in ("log", "events", "artifact"))

    wait_until(has_arrived, every=0.5)
    return dumped


def table_in(dump: str, name: str) -> str:
    """The rows of one table in a data-only dump."""
    found = re.search(rf"^COPY public\.{name} .*?^\\\.$", dump, re.MULTILINE | re.DOTALL)
    return found.group(0) if found else ""


def test_the_search_itself_finds_a_leak(shop: Shop) -> None:
    """The search knows more than 1,000 secrets and finds them in a driver's own error; the translated error holds none of them."""
    secrets = trapped_secrets(shop)
    assert len(secrets) > 1_000
    statement = "INSERT INTO artworks SELECT * FROM artworks WHERE access_token <> '' ORDER BY id LIMIT 1"
    with pytest.raises(psycopg.errors.UniqueViolation):
        shop.sql.execute(statement)
    with pytest.raises(psycopg.errors.InvalidTextRepresentation) as raw:
        shop.sql.execute("SELECT customer_email::integer FROM artworks WHERE customer_email <> '' ORDER BY id LIMIT 1")
    assert any(secret in str(raw.value) for secret in secrets)
    with pytest.raises(DatabaseError) as translated, shop.database.transaction("a test") as connection:
        connection.exec_driver_sql("SELECT customer_email::integer FROM artworks WHERE customer_email <> '' ORDER BY id LIMIT 1")
    assert not any(secret in str(translated.value) for secret in secrets)
    assert translated.value.__cause__ is None
    assert translated.value.__suppress_context__
