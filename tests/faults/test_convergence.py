"""The application writes on both sides while everything is migrated; afterwards nothing it was told is done is missing."""

import json
from pathlib import Path

import pytest

from migration.ledger.phases import MIGRATE_DATA
from migration.sync import catch_up
from sample.journal import check_journal
from tests.adversary.cycle import Cycle
from tests.adversary.process import Load
from tests.conftest import MakeShop
from tests.databases import Shop, migrate, reconcile_now, running
from tests.faults.application import application
from tests.series import LONG, series

TRANSACTIONS = 6_000
#: How many kinds of write the workload must really hold on each side, so that a green run means something.
WANTED_KINDS = {"legacy": 18, "clean": 12}
#: The kinds that are hardest to follow, and how often they must be in it: far below what the mix gives.
WANTED = {
    "legacy": {"move_token": 20, "swap_tokens": 20, "change_key": 8, "delete": 40, "delete_user": 20},
    "clean": {"delete": 30, "change_email": 40, "renew_token": 40},
}
#: Artworks that both sides wrote, and writes that came after one on the other side.
WANTED_ON_BOTH_SIDES = {"artworks": 200, "writes_after_the_other_side": 500}


@pytest.mark.parametrize("seed", series([1], ()))
def test_both_sides_converge(deployed: Shop, seed: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """After 6,000 transactions on both sides during backfill and catch-up every journalled write is there and both sides agree."""
    deadlocks = _deadlocks(deployed)
    with application(deployed, seed, tmp_path, transactions=TRANSACTIONS) as process:
        migrate(deployed)
        while process.poll() is None:
            with running(deployed, MIGRATE_DATA) as run:
                run.begin()
                catch_up.catch_up(run)
    counts = reconcile_now(deployed)
    summary = json.loads((tmp_path / "summary.json").read_text())
    with capsys.disabled():
        print(  # noqa: T201 (the mix is to be seen)
            f"\nseed {seed}: {summary['transactions']} transactions, mix {json.dumps(summary['committed'])}, errors {summary['errors']},"
            f" on both sides {summary['both_sides']}"
        )

    assert summary["transactions"] >= TRANSACTIONS
    for side, kinds in WANTED_KINDS.items():
        assert len(summary["committed"].get(side, {})) >= kinds, f"the mix on the {side} side is too thin to mean anything"
        assert {} == _too_few(summary["committed"][side], WANTED[side])
    assert {} == _too_few(summary["both_sides"], WANTED_ON_BOTH_SIDES)
    assert sum(summary["committed"]["clean"].values()) > TRANSACTIONS / 10
    for side in ("legacy", "clean"):
        report = check_journal(deployed.server.conninfo(deployed.name), [tmp_path / "journal.jsonl"], side)
        assert report.values_checked > 1_000
        assert [] == report.missing
    assert set(counts) <= {"match", "excluded"}, "missing, extra, differing or pending rows are left"
    assert deployed.value("SELECT COUNT(*) FROM artwork_migration.rejected_write") == 0
    assert deadlocks == _deadlocks(deployed)


@LONG
def test_adversarial_writers_lose_nothing(make_shop: MakeShop, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Writes of sixteen connections that clash in every way are in the serving table after each verb, as on an untouched clone.

    They pause longer than those of `python -m tests.adversary`: beside other tests their transactions would take seconds, and no verb would
    get its locks between them.
    """
    result = Cycle(make_shop(), make_shop(), tmp_path, seed=1, load=Load(think=1.0), pace=1.0).run(whole=False)
    with capsys.disabled():
        print("\n", *result.lines(), sep="\n  ")  # noqa: T201 (the slowest writes are to be seen)
    assert [] == result.breaches
    assert result.ours["transactions"] > 100


def _too_few(counts: dict[str, int], wanted: dict[str, int]) -> dict[str, int]:
    return {kind: counts.get(kind, 0) for kind, least in wanted.items() if counts.get(kind, 0) < least}


def _deadlocks(shop: Shop) -> int:
    return int(shop.value("SELECT deadlocks FROM pg_stat_database WHERE datname = CURRENT_DATABASE()"))
