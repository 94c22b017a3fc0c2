"""The steps of the daily verification: its row in the ledger, and the event when it is red."""

from prefect.events import emit_event
from prefect.logging import get_run_logger

from migration.checks.gates import GateVerdict, require_verified
from migration.errors import VerificationFailed
from migration.ledger import safety_window
from migration.ledger.runs import Run
from migration.ledger.safety_window import SafetyWindow
from tasks.steps import step

#: The event of a red verification; an operator's automation can wait for it.
RED = "artwork-migration.verification.red"


def open_window(run: Run) -> SafetyWindow | None:
    """The safety window, or None where none is open. Reads the ledger only."""
    with run.database.transaction("reading the safety window", transaction_read_only="on") as connection:
        return safety_window.read(connection)


@step("note the verification")
def note_verification(run: Run, window: SafetyWindow, verdict: GateVerdict) -> None:
    """Write the verification to the ledger, green or red."""
    red = verdict.red_names
    run.database.write("noting the verification", lambda connection: safety_window.note(connection, run.epoch, window.day, red))
    get_run_logger().info("%s: %s", window.today, ", ".join(red) or "green")


def require_green_day(run: Run, window: SafetyWindow, verdict: GateVerdict) -> None:
    """Emit the event and raise VerificationFailed if the verdict is red. The event has the names of the red rules, and no id of a row."""
    red = verdict.red_names
    if red:
        emit_event(
            RED,
            resource={"prefect.resource.id": f"artwork-migration.verification.{run.id}", "prefect.resource.name": run.name},
            payload={"run": run.epoch, "day": window.day, "red": red},
        )
    require_verified(verdict, VerificationFailed)
