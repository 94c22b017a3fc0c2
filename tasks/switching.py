"""The steps around the switch and the way back from it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from prefect.logging import get_run_logger

from migration.checks import acceptance
from migration.checks.gates import GateVerdict, require_verified
from migration.errors import CheckFailed, MigrationError
from migration.ledger import ledger
from migration.ledger.runs import Run
from migration.plans.plan import Plan
from migration.sync import carry_back
from migration.sync.carry_back import CarriedBack
from migration.sync.catch_up import CaughtUp
from migration.verbs import switch_over
from tasks.steps import step


@step("catch up before the switch")
def catch_up_before_switch(run: Run) -> CaughtUp:
    """Take along what is in flight and drain the log, so that a handful of ids is left for the lock."""
    total = switch_over.catch_up_before(run)
    get_run_logger().info("caught up with %d ids before the switch", total.logged)
    return total


@step("finish the steps after the commit")
def finish_steps(run: Run) -> list[str]:
    """Do what is still to do after the commit: keys, refreshes, and after the switch the fingerprint of the retired table."""
    done = switch_over.finish(run)
    get_run_logger().info("done after the commit: %s", ", ".join(done) or "nothing was left")
    return done


def close_gate(run: Run, verdict: GateVerdict) -> None:
    """Close the last step of the switch, if the gate `verification` is green. Raises CheckFailed, and the step stays open."""
    require_verified(verdict, CheckFailed)
    run.database.write("closing the steps", lambda connection: ledger.close_steps(connection, run.verb))


def drain_log(run: Run) -> Callable[[], object]:
    """What comes before each attempt of the switch: the log that has grown since is applied, outside the lock."""
    return lambda: switch_over.catch_up_before(run)


def drain_clean_log(run: Run, plan: Plan) -> Callable[[], object]:
    """The same before each attempt of the way back."""
    return lambda: carry_back.carry_back(run, plan)


def dry_run_roll_back(run: Run) -> CarriedBack:
    """Carry everything back in a transaction that is rolled back: the figures for the plan."""
    return carry_back.dry_run(run)


@contextmanager
def fingerprint_kept(run: Run) -> Iterator[None]:
    """Around a way back: what was carried back stays when the names do not change hands, so the fingerprint is taken anew.

    Where the retired table was another one before, the old fingerprint stays: a new one would make good what somebody has written.
    """
    untouched = acceptance.retired_untouched(run)
    try:
        yield
    except MigrationError:
        with suppress(MigrationError):  # the error itself is what matters; without the fingerprint the gate `verification` warns
            if untouched:
                acceptance.renew_fingerprint(run)
        raise


@step("carry back")
def carry_back_writes(run: Run, plan: Plan) -> CarriedBack:
    """Carry what was written since the switch into the retired table, outside the lock. Raises Blocked."""
    total = carry_back.carry_back(run, plan)
    get_run_logger().info("carried back %d rows, removed %d, refused %d", total.carried, total.removed, total.refused)
    return total
