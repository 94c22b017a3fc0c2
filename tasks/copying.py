"""The steps of the data phase: backfill, catch-up, reconcile, and the accounts."""

from dataclasses import asdict

from migration.ledger.runs import Run
from migration.sync import backfill, catch_up, post_copy, reconcile
from reporting.accounts import accounts_markdown, read_accounts
from tasks.artifacts import publish
from tasks.steps import forward, log, step

find_quarantined = forward("find quarantined rows", backfill.find_quarantined, "{} rows in quarantine")
create_users = forward("create users", backfill.create_users, "{} anonymous users created")
log_missing = forward("log missing rows", backfill.log_missing, "{} ids in the log before catch-up")


@step("copy chunks")
def copy_chunks(run: Run) -> int:
    """Divide the legacy table into chunks unless that is done, and copy the chunks that are left. Returns the rows that this run copied."""
    log().info("%d chunks to copy", backfill.chunks_left(run))
    copied = 0
    for chunk in backfill.copy_chunks(run):
        copied += chunk.copied
        log().info("chunk %d of %d: %d rows copied", chunk.done, chunk.chunks, chunk.copied)
    return copied


@step("indexes, foreign key, vacuum")
def finish_table(run: Run) -> None:
    """Create the indexes and the foreign key of the clean table after the copy. Raises LockNotObtained or OldTransactions."""
    for name in post_copy.finish_table(run, on_attempt=log().warning):
        log().info("done: %s", name)


@step("changed users")
def resolve_changed_users(run: Run) -> None:
    """Replace e-mails in the log of changed users by the ids of their artworks: in the safety window none is kept longer than a day."""
    catch_up.resolve(run)


@step("catch up")
def catch_up_with_log(run: Run) -> dict[str, int]:
    """Apply the log until it is drained. Returns the counts by name. Raises Overtaken or RunInProgress."""
    counts = asdict(catch_up.drain(run))
    log().info("caught up: %s", ", ".join(f"{amount} {name.replace('_', ' ')}" for name, amount in counts.items()))
    return counts


@step("reconcile")
def reconcile_rows(run: Run) -> dict[str, int]:
    """Compare every row of both tables. Returns the number of rows by verdict."""
    counts = reconcile.reconcile(run)
    log().info("every row compared: %s", ", ".join(f"{count} {verdict}" for verdict, count in counts.items()))
    return counts


@step("publish the accounts")
def publish_accounts(run: Run) -> None:
    """Create the artifact `accounts`, which shows where every legacy row went. The gate comes after it, so a red gate does not hide it."""
    publish("accounts", accounts_markdown(read_accounts(run.database)), "Where every legacy row went")
