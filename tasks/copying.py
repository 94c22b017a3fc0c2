"""The steps of the migration proper: backfill, catch-up, reconcile, and the accounts that come of them."""

from dataclasses import asdict

from prefect.logging import get_run_logger

from migration.ledger.runs import Run
from migration.sync import backfill, catch_up, post_copy, reconcile
from reporting.accounts import accounts_markdown, read_accounts
from tasks.artifacts import Progress, publish
from tasks.steps import step


@step("judge quarantine")
def find_quarantined(run: Run) -> int:
    """See migration.sync.backfill.find_quarantined."""
    count = backfill.find_quarantined(run)
    get_run_logger().info("%d rows in quarantine", count)
    return count


@step("create users")
def create_users(run: Run) -> int:
    """See migration.sync.backfill.create_users."""
    created = backfill.create_users(run)
    get_run_logger().info("%d anonymous users created", created)
    return created


@step("copy chunks")
def copy_chunks(run: Run) -> int:
    """Cut the table into chunks where that is not done yet, and copy those that are left. Returns the rows copied by this run."""
    left = backfill.plan_chunks(run)
    get_run_logger().info("%d chunks to copy", left)
    progress = Progress("backfill-progress", "chunks of the legacy table copied")
    copied = 0
    for chunk in backfill.copy_chunks(run):
        copied += chunk.copied
        progress.show(chunk.done, chunk.chunks)
        get_run_logger().info("chunk %d of %d: %d rows copied", chunk.done, chunk.chunks, chunk.copied)
    return copied


@step("log what is missing")
def log_missing(run: Run) -> int:
    """See migration.sync.backfill.log_missing."""
    logged = backfill.log_missing(run)
    get_run_logger().info("%d ids in the log before catch-up", logged)
    return logged


@step("indexes, foreign key, vacuum")
def finish_table(run: Run) -> None:
    """See migration.sync.post_copy.finish_table."""
    for done in post_copy.finish_table(run, on_attempt=get_run_logger().warning):
        get_run_logger().info("done: %s", done)


@step("catch up")
def catch_up_with_log(run: Run) -> dict[str, int]:
    """See migration.sync.catch_up.drain."""
    done = asdict(catch_up.drain(run))
    get_run_logger().info("caught up: %s", ", ".join(f"{amount} {name.replace('_', ' ')}" for name, amount in done.items()))
    return done


@step("reconcile")
def reconcile_rows(run: Run) -> dict[str, int]:
    """See migration.sync.reconcile.reconcile."""
    counts = reconcile.reconcile(run)
    get_run_logger().info("every row compared: %s", ", ".join(f"{count} {verdict}" for verdict, count in counts.items()))
    return counts


@step("publish the accounts")
def publish_accounts(run: Run) -> None:
    """Show where every legacy row went, as the artifact `accounts`, whatever the gate will say."""
    publish("accounts", accounts_markdown(read_accounts(run.database)), "Where every legacy row went")
