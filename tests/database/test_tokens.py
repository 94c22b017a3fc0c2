"""Tokens that move, are swapped or shared, and writes that wait for a decision: no batch and no chunk gets stuck on them."""

from uuid import UUID, uuid4

import pytest

from migration.ledger.decisions import DecisionName
from migration.verbs.decide import apply_at_once
from sample.build import Variant
from tests.artworks import add_clean, add_legacy, add_order, clean, legacy, relax_clean_names, verdict
from tests.conftest import MakeShop
from tests.databases import Shop, catch_up_now
from tests.interleaving import break_function

GIVE = "UPDATE public.artworks SET access_token = %s WHERE id = %s"


@pytest.fixture
def older(make_shop: MakeShop) -> Shop:
    """A deployment whose tokens are not unique, both tables live."""
    return make_shop(Variant.OLDER, phase="DEPLOYED")


def _two_in_step(shop: Shop) -> tuple[UUID, UUID]:
    one, two = add_legacy(shop, access_token=f"one-{uuid4()}"), add_legacy(shop, access_token=f"two-{uuid4()}")
    catch_up_now(shop)
    return one, two


def _swap(shop: Shop, one: UUID, two: UUID) -> None:
    shop.sql.execute("UPDATE public.artworks SET access_token = NULL WHERE id = %s", (one,))
    first, second = clean(shop, one, "access_token"), legacy(shop, two, "access_token")
    shop.sql.execute(GIVE, (first, two))
    shop.sql.execute(GIVE, (second, one))


def _quarantined(shop: Shop, artwork: UUID) -> str | None:
    return shop.value("SELECT reason FROM artwork_migration.quarantine WHERE id = %s", artwork)


def test_a_swap_of_tokens_is_caught_up(deployed: Shop) -> None:
    """Two artworks that swap their tokens are caught up, because each token is parked before it is written."""
    one, two = _two_in_step(deployed)
    _swap(deployed, one, two)
    catch_up_now(deployed)
    for artwork in (one, two):
        assert legacy(deployed, artwork, "access_token") == clean(deployed, artwork, "access_token")


def test_a_swap_without_parking_is_stuck(deployed: Shop) -> None:
    """Without parking, each of two artworks that swap their tokens would wait for the other one for ever."""
    one, two = _two_in_step(deployed)
    _swap(deployed, one, two)
    parking = "SET access_token = 'parked:' || c.id"
    break_function(deployed, "artwork_migration.apply_changes", parking, "SET access_token = c.access_token")
    assert sorted((one, two)) == sorted(deployed.value("SELECT waiting FROM artwork_migration.catch_up_batch(500)"))


def test_a_moved_token_is_caught_up_when_the_log_names_one_side_only(deployed: Shop) -> None:
    """A batch that holds only the artwork a token moved to takes the other one along; otherwise it would fail."""
    one, two = _two_in_step(deployed)
    token = clean(deployed, one, "access_token")
    deployed.sql.execute(GIVE, (f"other-{one}", one))
    deployed.sql.execute(GIVE, (token, two))
    deployed.sql.execute("DELETE FROM artwork_migration.legacy_change WHERE ids = ARRAY[%s]::uuid[]", (one,))
    catch_up_now(deployed)
    assert (f"other-{one}", token) == (clean(deployed, one, "access_token"), clean(deployed, two, "access_token"))


def test_of_two_artworks_with_one_token_the_older_is_migrated(older: Shop) -> None:
    """Of two artworks with one token the younger one is in quarantine, and the sum includes it."""
    token = f"shared-{uuid4()}"
    first = add_legacy(older, access_token=token, created_at="2024-01-01T00:00:00Z")
    second = add_legacy(older, access_token=token, created_at="2024-01-02T00:00:00Z")
    catch_up_now(older)
    assert (first, None) == (clean(older, first, "id"), clean(older, second, "id"))
    assert ("duplicate_access_token", "quarantined") == (_quarantined(older, second), verdict(older, second))


@pytest.mark.parametrize(
    "change", ["DELETE FROM public.artworks WHERE id = %s", "UPDATE public.artworks SET access_token = 'o' WHERE id = %s"]
)
def test_the_loser_of_a_token_comes_in_when_the_winner_gives_it_up(older: Shop, change: str) -> None:
    """An artwork that waited for a token is migrated when the other one gives it up, although the log names only the other."""
    token = f"shared-{uuid4()}"
    first = add_legacy(older, access_token=token, created_at="2024-01-01T00:00:00Z")
    second = add_legacy(older, access_token=token, created_at="2024-01-02T00:00:00Z")
    catch_up_now(older)
    older.sql.execute(change, (first,))
    catch_up_now(older)
    assert (token, None) == (clean(older, second, "access_token"), _quarantined(older, second))
    assert "match" == verdict(older, second)


def test_a_row_that_turns_bad_later_waits_in_quarantine(older: Shop) -> None:
    """A lost time or unknown status moves a clean row to quarantine in the next batch, and a fix brings it back."""
    artwork = add_legacy(older)
    add_order(older, artwork)
    catch_up_now(older)
    for column, good, bad, reason in [
        ("created_at", "2024-01-01T00:00:00Z", None, "no_created_at"),
        ("generation_status", "completed", "done", "unknown_status"),
    ]:
        older.sql.execute(f"UPDATE public.artworks SET {column} = %s WHERE id = %s", (bad, artwork))
        catch_up_now(older)
        assert (reason, None) == (_quarantined(older, artwork), clean(older, artwork, "id"))
        older.sql.execute(f"UPDATE public.artworks SET {column} = %s WHERE id = %s", (good, artwork))
        catch_up_now(older)
        assert (None, artwork) == (_quarantined(older, artwork), clean(older, artwork, "id"))


def _refused_artwork(shop: Shop) -> UUID:
    """An artwork in step whose clean side has a name that legacy refuses."""
    artwork = add_legacy(shop)
    catch_up_now(shop)
    relax_clean_names(shop)
    shop.sql.execute("UPDATE public.artworks_v2 SET customer_name = NULL WHERE id = %s", (artwork,))
    catch_up_now(shop)
    return artwork


def _names(shop: Shop, artwork: UUID) -> tuple[str | None, str | None]:
    return clean(shop, artwork, "customer_name"), clean(shop, artwork, "pet_name")


def _clear(shop: Shop, artwork: UUID) -> None:
    with shop.database.transaction("deciding") as connection:
        apply_at_once(connection, DecisionName.CLEAR_REJECTED_WRITE, str(artwork))


def test_a_rejected_write_stays_out_of_catch_up_until_it_is_cleared(deployed: Shop) -> None:
    """Catch-up leaves a rejected write's artwork alone until it is cleared, and then takes the legacy row."""
    artwork = _refused_artwork(deployed)
    deployed.sql.execute("UPDATE public.artworks SET pet_name = 'Rexa' WHERE id = %s", (artwork,))
    catch_up_now(deployed)
    assert ((None, "Rex"), "refused") == (_names(deployed, artwork), verdict(deployed, artwork))
    _clear(deployed, artwork)
    catch_up_now(deployed)
    assert (("Ada", "Rexa"), "match") == (_names(deployed, artwork), verdict(deployed, artwork))


def test_without_its_line_catch_up_would_undo_a_rejected_write(deployed: Shop) -> None:
    """If batches took rejected ids, an acknowledged clean write would be overwritten before anybody decided."""
    break_function(
        deployed,
        "artwork_migration.apply_changes",
        "WHERE NOT EXISTS (SELECT FROM artwork_migration.rejected_write AS r WHERE r.id = x.id)",
    )
    artwork = _refused_artwork(deployed)
    deployed.sql.execute("UPDATE public.artworks SET pet_name = 'Rexa' WHERE id = %s", (artwork,))
    catch_up_now(deployed)
    assert "Ada" == clean(deployed, artwork, "customer_name")


@pytest.mark.parametrize("settled", ["DELETE FROM public.artworks_v2", "UPDATE public.artworks_v2 SET access_token = 'its-own'"])
def test_a_refused_token_does_not_stop_the_catch_up_of_its_owner(deployed: Shop, settled: str) -> None:
    """A legacy row whose token a rejected clean artwork holds waits in quarantine until that token is free."""
    owner = add_legacy(deployed, generation_status="failed")
    token = legacy(deployed, owner, "access_token")
    born = add_clean(deployed, access_token=token)
    deployed.sql.execute("UPDATE public.artworks SET generation_status = 'completed' WHERE id = %s", (owner,))
    catch_up_now(deployed)
    assert ("refused", "quarantined") == (verdict(deployed, born), verdict(deployed, owner))
    deployed.sql.execute(f"{settled} WHERE id = %s", (born,))  # type: ignore[call-overload]  # made of this test's own names
    catch_up_now(deployed)
    born_token = None if settled.startswith("DELETE") else "its-own"
    assert (born_token, token) == (clean(deployed, born, "access_token"), clean(deployed, owner, "access_token"))
