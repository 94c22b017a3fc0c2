"""The steps around the switch: before it, after its commit, back from it, and on the days of the safety window."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from prefect.events import emit_event

from migration.checks import acceptance
from migration.checks.gates import GateVerdict, require_green_live
from migration.errors import CheckFailed, MigrationError, VerificationFailed
from migration.ledger import ledger, safety_window
from migration.ledger.runs import Run
from migration.ledger.safety_window import SafetyWindow
from migration.plans.plan import Plan
from migration.sync import carry_back
from migration.sync.carry_back import CarriedBack
from migration.verbs import clean_up, switch_over
from tasks.reports import export_ledger
from tasks.steps import forward, log, step

#: The event of a red verification; an automation may wait for it.
RED = "artwork-migration.verification.red"

catch_up_before_switch = forward("catch up before the switch", switch_over.catch_up_before, "{0.logged} ids applied before the switch")
finish_steps = forward("finish the steps after the commit", switch_over.finish, "done after the commit: {}")


@step("finish the clean-up")
def finish_clean_up(run: Run) -> list[str]:
    """Do what the commit of clean_up has left to do, and return it; the first of it is the export of the ledger."""
    done = clean_up.finish(run, export=lambda run: {"path": str(export_ledger(run))})
    log().info("done after the commit: %s", ", ".join(done))
    return done


def close_gate(run: Run, verdict: GateVerdict) -> None:
    """The last step of the switch: done when the gate is green. Raises CheckFailed; the phase stays, and so does the step."""
    require_green_live(verdict, CheckFailed)
    run.database.write("closing the steps", lambda connection: ledger.close_steps(connection, run.verb.name))


def drain_log(run: Run) -> Callable[[], object]:
    """Before each attempt of the switch: apply the log that has grown since, outside the lock."""
    return lambda: switch_over.catch_up_before(run)


def drain_clean_log(run: Run, plan: Plan) -> Callable[[], object]:
    """Before each attempt of the rollback: carry back what was written since, outside the lock."""
    return lambda: carry_back.carry_back(run, plan)


@step("carry back")
def carry_back_writes(run: Run, plan: Plan) -> CarriedBack:
    """Carry what was written since the switch into the retired table, outside the lock. Raises Blocked."""
    total = carry_back.carry_back(run, plan)
    log().info("carried back %d rows, removed %d, rejected %d", total.carried, total.removed, total.refused)
    return total


@contextmanager
def fingerprint_kept(run: Run) -> Iterator[None]:
    """Around a rollback: what was carried back stays if the names do not change hands, so the fingerprint is taken anew.

    If the retired table had been changed before, the old fingerprint stays: a new one would hide that change.
    """
    untouched = acceptance.retired_untouched(run)
    try:
        yield
    except MigrationError:
        with suppress(MigrationError):  # the error itself is what matters; without the fingerprint the gate warns
            if untouched:
                acceptance.renew_fingerprint(run)
        raise


def open_window(run: Run) -> SafetyWindow | None:
    """The safety window, or None where none is open. Reads the ledger only."""
    with run.database.transaction("reading the safety window", transaction_read_only="on") as connection:
        return safety_window.read(connection)


@step("note the verification")
def note_verification(run: Run, window: SafetyWindow, verdict: GateVerdict) -> None:
    """Write the verification to the ledger, green or red."""
    red = verdict.names_red
    run.database.write("noting the verification", lambda connection: safety_window.note(connection, run.epoch, window.day, red))
    log().info("%s: %s", window.today, ", ".join(red) or "green")


def require_green_day(run: Run, window: SafetyWindow, verdict: GateVerdict) -> None:
    """Emit the event and raise VerificationFailed unless the verdict is green. The event holds names of rules, and no id of a row."""
    if red := verdict.names_red:
        emit_event(
            RED,
            resource={"prefect.resource.id": f"artwork-migration.verification.{run.id}", "prefect.resource.name": run.name},
            payload={"run": run.epoch, "day": window.day, "red": red},
        )
    require_green_live(verdict, VerificationFailed)
