"""Between two batches a run waits: while the migration is paused, and while the server is behind."""

import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from migration import database
from migration.errors import BadInput, WaitedTooLong
from reporting.status import read_status
from reporting.status_lines import status_lines
from sample.binaries import binary_directory, give_to, system_user
from sample.build import Variant
from sample.server import EmbeddedServer
from tasks.pausing import end_pause, keep_pause
from tests.conftest import SETTINGS, MakeShop
from tests.databases import Shop, decide, deploy, execute_switch, migrate, planned_switch, running
from tests.owned import handed_over
from tests.series import LONG
from tests.waiting import BOUND, wait_until
from tests.waits import WAITED, copying, pause, resume

#: A megabyte is behind at once, and what is needed to be further behind than that.
SMALL = {"max_replica_lag_mb": 1, "max_archive_backlog_mb": 1}
WAL = "SELECT PG_LOGICAL_EMIT_MESSAGE(FALSE, 'test', REPEAT('x', 8000000))"


# Pauses


def test_a_paused_copy_waits_until_it_is_resumed(deployed: Shop) -> None:
    """A paused run copies nothing, and says who paused it and why, also to another process; resumed, it continues."""
    pause(deployed)
    with copying(deployed) as copy:
        copy.waits_for("paused by Ada", "the sale begins")
        assert "artwork-migration run resume" in copy.reported[-1]
        assert 0 == deployed.value("SELECT COUNT(*) FROM artworks_v2")
        assert not deployed.rows("SELECT pid FROM pg_stat_activity WHERE application_name = 'test' AND xact_start < NOW() - interval '1 s'")
        resume(deployed)
        copy.continues()


@LONG
def test_a_pause_that_nobody_ends_ends_the_run_and_itself(deployed: Shop) -> None:
    """After the longest wait the run ends in words, and the pause with it; everything is kept, and the next run continues."""
    pause(deployed)
    with copying(deployed) as copy:
        copy.waits_for("paused by Ada")
        copy.ends("migrate-data waited longer than 14,400 s", "paused by Ada")
    assert ("test-run", "not resumed within 14,400 s") == deployed.rows(
        "SELECT resumed_by, resumed_because FROM artwork_migration.pause WHERE resumed_at IS NOT NULL"
    )[0]
    assert set(migrate(deployed)) <= {"match", "excluded", "quarantined"}


def test_a_pause_outlives_a_wait_that_began_before_it(deployed: Shop) -> None:
    """A run that has waited too long for something else leaves a pause in force that is younger."""
    pause(deployed)
    with copying(deployed) as copy:
        copy.waits_for("paused by Ada")
        deployed.sql.execute(WAITED)
        assert isinstance(copy.end.exception(BOUND), WaitedTooLong)
    assert "paused by Ada" in dict(status_lines(read_status(deployed.database)))["pause"]


@LONG
def test_nothing_is_waited_for_between_the_gates_and_the_locks(migrated: Shop) -> None:
    """A pause that comes when the gates of the switch are judged does not keep the names from changing hands: gates age."""
    plan = planned_switch(migrated)
    pause(migrated)
    execute_switch(migrated, plan)
    assert migrated.value("SELECT TO_REGCLASS('public.artworks_old') IS NOT NULL")


REFUSED = {
    "there is nothing to pause": ("NOT_STARTED", lambda: keep_pause("Ada", "the sale")),
    "Pausing requires approved_by and reason": ("DEPLOYED", lambda: keep_pause(" ", "the sale")),
    "Resuming requires approved_by and reason": ("DEPLOYED", lambda: end_pause("Ada", "")),
    "The migration is not paused": ("DEPLOYED", lambda: end_pause("Ada", "the sale")),
}


@pytest.mark.parametrize("says", REFUSED)
def test_what_pauses_or_resumes_nothing_is_refused(make_shop: MakeShop, monkeypatch: pytest.MonkeyPatch, says: str) -> None:
    """A pause before the deployment, without a name or without a reason is refused, and so is resuming what is not paused."""
    phase, act = REFUSED[says]
    monkeypatch.setenv("ARTWORK_DATABASE_URL", make_shop(phase=phase).url)
    with pytest.raises(BadInput, match=f"{says}.* Nothing was changed. To fix: "):
        act()


def test_a_pause_is_in_the_status_until_it_is_resumed(deployed: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The status has who paused, why, and how to resume; a second pause is refused with the same, and the first stays."""
    monkeypatch.setenv("ARTWORK_DATABASE_URL", deployed.url)
    keep_pause("Ada", "the sale begins")
    with pytest.raises(BadInput, match=r"The migration is already paused by Ada since .*the sale begins"):
        keep_pause("Bob", "me too")
    assert "to end it: artwork-migration run resume" in dict(status_lines(read_status(deployed.database)))["pause"]
    end_pause("Ada", "the sale is over")
    assert "pause" not in dict(status_lines(read_status(deployed.database)))


def test_resuming_ends_every_pause(deployed: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two operators who pause at the same moment both are recorded, and one who resumes ends both pauses."""
    monkeypatch.setenv("ARTWORK_DATABASE_URL", deployed.url)
    pause(deployed)
    pause(deployed)
    end_pause("Ada", "the sale is over")
    assert read_status(deployed.database).pause is None


def test_a_killed_run_does_not_wait(deployed: Shop) -> None:
    """A run that waits is in the status until its lock is free: one that was killed waits for nothing, although the ledger says so."""
    with running(deployed) as run:
        run.begin()
        run.database.write(
            "waiting", lambda connection: database.run(connection, "ledger/begin_wait", run=run.epoch, run_name=run.name, reason="the sale")
        )
        assert "the sale" in dict(status_lines(read_status(deployed.database)))["waits"]
    assert read_status(deployed.database).wait is None


# What the server reports


@pytest.fixture(scope="module")
def primary() -> Iterator[EmbeddedServer]:
    """A server that archives its WAL. What a test changes in its settings is reset by the test."""
    with (
        tempfile.TemporaryDirectory(prefix="pg") as folder,
        EmbeddedServer(Path(folder) / "d", settings={**SETTINGS, "archive_mode": "on"}) as server,
    ):
        with configured(server, archive_command="true"):
            yield server


@pytest.fixture
def shop(make_shop: MakeShop, primary: EmbeddedServer) -> Shop:
    """The sample on that server, deployed."""
    return make_shop(Variant.CURRENT, phase="DEPLOYED", on=primary)


@contextmanager
def configured(server: EmbeddedServer, **settings: str) -> Iterator[None]:
    """Configure the server for the time of the block."""
    administer(server, *(f"ALTER SYSTEM SET {name} = '{value}'" for name, value in settings.items()), "SELECT PG_RELOAD_CONF()")
    try:
        yield
    finally:
        administer(server, *(f"ALTER SYSTEM RESET {name}" for name in settings), "SELECT PG_RELOAD_CONF()")


def administer(server: EmbeddedServer, *statements: str) -> None:
    """Execute statements as the administrator, each alone."""
    with psycopg.connect(server.conninfo("postgres"), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)  # type: ignore[call-overload]  # texts of this file


@contextmanager
def standby_of(primary: EmbeddedServer) -> Iterator[EmbeddedServer]:
    """Start a standby with a slot, which is called replica. The slot is dropped at the end."""
    with tempfile.TemporaryDirectory(prefix="pg") as folder:
        user, data = system_user(binary_directory(primary.version)), Path(folder) / "d"
        data.mkdir(mode=0o700)
        for path in (Path(folder), data):
            give_to(user, path)
        subprocess.run(
            [primary.binary("pg_basebackup"), "-D", data, "-R", "-C", "-S", "replica", "-c", "fast", "-d", primary.conninfo("postgres")],
            user=user,
            group=user,
            cwd=folder,
            check=True,
        )
        next(data.glob(".s.PGSQL.*.lock")).unlink()  # of the primary's socket, which is in its data directory
        try:
            with EmbeddedServer(data, settings={**SETTINGS, "cluster_name": "replica"}) as standby:
                yield standby
        finally:
            wait_until(lambda: not slot_active(primary))
            administer(primary, "SELECT PG_DROP_REPLICATION_SLOT('replica')")


def slot_active(primary: EmbeddedServer) -> bool:
    """Return whether the standby is connected."""
    with psycopg.connect(primary.conninfo("postgres")) as connection:
        return bool(connection.execute("SELECT active FROM pg_replication_slots WHERE slot_name = 'replica'").fetchone()[0])  # type: ignore[index]


@pytest.fixture(scope="module")
def standby(primary: EmbeddedServer) -> Iterator[EmbeddedServer]:
    """A standby of that server."""
    with standby_of(primary) as server:
        yield server


@pytest.mark.exhaustive
def test_a_standby_that_lags_holds_the_copy(shop: Shop, standby: EmbeddedServer) -> None:
    """While a real standby replays nothing, the copy waits and names it; once it has caught up, the copy continues."""
    administer(standby, "SELECT PG_WAL_REPLAY_PAUSE()")
    shop.sql.execute(WAL)
    with copying(shop, **SMALL) as copy:
        copy.waits_for("standby replica: it is ", " MB and ", "ARTWORK_MAX_REPLICA_LAG_MB")
        administer(standby, "SELECT PG_WAL_REPLAY_RESUME()")
        copy.continues()


@pytest.mark.exhaustive
def test_a_standby_that_is_away_holds_the_copy_for_a_bounded_time(shop: Shop, primary: EmbeddedServer, standby: EmbeddedServer) -> None:
    """A standby whose slot is left is reported with its slot; the run ends after the longest wait, and the next one continues with it."""
    standby.stop()
    try:
        wait_until(lambda: not slot_active(primary))
        shop.sql.execute(WAL)
        with copying(shop, **SMALL) as copy:
            copy.waits_for("standby with slot replica: it is not connected", " MB behind; at most 1 MB")
            copy.ends("standby with slot replica")
    finally:
        standby.start()
    assert set(migrate(shop)) <= {"match", "excluded", "quarantined"}


@pytest.mark.exhaustive
def test_a_synchronous_standby_that_is_away_stops_no_run_without_a_word(make_shop: MakeShop, primary: EmbeddedServer) -> None:
    """Where every COMMIT waits for a standby that is away, a plan keeps no lock, and a copy reports it and ends after the longest wait."""
    shop = make_shop(on=primary)
    shop.sql.execute("SET synchronous_commit = local")
    with configured(primary, synchronous_standby_names="FIRST 1 (away)"):
        deploy(shop)
        with copying(shop) as copy:
            copy.waits_for("0 of 1 synchronous standbys are connected")
            copy.ends("synchronous_standby_names")
    assert set(migrate(shop)) <= {"match", "excluded", "quarantined"}


@pytest.mark.exhaustive
@pytest.mark.parametrize("allow", ["waive_readings", "pg_monitor"])
def test_a_role_that_may_not_see_a_standby_needs_a_decision(
    make_shop: MakeShop, primary: EmbeddedServer, standby: EmbeddedServer, allow: str
) -> None:
    """The copy of a role that sees no details of a standby waits with the decision to make, and continues after it, or once it may."""
    del standby  # named so that it runs
    with handed_over(make_shop(on=primary)) as shop:
        deploy(shop)
        with copying(shop) as copy:
            copy.waits_for("standby replica: the role may not see how far it is behind")
            assert "run decide waive_readings replica_lag --approved-by" in copy.reported[-1]
            if allow == "pg_monitor":
                shop.sql.execute("GRANT pg_monitor TO shopkeeper")
            else:
                decide(shop, "waive_readings", "replica_lag")
            copy.continues()
        shop.sql.execute("REVOKE pg_monitor FROM shopkeeper")


@pytest.mark.exhaustive
def test_a_reading_that_fails_holds_the_copy(make_shop: MakeShop, primary: EmbeddedServer) -> None:
    """Where a reading fails, the copy waits: it does not know. Once it works again, or is waived, the copy continues."""
    with handed_over(make_shop(on=primary)) as shop:
        deploy(shop)
        shop.sql.execute("GRANT pg_monitor TO shopkeeper")
        shop.sql.execute("REVOKE SELECT ON pg_stat_archiver FROM PUBLIC")
        with copying(shop) as copy:
            copy.waits_for("reading wal_archiving: it fails with SQLSTATE 42501")
            shop.sql.execute("GRANT SELECT ON pg_stat_archiver TO PUBLIC")
            copy.continues()
        shop.sql.execute("REVOKE pg_monitor FROM shopkeeper")


@pytest.mark.exhaustive
def test_a_long_transaction_holds_the_copy(shop: Shop) -> None:
    """While a transaction keeps rows from VACUUM for too long, the copy waits and names its session; prepared ones count too."""
    reader = shop.session()
    reader.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    reader.execute("SET application_name = 'nightly export'")
    reader.commit()
    reader.execute("SELECT 1")
    writer = shop.session()
    writer.execute("CREATE TABLE theirs ()")
    writer.execute("PREPARE TRANSACTION 'theirs'")
    with copying(shop, max_transaction_seconds=0.001) as copy:
        copy.waits_for(f"pid {reader.info.backend_pid} (nightly export): its transaction is open for", "prepared transaction theirs: ")
        reader.rollback()
        shop.sql.execute("ROLLBACK PREPARED 'theirs'")
        copy.continues()


@pytest.mark.exhaustive
def test_archiving_that_fails_holds_the_copy(shop: Shop, primary: EmbeddedServer) -> None:
    """While WAL is not archived, the copy waits and says that archiving fails; once it works again, the copy continues."""
    with configured(primary, archive_command="false"):
        for _ in range(3):
            shop.sql.execute(WAL)
            shop.sql.execute("SELECT PG_SWITCH_WAL()")
        with copying(shop, max_archive_backlog_mb=32) as copy:
            copy.waits_for("WAL archiving: ", " MB are not archived, and archiving fails")
            administer(primary, "ALTER SYSTEM SET archive_command = 'true'", "SELECT PG_RELOAD_CONF()")
            copy.continues()
    administer(primary, "ALTER SYSTEM SET archive_command = 'true'", "SELECT PG_RELOAD_CONF()")


@pytest.mark.exhaustive
def test_archiving_that_never_began_holds_the_copy(shop: Shop, primary: EmbeddedServer) -> None:
    """Where archiving is on without a command, and nothing was ever archived, the copy waits: all WAL stays on the disk."""
    with configured(primary, archive_command=""):
        shop.sql.execute("SELECT PG_STAT_RESET_SHARED('archiver')")
        shop.sql.execute(WAL)
        shop.sql.execute("SELECT PG_SWITCH_WAL()")
        with copying(shop, max_archive_backlog_mb=1) as copy:
            copy.waits_for("WAL archiving: ", "nothing was archived yet, and neither archive_command nor archive_library is set")
            administer(primary, "ALTER SYSTEM SET archive_command = 'true'", "SELECT PG_RELOAD_CONF()")
            copy.continues()
    administer(primary, "ALTER SYSTEM SET archive_command = 'true'", "SELECT PG_RELOAD_CONF()")


@pytest.mark.exhaustive
def test_a_database_that_must_be_frozen_holds_the_copy(shop: Shop) -> None:
    """While the database's oldest transaction number is too old, the copy waits; after VACUUM (FREEZE) it continues."""
    shop.sql.execute("DO $$ BEGIN FOR number IN 1..2000 LOOP PERFORM TXID_CURRENT(); COMMIT; END LOOP; END $$")
    with copying(shop, max_frozen_age=1_500) as copy:
        copy.waits_for("its oldest transaction number is ", "ARTWORK_MAX_FROZEN_AGE")
        shop.sql.execute("VACUUM (FREEZE)")
        copy.continues()


#: The worker that does so, and no worker that only analyzes the table.
FREEZES = (
    "SELECT l.pid FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid) WHERE l.relation = 'artworks'::regclass AND l.granted"
    " AND a.backend_type = 'autovacuum worker' AND a.query LIKE '%artworks (to prevent wraparound)'"
)


@pytest.fixture(scope="module")
def early_freezer() -> Iterator[EmbeddedServer]:
    """A server on which autovacuum begins to prevent wraparound after few transactions."""
    settings = {**SETTINGS, "autovacuum_freeze_max_age": "100000", "autovacuum_naptime": "1s"}
    with tempfile.TemporaryDirectory(prefix="pg") as folder, EmbeddedServer(Path(folder) / "d", settings=settings) as server:
        yield server


@pytest.mark.exhaustive
def test_a_table_that_autovacuum_freezes_holds_the_copy(make_shop: MakeShop, early_freezer: EmbeddedServer) -> None:
    """While autovacuum prevents wraparound on the legacy table, the copy waits; once that table is frozen, it continues."""
    shop = make_shop(phase="DEPLOYED", on=early_freezer)
    shop.sql.execute("ALTER TABLE artworks SET (autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1)")
    shop.sql.execute("DO $$ BEGIN FOR number IN 1..110000 LOOP PERFORM TXID_CURRENT(); COMMIT; END LOOP; END $$")
    wait_until(lambda: shop.value(FREEZES), every=0.2)
    with copying(shop) as copy:
        copy.waits_for("table public.artworks: autovacuum freezes it now")
        vacuum = threading.Thread(target=shop.session(autocommit=True).execute, args=("VACUUM (FREEZE) artworks",))
        vacuum.start()
        wait_until(lambda: shop.value("SELECT 1 FROM pg_locks WHERE relation = 'artworks'::regclass AND NOT granted"))
        shop.sql.execute(f"SELECT PG_TERMINATE_BACKEND(f.pid) FROM ({FREEZES}) AS f")
        copy.continues()
        vacuum.join()
