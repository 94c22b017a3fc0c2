"""The flow migrate_data, which fills the clean table and checks it."""

from typing import TypedDict

from prefect.client.schemas.objects import State

from migration.checks.gates import require_green
from migration.ledger.phases import MIGRATE_DATA, Phase
from migration.ledger.runs import Run
from migration.plans.drift import require_no_drift
from tasks.copying import (
    catch_up_with_log,
    copy_chunks,
    create_users,
    find_quarantined,
    finish_table,
    log_missing,
    publish_accounts,
    reconcile_rows,
)
from tasks.readiness import read_use
from tasks.reports import write_report
from tasks.validation import judge
from tasks.verbs import completed, verb, writing


class FilledTable(TypedDict):
    """The counts of the data phase: rows copied, the counts of catch-up, and rows by verdict."""

    copied: int
    caught_up: dict[str, int]
    verdicts: dict[str, int]


@verb
def migrate_data(database: str = "") -> State:
    """Create anonymous users, copy the eligible artworks, catch up with the writes made meanwhile, and compare every row.

    DEPLOYED → MIGRATED, or MIGRATED → MIGRATED: run again, it continues or catches up. The application keeps working; no lock blocks it.
    The run fails if a critical rule is red or cannot be evaluated: in the gate `legacy_artworks` before anything is copied, in
    `users`, `clean_artworks` and `reconciliation` after it. The phase does not change then.

    Args:
        database: Which database, if there are several: the name of its block of the type *Artwork Database*; empty for the default.
    """
    with writing(MIGRATE_DATA) as run:
        run.require_phase()
        require_no_drift(run)
        run.begin()
        read_use(run)
        require_green(judge(run, "legacy_artworks"))
        counts = fill_clean_table(run)
        publish_accounts(run)
        verdicts = [judge(run, suite) for suite in ("users", "clean_artworks", "reconciliation")]
        write_report(run)
        require_green(*verdicts)
        run.end("Completed", phase_after=Phase.MIGRATED, **counts)
        return completed(Phase.MIGRATED, f"{counts['verdicts'].get('match', 0)} artworks are migrated and agree with the legacy table.")


def fill_clean_table(run: Run) -> FilledTable:
    """Fill the clean table: users, copy, catch-up, comparison of every row. Returns the counts.

    Locks ROW EXCLUSIVE on users and artworks_v2, ACCESS SHARE on artworks, and for a moment the rows of a batch.
    """
    copied, caught_up = copy_into_clean_table(run)
    return FilledTable(copied=copied, caught_up=caught_up, verdicts=reconcile_rows(run))


def copy_into_clean_table(run: Run) -> tuple[int, dict[str, int]]:
    """Do all of that but the comparison. Returns the rows copied, and the counts of the catch-up."""
    find_quarantined(run)
    create_users(run)
    copied = copy_chunks(run)
    log_missing(run)
    finish_table(run)
    return copied, catch_up_with_log(run)
