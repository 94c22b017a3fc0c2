"""The steps of the clean-up after its commit."""

from prefect.logging import get_run_logger

from migration import cleaning
from migration.runs import Run
from tasks.exporting import export_ledger
from tasks.steps import step


@step("finish the clean-up")
def finish_clean_up(run: Run) -> list[str]:
    """See migration.cleaning.finish."""
    done = cleaning.finish(run, export=lambda one: {"path": str(export_ledger(one))})
    get_run_logger().info("done after the commit: %s", ", ".join(done))
    return done
