"""The flow switch_over, after which the clean table serves."""

from functools import partial

from prefect.client.schemas.objects import State

from migration.checks.gates import require_green
from migration.ledger.phases import SWITCH_OVER, Phase
from migration.ledger.runs import Approval
from migration.plans.drift import require_no_drift
from migration.verbs.switch_over import CHECKS, catch_up_before, plan_switch_over
from tasks.copying import publish_accounts, reconcile_rows
from tasks.plans import approved_plan, execute_plan
from tasks.readiness import read_use
from tasks.reports import write_report
from tasks.switching import catch_up_before_switch, close_gate, finish_steps, stall
from tasks.validation import judge
from tasks.verbs import completed, verb, writing


@verb
def switch_over(plan: str = "", approved_by: str = "", reason: str = "", database: str = "") -> State:
    """Let the clean table serve as `artworks`; the legacy table is kept as `artworks_old`, and its dependents are carried over.

    MIGRATED → SWITCHED. All access to artworks and to what reads or references it waits for a moment, less than half of the server's
    deadlock_timeout; it gets no error except 0A000, once, from a prepared `SELECT *`. If the run is killed after that moment, the next run
    does the rest. *Switched – check failed* means that the clean table serves and a check after the switch is red: the message names the
    two ways to continue.

    Args:
        plan: Leave it empty to make the plan; nothing is changed. To execute the plan, give its number.
        approved_by: Who approves the plan; kept in the ledger.
        reason: Why now; kept in the ledger.
        database: Which database, if there are several: the name of its block of the type *Artwork Database*; empty for the default.
    """
    approval = Approval.given(plan, approved_by, reason)
    with writing(SWITCH_OVER) as run:
        if not run.resume():
            run.require_phase()
            require_no_drift(run)
            read_use(run)
            approved = approved_plan(run, plan_switch_over, approval)
            catch_up_before_switch(run)
            reconcile_rows(run)
            publish_accounts(run)
            verdicts = [judge(run, suite) for suite in ("users", "clean_artworks", "reconciliation", "application_ready")]
            write_report(run)
            require_green(*verdicts)
            drain = partial(catch_up_before, run)
            execute_plan(run, approved, checks=CHECKS, before_attempt=drain, before_locks=drain)
        finish_steps(run)
        verdict = judge(run, "verification")
        write_report(run)
        close_gate(run, verdict)
        waited = stall(run)
        run.end("Completed")
        return completed(Phase.SWITCHED, f"The names have changed hands; the gate after the switch is green.{waited}")
