"""The flow roll_back, from the switch and from the deployment."""

from functools import partial
from typing import Literal

from prefect.client.schemas.objects import State

from migration.ledger.phases import ROLL_BACK_TO_MIGRATED, ROLL_BACK_TO_NOT_STARTED, Phase
from migration.ledger.runs import Approval
from migration.sync import carry_back
from migration.verbs.roll_back import plan_roll_back, plan_uninstall
from tasks.plans import approved_plan, execute_plan, finish_plan
from tasks.reports import export_ledger
from tasks.switching import carry_back_writes, dry_run_roll_back, fingerprint_kept, finish_steps, stall, writes_kept
from tasks.verbs import completed, verb, writing


@verb
def roll_back(
    to: Literal["MIGRATED", "NOT_STARTED"],
    plan: str = "",
    approved_by: str = "",
    reason: str = "",
    database: str = "",
) -> State:
    """Let the legacy table serve again, or uninstall the migration; writes made on either side are kept.

    SWITCHED → MIGRATED: the writes made since the switch are carried into the retired table first, while the application keeps working;
    then the names change hands back. DEPLOYED or MIGRATED → NOT_STARTED: every object of the migration is removed; the ledger and the
    values that only the clean side holds are exported to a file first. In both, all access to artworks and to the tables that reference it
    (for NOT_STARTED also to users) waits for a moment, less than half of the server's deadlock_timeout. If the run is killed after that
    moment, the next run does the rest.

    Args:
        to: The phase to return to.
        plan: Leave it empty to make the plan; nothing is changed. To execute the plan, give its number.
        approved_by: Who approves the plan; kept in the ledger.
        reason: Why; kept in the ledger.
        database: Which database, if there are several: the name of its block of the type *Artwork Database*; empty for the default.
    """
    approval = Approval.given(plan, approved_by, reason)
    return _to_migrated(approval) if to == "MIGRATED" else _to_not_started(approval)


def _to_migrated(approval: Approval | None) -> State:
    with writing(ROLL_BACK_TO_MIGRATED) as run:
        if not run.resume():
            run.require_phase()
            dry_run = dry_run_roll_back(run)
            approved = approved_plan(run, lambda connection: plan_roll_back(connection, dry_run), approval)
            with fingerprint_kept(run):
                carry_back_writes(run, approved)
                drain = partial(carry_back.carry_back, run, approved)
                drain_again = partial(carry_back.carry_back_before_locks, run, approved)
                execute_plan(run, approved, before_attempt=drain, before_locks=drain_again)
        finish_steps(run)
        kept = f"{writes_kept(run)}{stall(run)}"
        run.end("Completed")
        return completed(Phase.MIGRATED, f"The names are the old ones again. {kept}")


def _to_not_started(approval: Approval | None) -> State:
    with writing(ROLL_BACK_TO_NOT_STARTED) as run:
        run.require_phase()
        approved = approved_plan(run, plan_uninstall, approval)
        execute_plan(run, approved)
        exported = export_ledger(run)
        finish_plan(run, approved)
        return completed(Phase.NOT_STARTED, f"The migration's objects are gone from the database; the ledger is in {exported}.")
