"""The gates as an operator meets them: real damage ends the run Red, says which rule and which ids, and mended it completes."""

from uuid import UUID

from prefect.client.schemas.objects import State

from flows.migrate_data import migrate_data
from migration.ledger.phases import Phase
from reporting.status import read_status
from reporting.status_lines import status_lines
from tasks.ends import exit_code, kind_of_end, message
from tests.artworks import add_legacy, add_order
from tests.databases import Shop, deploy
from tests.lifecycle.runs import phase
from tests.series import EXHAUSTIVE, LONG


@EXHAUSTIVE
def test_an_order_for_a_test_artwork(deployed: Shop) -> None:
    """An order for test data turns the first gate red before anything is created or copied; without the order the migration completes."""
    artwork = add_legacy(deployed, original_image_url="test-pending")
    order = add_order(deployed, artwork)
    red = red_gate()
    assert f"gate legacy_artworks is red: referenced_can_migrate (test_data): 1 bad, ids {artwork}." in message(red)
    assert "- referenced_can_migrate: 1. Give the artwork an e-mail and a token." in message(red)
    assert phase(deployed) == Phase.DEPLOYED
    for table in ("public.artworks_v2", "artwork_migration.created_user", "artwork_migration.chunk", "artwork_migration.reconciliation"):
        assert 0 == deployed.value(f"SELECT COUNT(*) FROM {table}")
    assert last_gates(deployed).startswith("red: legacy_artworks.referenced_can_migrate (run ")

    deployed.sql.execute("DELETE FROM orders WHERE id = %s", [order])
    completed(deployed)


@EXHAUSTIVE
def test_two_artworks_with_one_token(operated: Shop) -> None:
    """Of two artworks with one token the second is first a warning, then in quarantine, and the gate is red."""
    operated.sql.execute("ALTER TABLE artworks DROP CONSTRAINT artworks_access_token_key")
    deploy(operated)
    first = add_legacy(operated)
    token = operated.value("SELECT access_token FROM artworks WHERE id = %s", first)
    second = add_legacy(operated, access_token=token)
    red = red_gate()
    assert "gate reconciliation is red: quarantined" in message(red)
    assert ": 1 bad" in message(red)
    assert phase(operated) == Phase.DEPLOYED
    assert sorted([first, second]) == found(operated, "token_duplicates")
    assert [second] == [identifier for (identifier,) in operated.rows("SELECT id FROM artwork_migration.quarantine")]
    assert last_gates(operated).startswith("red: reconciliation.quarantined (run ")

    operated.sql.execute("UPDATE artworks SET access_token = access_token || '-2' WHERE id = %s", [second])
    completed(operated)


@LONG
def test_all_gates_after_the_copy_are_judged(deployed: Shop) -> None:
    """One message reports what is wrong with the users and with the clean table; Prefect's pages show it in short, with what to do next."""
    deployed.sql.execute(
        "ALTER TABLE artworks_v2 DROP CONSTRAINT artworks_v2_access_token_key;"
        "CREATE FUNCTION public.register() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.is_anonymous := FALSE; RETURN NEW; END$$;"
        "CREATE TRIGGER register BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION public.register()"
    )
    red = red_gate()
    assert "gate users is red: created_are_anonymous (is_anonymous): " in message(red)
    assert "gate clean_artworks is red: constraints_in_place (artworks_v2_access_token_key): 1 bad." in message(red)
    shown = red.message or ""
    assert shown.startswith("gates users, clean_artworks are red: created_are_anonymous, constraints_in_place"), shown
    assert "Once it is fixed, run `migrate-data` again." in shown
    assert len(shown) <= 600
    assert phase(deployed) == Phase.DEPLOYED

    deployed.sql.execute(
        "DROP TRIGGER register ON users;"
        "UPDATE users SET is_anonymous = TRUE WHERE id IN (SELECT id FROM artwork_migration.created_user);"
        "ALTER TABLE artworks_v2 ADD CONSTRAINT artworks_v2_access_token_key UNIQUE (access_token)"
    )
    completed(deployed)


@EXHAUSTIVE
def test_an_empty_table_cannot_be_judged(deployed: Shop) -> None:
    """A gate that checked nothing is red, with another message than a gate that found bad data."""
    deployed.sql.execute("DELETE FROM artworks")
    red = red_gate()
    assert "gate legacy_artworks could not be judged: " in message(red)
    assert "checked nothing" in message(red)
    assert "gate legacy_artworks is red: legacy_has_rows: 1 bad." in message(red)
    assert phase(deployed) == Phase.DEPLOYED


def red_gate() -> State:
    """Run migrate_data, which must end Red."""
    state = migrate_data(return_state=True)
    assert (kind_of_end(state), exit_code(state)) == ("Red", 4), state.message
    return state


def completed(shop: Shop) -> None:
    """Run migrate_data, which must complete, with warnings at most."""
    state = migrate_data(return_state=True)
    assert kind_of_end(state) == "Completed", state.message
    assert phase(shop) == Phase.MIGRATED
    assert last_gates(shop).startswith("all ")


def last_gates(shop: Shop) -> str:
    return dict(status_lines(read_status(shop.database)))["last gates"]


def found(shop: Shop, rule: str) -> list[UUID]:
    return [identifier for (identifier,) in shop.rows("SELECT id FROM artwork_migration.finding WHERE rule = %s ORDER BY id", rule)]
