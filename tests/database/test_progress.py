"""Progress in the database: what a statement has read is seen before it commits, by another session and by another process."""

from collections.abc import Callable

import pytest

from migration.checks import acceptance
from migration.ledger.phases import SWITCH_OVER
from migration.ledger.runs import Run
from migration.sync import backfill, counted, reconcile
from reporting.status import read_status
from reporting.status_lines import status_lines
from tests.database.conftest import Steps
from tests.databases import Shop, copy, execute_switch, running
from tests.interleaving import Barrier
from tests.waiting import wait_until

LEGACY_ROWS = "SELECT COUNT(*) FROM artworks"


def running_lines(shop: Shop) -> list[str]:
    """What the status says is running."""
    return [value for label, value in status_lines(read_status(shop.database)) if label == "running"]


def rows_read(shop: Shop, work: Callable[[], object]) -> int:
    """How many rows the work says that it has read."""
    (before,) = shop.database.read("progress/rows_read", since=0)
    work()
    (read,) = shop.database.read("progress/rows_read", since=before["done"])
    return int(read["done"])


def test_each_statement_over_all_rows_counts_each_row_once(deployed: Shop) -> None:
    """Judging, collecting e-mails, copying, and looking for missing rows each count every legacy row; comparing counts in its passes."""
    legacy = deployed.value(LEGACY_ROWS)

    with running(deployed) as run:
        run.begin()
        assert legacy == rows_read(deployed, lambda: backfill.find_quarantined(run))
        assert legacy == rows_read(deployed, lambda: backfill.create_users(run))
        backfill.plan_chunks(run)
        assert legacy == rows_read(deployed, lambda: list(backfill.copy_chunks(run)))
        assert legacy == rows_read(deployed, lambda: backfill.log_missing(run))
        clean = deployed.value("SELECT COUNT(*) FROM artworks_v2")
        assert 2 * legacy + clean == rows_read(deployed, lambda: reconcile.reconcile(run))


def test_the_fingerprint_counts_each_retired_row(migrated: Shop) -> None:
    """The fingerprint of the retired table says how many of its rows it has read."""
    execute_switch(migrated)
    with running(migrated, SWITCH_OVER) as run, run.progress.step("fingerprint"):
        retired = migrated.value("SELECT COUNT(*) FROM artworks_old")
        assert retired == rows_read(migrated, lambda: acceptance.take_fingerprint(run))
        assert retired == run.progress.steps[0].total


def test_a_copy_that_has_not_committed_is_seen_by_another_process(deployed: Shop, steps: Steps) -> None:
    """While a chunk is copied, the status has the rows that it has read, although its transaction has not committed. Then it forgets."""
    barrier = Barrier(deployed, "AFTER INSERT ON public.artworks_v2 FOR EACH STATEMENT")
    barrier.close()
    step = steps.ours(deployed, lambda: copy(deployed))
    rows = f"{deployed.value(LEGACY_ROWS):,}"
    wait_until(lambda: any(line.startswith("copy chunks: ") and " 0 of" not in line for line in running_lines(deployed)))
    assert f" of {rows} rows" in running_lines(deployed)[0]
    assert dict(status_lines(read_status(deployed.database)))["may be run next"] == "nothing until the run at work has ended"
    barrier.open()
    step.result()
    assert [] == deployed.rows("SELECT step FROM artwork_migration.progress")


def test_a_run_that_was_killed_is_not_shown_as_at_work(deployed: Shop) -> None:
    """If a run reports nothing for some time, the status says so; the next run deletes what it has left."""
    deployed.sql.execute(
        "INSERT INTO artwork_migration.progress SELECT 'killed', 0, 'copy chunks', 0, NOW(), 'rows', 5, 10, 0.5, 1, 9, 0, '',"
        " NOW() - interval '2 minutes'"
    )
    (line,) = running_lines(deployed)
    assert line.startswith("copy chunks: 50 %, ")
    assert line.endswith("; killed has reported nothing for 2 min 0 s")
    with running(deployed) as run, run.progress.step("another step"):
        wait_until(lambda: [line.split(":")[0] for line in running_lines(deployed)] == ["another step"])


@pytest.mark.parametrize(
    "away",
    [
        "DROP TABLE artwork_migration.progress",
        "SELECT PG_TERMINATE_BACKEND(pid) FROM pg_stat_activity WHERE application_name = 'test progress'",
    ],
)
def test_a_report_that_fails_does_not_matter_to_the_run(deployed: Shop, away: str) -> None:
    """The run goes on without the table, and after its second session was ended; then it reports again."""

    def reports() -> bool:
        return bool(deployed.value("SELECT COUNT(*) FROM artwork_migration.progress WHERE run_name = 'test-run' AND done > 3"))

    with running(deployed) as run, run.progress.step("work"):
        run.progress.expect(10)
        run.progress.add(4)
        wait_until(reports)
        deployed.sql.execute(away)
        if "DROP" not in away:
            deployed.sql.execute("DELETE FROM artwork_migration.progress")
            wait_until(reports)
        copied: Callable[[Run], object] = backfill.find_quarantined
        copied(run)
    assert "done" == run.progress.steps[0].outcome


def test_an_index_is_followed_to_its_end(migrated: Shop, steps: Steps) -> None:
    """An index that only waits for an old snapshot has passed every row; an index that nobody creates has none."""
    (known,) = migrated.rows("SELECT COUNT(*) FROM artworks_v2")[0]

    def done() -> list[dict[str, object]]:
        return migrated.database.read("progress/rows_indexed", known=known)

    assert [] == done()
    snapshot = migrated.session()
    snapshot.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    snapshot.execute("SELECT 1 FROM users LIMIT 1")
    session = migrated.session(autocommit=True)
    step = steps.statement(migrated, session, "CREATE INDEX CONCURRENTLY another_index ON artworks_v2 (pet_name)")
    wait_until(lambda: done() == [{"done": known}])
    snapshot.rollback()
    step.result()


def test_a_resumed_copy_begins_where_the_last_one_has_ended(deployed: Shop) -> None:
    """The rows of chunks that an earlier run has copied are done from the beginning."""
    copy(deployed)
    with running(deployed) as run, run.progress.step("copy chunks"):
        counted.expect_copy(run)
        rows = deployed.value(LEGACY_ROWS)
        assert (rows, rows) == (run.progress.steps[0].done, run.progress.steps[0].total)
