"""The demo: a production-like database goes through the whole life cycle with Prefect, while an application writes to it."""

import signal
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from rich.console import Console

from cli.demo_application import Application, ApplicationEnded, Check
from cli.demo_output import INDENT, Summary, show_accounts, show_check, show_latency, show_state, show_summary
from cli.demo_servers import BEFORE, build_shop, delete_demo, let_days_pass, schema_of, servers, shop_database
from cli.verbs import INTERRUPTED, interrupt, run_verb
from migration.ledger import ledger
from migration.ledger.ledger import PhaseRow
from migration.ledger.phases import Phase
from migration.ledger.safety_window import SAFETY_DAYS
from reporting.accounts import Accounts, read_accounts
from sample.journal_entry import Side
from sample.server import EmbeddedServer
from sample.write_latency import WriteLatency, write_latency
from tasks.ends import PLANNED, kind_of_end, plan_named

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State

#: The last phase of the demo.
Until: TypeAlias = Literal["migrated", "switched", "cleaned"]

APPROVAL = {"approved_by": "the demo", "reason": "to see it work"}

#: With fewer writes during the switch, a complete journal would prove little.
FEWEST_WRITES = 100


class DemoFailed(Exception):
    """A step of the demo failed; the message is for the operator."""


def run_demo(console: Console, *, rows: int, seed: int, until: Until) -> int:
    """Build the shop and take it through the life cycle; returns the exit code. Its processes end with it, its files stay for --undo."""
    begun = time.monotonic()
    signal.signal(signal.SIGINT, interrupt)
    with servers(console) as server:
        build_shop(console, server, rows, seed)
        try:
            with Application(server, seed) as application:
                life_cycle = _LifeCycle(console, server, application)
                life_cycle.run(until)
        except DemoFailed as failure:
            console.print(f"[bold red]{failure}[/]", highlight=False)
            return 1
        show_summary(console, life_cycle.summary(time.monotonic() - begun))
    if until != "cleaned":
        console.print("   To undo it and check that nothing is left: [bold].venv/bin/artwork-migration demo --undo[/]", soft_wrap=True)
    return 0


def undo_demo(console: Console, *, force: bool) -> int:
    """Roll the demo's database back to NOT_STARTED and compare its schema with the original one; returns the exit code.

    A database that was cleaned up cannot be rolled back: with `force` its files are deleted.
    """
    if not BEFORE.exists():
        console.print("[bold red]There is no demo to undo.[/] To fix: run make demo first.")
        return 1
    signal.signal(signal.SIGINT, interrupt)
    with servers(console) as server:
        phase = _phase(server).phase
        if phase is not Phase.CLEANED:
            return _roll_back(console, server, phase)
    if force:
        delete_demo()
        console.print("   The demo's database was cleaned up, so it cannot be rolled back. All files of the demo were deleted.")
        return 0
    console.print(
        "[bold red]The demo's database was cleaned up, so it cannot be rolled back.[/] Nothing was changed. "
        "To fix: make demo-undo FORCE=1 deletes the whole database."
    )
    return 1


class _LifeCycle:
    """The steps of the life cycle. Each prints a few lines and is checked before the next. Raises DemoFailed."""

    def __init__(self, console: Console, server: EmbeddedServer, application: Application) -> None:
        self._console, self._server, self._application = console, server, application
        self._accounts: list[Accounts] = []
        self._checks: list[Check] = []
        self._switches: list[tuple[str, WriteLatency]] = []

    def summary(self, seconds: float) -> Summary:
        """Return what was done in these seconds."""
        return Summary(seconds, self._accounts[-1], self._checks[-1], self._switches)

    def run(self, until: Until) -> None:
        """Run the steps from NOT_STARTED to the last phase."""
        self._console.print("   The application writes to the legacy table. Its journal:")
        self._console.print(f"   {self._application.journal}", highlight=False, soft_wrap=True)
        self._run("decide", name="accept_exposure", value="user_gained", **APPROVAL)
        self._approved("deploy-schema")
        self._check(Side.LEGACY)
        self._migrate()
        if until != "migrated":
            self._switch("switch-over", leads_to=Side.CLEAN)
            self._run("verify")
        if until == "cleaned":
            self._switch("roll-back", leads_to=Side.LEGACY, to="MIGRATED")
            self._switch("switch-over", leads_to=Side.CLEAN)
            self._pass_the_window()
            self._run("verify")
            self._run("decide", name="no_archive", value="accepted", **APPROVAL)
            self._approved("clean-up")
        self._check(Side.LEGACY if until == "migrated" else Side.CLEAN)

    def _migrate(self) -> None:
        self._run("migrate-data")
        database = shop_database(self._server)
        accounts = read_accounts(database)
        database.dispose()
        show_accounts(self._console, accounts)
        self._accounts.append(accounts)
        if not accounts.adds_up:
            raise DemoFailed("The demo failed: the accounts do not add up.")
        self._check(Side.LEGACY)

    def _switch(self, verb: str, *, leads_to: Side, **parameters: object) -> None:
        """Switch over or roll back, and show the latency of the writes during it."""
        begun = datetime.now(UTC)
        self._approved(verb, **parameters)
        ended = datetime.now(UTC)
        latency = write_latency(self._application.journal, begun, _phase(self._server).since or ended, ended)
        show_latency(self._console, latency)
        self._switches.append((_command(verb), latency))
        if latency.acknowledged < FEWEST_WRITES:
            raise DemoFailed("The demo failed: too few writes happened during the switch to prove anything.")
        self._check(leads_to)

    def _pass_the_window(self) -> None:
        self._console.rule(f"The safety window: {SAFETY_DAYS} days")
        self._console.print(f"   The demo does not wait. It moves all times in the ledger back by {SAFETY_DAYS} days; all else is real.")
        let_days_pass(self._server, SAFETY_DAYS)

    def _approved(self, verb: str, **parameters: object) -> None:
        _ended(self._console, approved(self._console, verb, **parameters))

    def _run(self, verb: str, **parameters: object) -> None:
        self._console.rule(_command(verb))
        _ended(self._console, run_verb(verb, INDENT, **parameters))

    def _check(self, side: Side) -> None:
        try:
            check = self._application.check(side)
        except ApplicationEnded:
            raise DemoFailed("The demo failed: the application has ended. Its error is in the lines above.") from None
        show_check(self._console, check)
        self._checks.append(check)
        if not check.good:
            raise DemoFailed("The demo failed: the application lost a write or got an error.")


def approved(console: Console, verb: str, **parameters: object) -> "State[Any]":
    """Run the verb for its plan, show the plan, and run the verb with the plan's number; returns the last end state."""
    console.rule(f"{_command(verb, **parameters)}: show the plan, then run it by its number")
    planned = run_verb(verb, INDENT, **parameters)
    if kind_of_end(planned) != PLANNED:
        return planned
    show_state(console, planned)
    return run_verb(verb, INDENT, **parameters, plan=plan_named(planned), **APPROVAL)


def _roll_back(console: Console, server: EmbeddedServer, phase: Phase) -> int:
    phases = ("MIGRATED", "NOT_STARTED") if phase is Phase.SWITCHED else ("NOT_STARTED",)
    try:
        for to in phases:
            _ended(console, approved(console, "roll-back", to=to))
    except DemoFailed as failure:
        console.print(f"[bold red]{failure}[/]", highlight=False)
        return 1
    equal = BEFORE.read_text(encoding="utf-8") == schema_of(server)
    console.print(f"   The schema-only dump {'is equal to' if equal else '[bold red]DIFFERS from[/]'} the dump before deploy-schema.")
    return 0 if equal else 1


def _ended(console: Console, state: "State[Any]") -> None:
    if INTERRUPTED.is_set():
        raise KeyboardInterrupt
    show_state(console, state)
    if not state.is_completed():
        raise DemoFailed(f"The demo failed: the last verb ended as {kind_of_end(state)}.")


def _phase(server: EmbeddedServer) -> PhaseRow:
    database = shop_database(server)
    try:
        with database.transaction("reading the phase", transaction_read_only="on") as connection:
            return ledger.phase(connection)
    finally:
        database.dispose()


def _command(verb: str, **parameters: object) -> str:
    """The verb and its options as on the command line."""
    return " ".join([verb, *(f"--{name} {value}" for name, value in parameters.items())])
