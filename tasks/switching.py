"""The steps around the switch: before it, after its commit, for the rollback from it, and in the safety window."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from prefect.events import emit_event

from migration.checks import acceptance
from migration.checks.gates import GateVerdict, require_verified
from migration.errors import MigrationError
from migration.gate_errors import CheckFailed, VerificationFailed
from migration.ledger import ledger, safety_window
from migration.ledger.runs import Run
from migration.ledger.safety_window import SafetyWindow
from migration.plans.plan import Plan
from migration.sync import carry_back
from migration.sync.carry_back import CarriedBack
from migration.verbs import clean_up, switch_over
from reporting.stall import stall_line
from tasks.reports import export_ledger, write_csv
from tasks.steps import forward, in_flow, log, step

#: The event of a red verification; an operator's automation can wait for it.
RED = "artwork-migration.verification.red"

catch_up_before_switch = forward("catch up before the switch", switch_over.catch_up_before, "{0.logged} ids applied before the switch")
finish_steps = forward("finish the steps after the commit", switch_over.finish, "done after the commit: {}")


@step("finish the clean-up")
def finish_clean_up(run: Run) -> list[str]:
    """Do the steps that the commit of clean_up has left, the export of the ledger first. Returns their names."""
    done = clean_up.finish(run, export=lambda run: {"path": str(export_ledger(run))})
    log().info("done after the commit: %s", ", ".join(done))
    return done


@step("dry run of the rollback")
def dry_run_roll_back(run: Run) -> CarriedBack:
    """Carry back everything and roll it back. Returns how much, and what could not be carried. Locks rows of the retired table only."""
    return carry_back.dry_run(run)


def stall(run: Run) -> str:
    """Return for how long the application waited for the locks of this run, as a sentence; empty if another run has executed the plan."""
    with suppress(MigrationError), run.database.transaction("reading the attempts", transaction_read_only="on") as connection:
        if line := stall_line(ledger.lock_attempts(connection, run.epoch)):
            return f" It took {line}."
    return ""


def close_gate(run: Run, verdict: GateVerdict) -> None:
    """Close the last step of the switch, if the gate is green. Raises CheckFailed, and the step stays open."""
    require_verified(verdict, CheckFailed)
    run.database.write("closing the steps", lambda connection: ledger.close_steps(connection, run.verb.name))


@step("carry back")
def carry_back_writes(run: Run, plan: Plan) -> CarriedBack:
    """Carry the writes since the switch back into the retired table, outside the locks of the plan. Returns the counts. Raises Blocked."""
    total = carry_back.carry_back(run, plan)
    log().info("carried back %d rows, removed %d, rejected %d", total.carried, total.removed, total.rejected)
    return total


@step("write out what is not served")
def writes_kept(run: Run) -> str:
    """Return what has become of the writes since the switch, after a rollback. What does not serve is written to a file, by id and column.

    The values themselves are in artworks_v2; the file has none, because they may be e-mails and tokens.
    """
    with run.database.transaction("reading the rejected writes", transaction_read_only="on") as connection:
        rejections = carry_back.rejections(connection)
    if not rejections:
        return "Every write is in the legacy table."
    path = write_csv(run.settings.reports, f"roll-back-{run.epoch}-not-serving.csv", list(rejections))
    return (
        f"The legacy table has every write except the values of {len(rejections)} artworks, which it rejected and a decision accepted. "
        f"They are kept in artworks_v2; {path} lists the ids and columns. To fix: correct them there; what legacy takes is resolved."
    )


@contextmanager
def fingerprint_kept(run: Run) -> Iterator[None]:
    """Take a new fingerprint of the retired table if the rollback in the block fails: the rows that it carried back stay there.

    If the retired table had been changed before, the old fingerprint stays, because a new one would hide that change.
    """
    with run.progress.step("compare the fingerprint"):
        untouched = acceptance.retired_untouched(run)
    try:
        yield
    except MigrationError:
        with suppress(MigrationError):  # the error itself is what matters; without the fingerprint the gate warns
            if untouched:
                with run.progress.step("renew the fingerprint"):
                    acceptance.renew_fingerprint(run)
        raise


def open_window(run: Run) -> SafetyWindow | None:
    """Return the safety window, or None if none is open. Reads only the ledger."""
    with run.database.transaction("reading the safety window", transaction_read_only="on") as connection:
        return safety_window.read(connection)


@step("note the verification")
def note_verification(run: Run, window: SafetyWindow, verdict: GateVerdict) -> None:
    """Record the verification in the ledger, green or red."""
    red = verdict.red_names
    run.database.write("recording the verification", lambda connection: safety_window.note(connection, run.epoch, window.day, red))
    log().info("%s: %s", window.today, ", ".join(red) or "green")


def require_green_day(run: Run, window: SafetyWindow, verdict: GateVerdict) -> None:
    """Emit the event and raise VerificationFailed if the verdict is red. The event has the names of the red rules, and no id of a row."""
    if in_flow() and (red := verdict.red_names):
        emit_event(
            RED,
            resource={"prefect.resource.id": f"artwork-migration.verification.{run.id}", "prefect.resource.name": run.name},
            payload={"run": run.epoch, "day": window.day, "red": red, "database": run.settings.database or ""},
        )
    require_verified(verdict, VerificationFailed)
