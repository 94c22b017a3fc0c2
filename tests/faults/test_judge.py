"""The judge of the adversarial writer: each kind of breach is planted, and it must name it."""

from collections.abc import Callable
from pathlib import Path
from typing import LiteralString
from uuid import NAMESPACE_OID, UUID, uuid5

import pytest

from tests.adversary.journal import Effect, Journal
from tests.adversary.judge import Judge
from tests.artworks import add_legacy, add_order
from tests.databases import Shop, catch_up_now, switch
from tests.series import first

#: No trigger and no key sees what is done in such a session, and neither capture nor write-through.
UNSEEN: LiteralString = "SET session_replication_role = replica; SET artwork_migration.apply = on"
#: What is done to an artwork that has an order, and a part of what the judge must say; {0} is the artwork, {1} an id that nothing has.
BREACHES = {
    "a lost artwork": ("DELETE FROM artworks WHERE id = '{0}'", "artworks lacks: artwork {0}"),
    "an order without its artwork": ("DELETE FROM artworks WHERE id = '{0}'", "orphan: orders.artwork_id of "),
    "a changed value": ("UPDATE artworks SET pet_name = 'stolen' WHERE id = '{0}'", "artworks differs: artwork {0}, pet_name"),
    "another id": ("UPDATE artworks SET id = '{1}' WHERE id = '{0}'", "artworks has too much: artwork {1}"),
    "an owner who does not exist": ("UPDATE artworks SET user_id = '{1}' WHERE id = '{0}'", "orphan: artworks.user_id of {0}"),
    "a lost order": ("DELETE FROM orders WHERE artwork_id = '{0}'", "orders lacks: "),
    "an order too many": (
        "INSERT INTO orders (artwork_id, stripe_session_id, amount_cents) VALUES ('{0}', 'cs_planted', 1)",
        "orders has too much: ",
    ),
    "an order of another": ("UPDATE orders SET artwork_id = '{1}' WHERE artwork_id = '{0}'", "orders differs: "),
    "a lost user": ("DELETE FROM users WHERE email = 'judged@example.com'", "users lacks: user "),
    "an e-mail taken": ("UPDATE users SET email = 'x@example.com' WHERE email = 'judged@example.com'", "users differs: user "),
    "a clean row that lags": ("UPDATE artworks_v2 SET pet_name = 'stale' WHERE id = '{0}'", "artworks_v2 differs: artwork {0}, pet_name"),
    "a lost clean row": ("DELETE FROM artworks_v2 WHERE id = '{0}'", "artworks_v2 lacks: artwork {0}"),
    "a clean owner who does not exist": ("UPDATE artworks_v2 SET user_id = '{1}' WHERE id = '{0}'", "orphan: artworks_v2.user_id of {0}"),
    "a clean date that differs": (
        "UPDATE artworks_v2 SET created_at = created_at - INTERVAL '1 day' WHERE id = '{0}'",
        "artworks_v2 differs: artwork {0}, created_at",
    ),
}
NOBODY = uuid5(NAMESPACE_OID, "nobody")
#: What the journal says was committed about an artwork, and what the judge must say, for nothing of it was done.
UNDONE: dict[str, tuple[Callable[[str], Effect], str]] = {
    "an acknowledged write": (lambda key: ("set", key, {"values": {"pet_name": "Bello"}}), "artworks differs: artwork {0}, pet_name"),
    "an acknowledged order": (lambda key: ("order", str(NOBODY), {"artwork": key}), f"orders lacks: {NOBODY}"),
    "a condition that held": (lambda key: ("expect", key, {"values": {"pet_name": "Bello"}}), "condition: artwork {0}, pet_name"),
}


@pytest.fixture
def judged(migrated: Shop, tmp_path: Path) -> tuple[Judge, Shop, UUID]:
    """A judge who has seen a migrated shop, the shop, and an artwork in it that has an order."""
    migrated.sql.execute("INSERT INTO users (email) VALUES ('judged@example.com')")
    artwork = add_legacy(migrated, customer_email="judged@example.com")
    add_order(migrated, artwork)
    catch_up_now(migrated)
    judge = Judge.begin(migrated.server.conninfo(migrated.name), tmp_path / "journal.jsonl")
    return judge, migrated, artwork


def test_the_judge_finds_nothing_where_nothing_is_wrong(judged: tuple[Judge, Shop, UUID]) -> None:
    """Nothing was planted, so nothing is named: not before a switch, and not after it."""
    judge, shop, _ = judged
    assert [] == judge.judge(caught_up=True)
    switch(shop)
    assert [] == judge.judge()


@first(6)
@pytest.mark.parametrize("breach", BREACHES)
def test_the_judge_names_what_is_wrong_in_the_database(judged: tuple[Judge, Shop, UUID], breach: str) -> None:
    """A change behind every trigger, which is in no line of the journal: the judge names the table, the row and what is wrong with it."""
    judge, shop, artwork = judged
    statement, said = (text.format(artwork, uuid5(artwork, breach)) for text in BREACHES[breach])
    shop.sql.execute(UNSEEN)
    shop.sql.execute(statement)  # type: ignore[call-overload]  # made of this test's own names
    assert [line for line in judge.judge(caught_up=True) if line.startswith(said)]


@pytest.mark.parametrize("undone", UNDONE)
def test_the_judge_names_what_the_database_lacks_of_the_journal(judged: tuple[Judge, Shop, UUID], undone: str) -> None:
    """The journal says that a transaction was committed, and the database does not have what it did; rolled back, it is no breach."""
    judge, _, artwork = judged
    effect, said = UNDONE[undone]
    journal = Journal(judge.journal)
    number = journal.intend([effect(str(artwork))])
    journal.outcome(number, committed=False)
    assert [] == judge.judge(caught_up=True)
    journal.outcome(number, committed=True)
    assert [said.format(artwork)] == judge.judge()
