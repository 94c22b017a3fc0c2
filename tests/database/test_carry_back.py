"""What is written while the clean table serves, and how it comes into the retired table."""

from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb

from migration.errors import Blocked
from migration.ledger.decisions import DecisionName
from migration.ledger.phases import ROLL_BACK_TO_MIGRATED
from migration.sync import carry_back
from migration.sync.pace import FIRST
from migration.verbs.decide import apply_at_once
from sample.build import Variant
from tests.artworks import add_legacy, add_order, add_user, relax_clean_names
from tests.conftest import MakeShop
from tests.databases import SETTINGS, Shop, catch_up_now, decide, execute_switch, planned_roll_back, reconcile_now, roll_back, running
from tests.interleaving import Barrier, Step
from tests.series import LONG, first


@pytest.fixture
def shop(migrated: Shop) -> Shop:
    """Switched, with nothing written since; setting up on the legacy side is done by `switched_with`."""
    relax_clean_names(migrated)
    return migrated


def switched_with(shop: Shop, **columns: object) -> UUID:
    """An artwork that was there before the switch; returns its id."""
    artwork = add_legacy(shop, **columns)
    catch_up_now(shop)
    execute_switch(shop)
    return artwork


def born(shop: Shop, email: str = "born@example.com") -> UUID:
    """An artwork born on the serving table."""
    return shop.value("SELECT (artwork).id FROM create_artwork('Ada', %s, 'Rex', 'https://u/mom', 'https://u/pet')", email)


def legacy_row(shop: Shop, artwork: UUID) -> dict[str, object]:
    return shop.value("SELECT TO_JSONB(a) FROM artworks AS a WHERE id = %s", artwork)


def agree(shop: Shop) -> None:
    assert set(reconcile_now(shop)) <= {"match", "excluded", "quarantined"}


def test_a_change_of_one_column_changes_one_column(shop: Shop) -> None:
    """A rollback changes only the column that was written and updated_at; values that the mapping cannot give back stay."""
    artwork = switched_with(shop, original_image_url="https://u/1", original_pet_mom_url=None, upscale_status="not_required")
    before = shop.value("SELECT TO_JSONB(a) FROM artworks_old AS a WHERE id = %s", artwork)
    shop.sql.execute("UPDATE artworks SET pet_name = 'Rex II' WHERE id = %s", (artwork,))
    roll_back(shop)
    after = legacy_row(shop, artwork)
    assert {"pet_name", "updated_at"} == {column for column in after if after[column] != before[column]}
    assert after["updated_at"] == shop.value("SELECT TO_JSONB(updated_at) FROM artworks_v2 WHERE id = %s", artwork)
    agree(shop)


@LONG
def test_an_artwork_born_after_the_switch_keeps_its_order(shop: Shop) -> None:
    """An artwork created after the switch is a legacy row after the rollback, its order references it, and catch-up leaves it alone."""
    execute_switch(shop)
    artwork = born(shop)
    order = add_order(shop, artwork)
    roll_back(shop)
    assert ("https://u/mom", "pending") == (legacy_row(shop, artwork)["original_image_url"], legacy_row(shop, artwork)["generation_status"])
    assert artwork == shop.value("SELECT artwork_id FROM orders WHERE id = %s", order)
    add_order(shop, artwork)
    catch_up_now(shop)
    agree(shop)


@LONG
def test_what_only_the_clean_table_holds_stays_there(shop: Shop) -> None:
    """Request id and parameters of a clean row survive a rollback and a catch-up."""
    execute_switch(shop)
    artwork = born(shop)
    shop.sql.execute(
        "SELECT update_artwork_lifecycle(%s, %s)", (artwork, Jsonb({"generation_status": "processing", "fal_request_id": "fal"}))
    )
    roll_back(shop)
    catch_up_now(shop)
    assert "fal" == shop.value("SELECT fal_request_id FROM artworks_v2 WHERE id = %s", artwork)
    agree(shop)


@LONG
def test_a_deleted_artwork_is_gone_on_both_sides(shop: Shop) -> None:
    """An artwork that was deleted after the switch is gone on both sides after a rollback, also if it was created after the switch."""
    artwork = switched_with(shop)
    short_lived = born(shop)
    shop.sql.execute("DELETE FROM artworks WHERE id = ANY(%s)", ([artwork, short_lived],))
    roll_back(shop)
    assert shop.value("SELECT COUNT(*) FROM artworks WHERE id = ANY(%s)", [artwork, short_lived]) == 0
    agree(shop)


@LONG
def test_a_new_id_is_followed(shop: Shop) -> None:
    """After an id changed on the serving side, what only the retired table holds moves with the row."""
    artwork, other = switched_with(shop, mockup_urls=Jsonb({"poster": "p"})), uuid4()
    shop.sql.execute("UPDATE artworks SET id = %s WHERE id = %s", (other, artwork))
    roll_back(shop)
    assert {"poster": "p"} == legacy_row(shop, other)["mockup_urls"]
    assert legacy_row(shop, artwork) is None
    agree(shop)


@LONG
def test_many_new_ids_are_followed_in_batches(shop: Shop) -> None:
    """Changed ids are carried back a batch at a time and in their order, and after the rollback every artwork has its newest id."""
    switched_with(shop)
    change = (
        "UPDATE artworks AS a SET id = GEN_RANDOM_UUID() WHERE NOT EXISTS (SELECT FROM orders AS o WHERE o.artwork_id = a.id) RETURNING id"
    )
    shop.rows(change)
    newest = {artwork for (artwork,) in shop.rows(change)}
    changes = shop.value("SELECT COUNT(*) FROM artwork_migration.clean_key_change")
    assert changes == 2 * len(newest) > 4 * FIRST
    assert FIRST == shop.value("SELECT artwork_migration.carry_back_keys(%s)", FIRST)
    assert changes - FIRST == shop.value("SELECT COUNT(*) FROM artwork_migration.clean_key_change")
    roll_back(shop)
    assert newest <= {artwork for (artwork,) in shop.rows("SELECT id FROM artworks")}
    agree(shop)


@LONG
def test_swapped_tokens_come_back_swapped(shop: Shop) -> None:
    """Two artworks that swapped their tokens are carried back swapped, in whatever order, in spite of the unique key."""
    first, second = add_legacy(shop), switched_with(shop)
    for one, other in ((first, second), (second, first)):
        shop.sql.execute("UPDATE artworks SET access_token = %s WHERE id = %s", (f"swapping-{one}", one))
        shop.sql.execute("UPDATE artworks SET access_token = %s WHERE id = %s", (f"token-{one}", other))
    roll_back(shop)
    assert f"token-{second}" == legacy_row(shop, first)["access_token"]
    agree(shop)


def test_a_write_the_retired_table_cannot_take_is_recorded(shop: Shop) -> None:
    """A row that the retired table rejects is recorded if that was decided; the next gate is red for it, and the others come back."""
    artwork = switched_with(shop)
    decide(shop, "accept_rejected_writes", "all")
    other = born(shop)
    shop.sql.execute("UPDATE artworks SET customer_name = NULL WHERE id = %s", (artwork,))
    assert roll_back(shop).rejected == 1
    assert [(artwork, "23502")] == shop.rows("SELECT id, sql_state FROM artwork_migration.rejected_write")
    assert legacy_row(shop, other) is not None
    assert reconcile_now(shop)["refused"] == 1


@LONG
def test_a_referenced_row_that_cannot_come_back_stops_the_rollback(shop: Shop) -> None:
    """A referenced row that the retired table rejects stops a rollback before any lock; after the fix the rollback goes through."""
    execute_switch(shop)
    artwork = born(shop)
    add_order(shop, artwork)
    shop.sql.execute("UPDATE artworks SET customer_name = NULL WHERE id = %s", (artwork,))
    with pytest.raises(Blocked, match=str(artwork)):
        roll_back(shop)
    assert shop.value("SELECT COUNT(*) FROM artworks WHERE id = %s AND customer_name IS NULL", artwork) == 1
    shop.sql.execute("UPDATE artworks SET customer_name = 'Ada' WHERE id = %s", (artwork,))
    roll_back(shop)
    agree(shop)


@LONG
def test_a_cleared_refusal_is_looked_at_again(shop: Shop) -> None:
    """Clearing a rejection after a rollback that stopped does not open the rollback while the order would reference nothing."""
    execute_switch(shop)
    decide(shop, "accept_rejected_writes", "all")
    artwork = born(shop)
    shop.sql.execute("UPDATE artworks SET customer_name = NULL WHERE id = %s", (artwork,))
    with running(shop, ROLL_BACK_TO_MIGRATED) as run:
        run.begin()
        assert carry_back.carry_back(run, planned_roll_back(shop)).rejected == 1
    with shop.database.transaction("deciding") as connection:
        apply_at_once(connection, DecisionName.CLEAR_REJECTED_WRITE, str(artwork))
    add_order(shop, artwork)
    with pytest.raises(Blocked, match=str(artwork)):
        roll_back(shop)


@LONG
def test_a_refused_artwork_that_is_deleted_is_refused_no_more(shop: Shop) -> None:
    """A rejected artwork that is deleted blocks neither the rollback nor the next switch."""
    execute_switch(shop)
    decide(shop, "accept_rejected_writes", "all")
    artwork = born(shop)
    shop.sql.execute("UPDATE artworks SET customer_name = NULL WHERE id = %s", (artwork,))
    with running(shop, ROLL_BACK_TO_MIGRATED) as run:
        run.begin()
        carry_back.carry_back(run, planned_roll_back(shop))
    shop.sql.execute("DELETE FROM artworks WHERE id = %s", (artwork,))
    roll_back(shop)
    assert shop.value("SELECT COUNT(*) FROM artwork_migration.rejected_write") == 0


def test_a_dry_run_keeps_no_row_from_one_batch_to_the_next(shop: Shop) -> None:
    """A dry run holds no lock of its first batch while its second one waits: an owner of the first can be deleted."""
    user = add_user(shop, "leaving@example.com")
    artwork = switched_with(shop, customer_email="leaving@example.com", user_id=user)
    shop.sql.execute("UPDATE artworks SET pet_name = 'Rex' WHERE id = %s", (artwork,))
    born(shop)
    barrier = Barrier(shop, "BEFORE INSERT ON public.artworks_old FOR EACH ROW")
    barrier.close()
    with running(shop, ROLL_BACK_TO_MIGRATED) as run:
        run.settings = SETTINGS.model_copy(update={"batch_size": 1})
        rehearsal = Step(shop, lambda: carry_back.dry_run(run), name="test")
        rehearsal.blocks()
        shop.sql.execute("SET statement_timeout = '20s'")
        shop.sql.execute("DELETE FROM users WHERE id = %s", (user,))
        barrier.open()
        assert 2 <= rehearsal.result().logged  # deleting the user has logged one more


@LONG
def test_statuses_that_legacy_does_not_know_come_back_as_the_nearest(make_shop: MakeShop) -> None:
    """`processing` is carried back as `pending` into a legacy table that does not know it, and the clean row keeps it."""
    shop = make_shop(Variant.MINIMAL, phase="MIGRATED")
    execute_switch(shop)
    artwork = born(shop)
    shop.sql.execute('SELECT update_artwork_lifecycle(%s, \'{"generation_status": "processing"}\')', (artwork,))
    roll_back(shop)
    assert "pending" == legacy_row(shop, artwork)["generation_status"]
    catch_up_now(shop)
    assert "processing" == shop.value("SELECT generation_status FROM artworks_v2 WHERE id = %s", artwork)
    agree(shop)


def test_deleting_a_user_works_on_both_sides_of_the_way(shop: Shop) -> None:
    """While the clean table serves, deleting a user sets the keys of both tables to NULL, and the guard allows it."""
    user = add_user(shop, "leaving@example.com")
    artwork = switched_with(shop, customer_email="leaving@example.com", user_id=user)
    shop.sql.execute("DELETE FROM users WHERE id = %s", (user,))
    assert (None, None) == (
        shop.value("SELECT user_id FROM artworks WHERE id = %s", artwork),
        shop.value("SELECT user_id FROM artworks_old WHERE id = %s", artwork),
    )
    roll_back(shop)
    catch_up_now(shop)
    agree(shop)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO artworks_old (original_image_url, customer_name, customer_email) VALUES ('https://u/1', 'Ada', 'a@example.com')",
        "UPDATE artworks_old SET pet_name = 'Rex'",
        "UPDATE artworks_old SET user_id = NULL",
        "DELETE FROM artworks_old",
        "TRUNCATE artworks_old",
    ],
)
@first(2)
def test_the_retired_table_refuses_writes_in_words(shop: Shop, statement: str) -> None:
    """The retired table refuses a write with SQLSTATE 0A000 and names the table to write to."""
    execute_switch(shop)
    with pytest.raises(psycopg.errors.FeatureNotSupported, match="artworks_old"):
        shop.sql.execute(statement)  # type: ignore[call-overload]  # made of this test's own names


def test_users_that_come_after_the_switch_own_their_artworks_after_the_rollback(shop: Shop) -> None:
    """A user who signs up while the clean table serves owns the artworks of the e-mail after the rollback."""
    artwork = switched_with(shop)
    email = shop.value("SELECT customer_email FROM artworks WHERE id = %s", artwork)
    shop.sql.execute("DELETE FROM users WHERE email = %s", (email,))
    user = add_user(shop, email)
    roll_back(shop)
    catch_up_now(shop)
    assert user == shop.value("SELECT user_id FROM artworks_v2 WHERE id = %s", artwork)
    agree(shop)


@LONG
def test_the_plan_of_the_rollback_says_what_it_starts_from(shop: Shop) -> None:
    """The plan of a rollback counts the ids to carry back, and its blockers name what appeared since the switch."""
    artwork = switched_with(shop)
    shop.sql.execute("UPDATE artworks SET pet_name = 'Rex' WHERE id = %s", (artwork,))
    assert planned_roll_back(shop).facts["ids_to_carry_back"] == 1
    shop.sql.execute("CREATE VIEW late AS SELECT id FROM artworks; CREATE TABLE gifts (artwork_id uuid REFERENCES artworks (id))")
    subjects = [blocker.subject for blocker in planned_roll_back(shop).blockers]
    assert ["constraint gifts_artwork_id_fkey on table gifts", "view late"] == [name.replace("public.", "") for name in subjects]
