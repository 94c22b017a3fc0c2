"""The steps of the clean-up after its commit."""

from prefect.logging import get_run_logger

from migration.ledger.runs import Run
from migration.verbs import clean_up
from tasks.exporting import export_ledger
from tasks.steps import step


@step("finish the clean-up")
def finish_clean_up(run: Run) -> list[str]:
    """See migration.verbs.clean_up.finish."""
    done = clean_up.finish(run, export=lambda one: {"path": str(export_ledger(one))})
    get_run_logger().info("done after the commit: %s", ", ".join(done))
    return done
