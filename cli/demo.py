"""The demo: a production-like database in use, taken through the whole life cycle with Prefect while the application goes on."""

import signal
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from rich.console import Console

from cli.demo_application import Application, ApplicationEnded
from cli.demo_servers import BEFORE, build_shop, let_days_pass, schema_of, servers, shop_database, throw_away
from cli.demo_told import newest_report, progress, show_accounts, show_check, show_state, show_writes
from cli.verbs import run_verb
from migration.ledger import ledger
from migration.ledger.ledger import PhaseRow
from migration.ledger.phases import Phase
from migration.ledger.safety_window import SAFETY_DAYS
from reporting.accounts import read_accounts
from sample.entry import Side
from sample.moments import writes_around
from sample.server import EmbeddedServer

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State

#: How far the demo goes.
Until: TypeAlias = Literal["migrated", "switched", "cleaned"]

APPROVAL = {"approved_by": "the demo", "reason": "to see it work"}

#: What must be written while the names change hands; with less a complete journal would say little.
FEWEST_WRITES = 100

#: Set by Ctrl-C. A package that is just being imported may swallow the exception, and the demo would go on to its end.
_INTERRUPTED = threading.Event()


class DemoFailed(Exception):
    """A step of the demo did not end as it should; the message is what the operator sees."""


def run_demo(console: Console, *, rows: int, seed: int, until: Until) -> int:
    """Build the shop and tell its story; returns the exit code. Nothing it started outlives it; the database's files stay for --undo."""
    begun = time.monotonic()
    signal.signal(signal.SIGINT, _interrupt)
    with servers(console) as server:
        build_shop(console, server, rows, seed)
        try:
            with Application(server, seed) as application:
                _Story(console, server, application).tell(until)
        except DemoFailed as failure:
            console.print(f"[bold red]{failure}[/]", highlight=False)
            return 1
        console.rule(f"Done in {time.monotonic() - begun:.0f} s")
        console.print(f"   The report: [bold]{newest_report()}[/]", highlight=False, soft_wrap=True)
    if until != "cleaned":
        console.print("   Take it all away again, and see that no trace is left: [bold].venv/bin/artwork-migration demo --undo[/]")
    return 0


def undo_demo(console: Console, *, force: bool) -> int:
    """Roll the demo's database back to NOT_STARTED and compare its schema with the one before; returns the exit code.

    After the clean-up there is no way back: with `force` its files are removed then.
    """
    if not BEFORE.exists():
        console.print("[bold red]There is no demo to undo.[/] Run make demo first.")
        return 1
    signal.signal(signal.SIGINT, _interrupt)
    with servers(console) as server:
        phase = _phase(server).phase
        if phase is not Phase.CLEANED:
            return _roll_back(console, server, phase)
    if force:
        throw_away()
        console.print("   The clean-up has been: there is no way back. The demo's database is gone, as a whole.")
        return 0
    console.print(
        "[bold red]The clean-up has been: there is no way back.[/] make demo-undo FORCE=1 takes the demo's database away as a whole."
    )
    return 1


class _Story:
    """The steps of the life cycle, each told in a few lines and checked before the next one. Raises DemoFailed."""

    def __init__(self, console: Console, server: EmbeddedServer, application: Application) -> None:
        self._console, self._server, self._application = console, server, application

    def tell(self, until: Until) -> None:
        """From NOT_STARTED to where it is to end."""
        self._console.print(f"   the application is writing to the legacy table: {self._application.journal}", soft_wrap=True)
        self._run("decide", name="accept_exposure", value="user_gained", **APPROVAL)
        self._approved("deploy_schema")
        self._check(Side.LEGACY)
        self._migrate()
        if until != "migrated":
            self._switch("switch_over", leads_to=Side.CLEAN)
            self._run("verify")
        if until == "cleaned":
            self._switch("roll_back", leads_to=Side.LEGACY, to="MIGRATED")
            self._switch("switch_over", leads_to=Side.CLEAN)
            self._pass_the_window()
            self._run("verify")
            self._run("decide", name="no_archive", value="accepted", **APPROVAL)
            self._approved("clean_up")
        self._check(Side.LEGACY if until == "migrated" else Side.CLEAN)

    def _migrate(self) -> None:
        database = shop_database(self._server)
        with progress(self._console, database):
            self._run("migrate_data")
        accounts = read_accounts(database)
        show_accounts(self._console, accounts)
        if not accounts.adds_up:
            raise DemoFailed("The demo stops here: the accounts do not add up.")
        self._check(Side.LEGACY)

    def _switch(self, verb: str, *, leads_to: Side, **parameters: object) -> None:
        """The switch or the way back from it, with what was written meanwhile."""
        begun = datetime.now(UTC)
        self._approved(verb, **parameters)
        ended = datetime.now(UTC)
        writes = writes_around(self._application.journal, begun, _phase(self._server).since or ended, ended)
        show_writes(self._console, writes)
        if writes.acknowledged < FEWEST_WRITES:
            raise DemoFailed("The demo stops here: hardly anything was written meanwhile, so nothing is shown by it.")
        self._check(leads_to)

    def _pass_the_window(self) -> None:
        self._console.rule(f"The safety window: {SAFETY_DAYS} days")
        self._console.print(
            f"   Nobody waits for that here: the times in the ledger are moved back by {SAFETY_DAYS} days, and that alone is not real."
        )
        let_days_pass(self._server, SAFETY_DAYS)

    def _approved(self, verb: str, **parameters: object) -> None:
        _ended(self._console, approved(self._console, verb, **parameters))

    def _run(self, verb: str, **parameters: object) -> None:
        self._console.rule(_called(verb))
        _ended(self._console, run_verb(verb, **parameters))

    def _check(self, side: Side) -> None:
        try:
            check = self._application.check(side)
        except ApplicationEnded:
            raise DemoFailed("The demo stops here: the application has ended.") from None
        show_check(self._console, check)
        if not check.good:
            raise DemoFailed("The demo stops here: the application has lost a write, or seen an error.")


def approved(console: Console, verb: str, **parameters: object) -> "State[Any]":
    """Ask for the plan, show it, and run it with its number."""
    console.rule(f"{_called(verb, **parameters)}: first the plan, then the same with its number")
    planned = run_verb(verb, **parameters)
    if planned.name != "Planned":
        return planned
    show_state(console, planned)
    number = (planned.message or "").split()[1]
    return run_verb(verb, **parameters, plan=number, **APPROVAL)


def _roll_back(console: Console, server: EmbeddedServer, phase: Phase) -> int:
    ways = ("MIGRATED", "NOT_STARTED") if phase is Phase.SWITCHED else ("NOT_STARTED",)
    try:
        for to in ways:
            _ended(console, approved(console, "roll_back", to=to))
    except DemoFailed as failure:
        console.print(f"[bold red]{failure}[/]", highlight=False)
        return 1
    same = BEFORE.read_text(encoding="utf-8") == schema_of(server)
    console.print(f"   the schema-only dump is {'the same as before deploy-schema' if same else '[bold red]NOT the same as before[/]'}")
    return 0 if same else 1


def _ended(console: Console, state: "State[Any]") -> None:
    if _INTERRUPTED.is_set():
        raise KeyboardInterrupt
    show_state(console, state)
    if not state.is_completed():
        raise DemoFailed(f"The demo stops here: {state.name}")


def _phase(server: EmbeddedServer) -> PhaseRow:
    database = shop_database(server)
    try:
        with database.transaction("reading the phase", transaction_read_only="on") as connection:
            return ledger.phase(connection)
    finally:
        database.dispose()


def _called(verb: str, **parameters: object) -> str:
    """As on the command line."""
    return " ".join([verb.replace("_", "-"), *(f"--{name} {value}" for name, value in parameters.items())])


def _interrupt(number: int, frame: object) -> None:
    _INTERRUPTED.set()
    raise KeyboardInterrupt
