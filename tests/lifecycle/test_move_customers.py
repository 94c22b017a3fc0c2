"""move-customers: a gradual rollout by share and by e-mail, there and back, with its plan, gate, refusals and privacy."""

import subprocess
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from prefect.client.schemas.objects import State

from flows.migrate_data import migrate_data
from flows.move_customers import move_customers
from flows.roll_back import roll_back
from reporting.report import read_report
from reporting.status import read_status
from reporting.status_lines import status_lines
from tasks.ends import exit_code, kind_of_end, message
from tests.artworks import add_legacy, add_user, clean
from tests.databases import Shop, migrate, switch
from tests.databases import roll_back as roll_back_now
from tests.lifecycle.conftest import OperatedIn
from tests.lifecycle.runs import APPROVED, artifact, number_in, run_of
from tests.series import LONG

JANE = "Jane.Doe@example.com"


@pytest.fixture
def shop(operated_in: OperatedIn) -> Shop:
    """A migrated shop with one more customer, JANE, who has one completed artwork."""
    shop = operated_in("MIGRATED")
    add_legacy(shop, customer_email=JANE)
    return shop


def planned(**choice: Any) -> State[Any]:
    """Plan a move."""
    return move_customers(**choice, return_state=True)


def move(**choice: Any) -> State[Any]:
    """Plan a move, and execute the plan by its number alone."""
    return move_customers(plan=number_in(planned(**choice)), **APPROVED, return_state=True)


def served_by(shop: Shop, email: str) -> str:
    """Return what the application gets for a customer."""
    application = shop.session(role="service_role", autocommit=True)
    return str(application.execute("SELECT artwork_schema_for(%s)", (email,)).fetchone()[0])  # type: ignore[index]


def customers(shop: Shop) -> dict[str, str]:
    """Return which table serves each customer of the legacy table."""
    return dict(
        shop.rows(
            "SELECT a.email, artwork_schema_for(a.email) FROM (SELECT DISTINCT customer_email AS email FROM artworks"
            " WHERE BTRIM(customer_email) <> '') AS a"
        )
    )


def clean_customers(shop: Shop) -> set[str]:
    """Return the customers whom the clean table serves."""
    return {email for email, table in customers(shop).items() if table == "clean"}


def damage(shop: Shop) -> str:
    """Change JANE's clean row behind the write-through. Returns its id."""
    with shop.session() as session:
        session.execute("SET LOCAL session_replication_role = replica")
        session.execute("ALTER TABLE artworks_v2 DISABLE TRIGGER artwork_migration_update")
        session.execute("UPDATE artworks_v2 SET pet_name = 'Max' WHERE customer_email = %s", (JANE,))
        session.execute("ALTER TABLE artworks_v2 ENABLE ALWAYS TRIGGER artwork_migration_update")
    return str(shop.value("SELECT id FROM artworks_v2 WHERE customer_email = %s", JANE))


def test_a_customer_is_moved_and_moved_back(shop: Shop) -> None:
    """A move by e-mail catches up first, answers for every spelling, and for nobody else; the same verb moves the customer back."""
    others = clean_customers(shop)
    before = planned(to="clean", emails=f"{JANE} , jane.doe@EXAMPLE.com")
    assert not others
    assert served_by(shop, JANE) == "legacy"
    plan = artifact(f"plan-{number_in(before)}")
    assert "| customers | 1 |" in plan
    assert "**To undo:** `move-customers`" in plan

    done = move_customers(plan=number_in(before), **APPROVED, return_state=True)
    assert kind_of_end(done) == "Completed", message(done)
    assert "Moved to the clean table: customers 1, artworks 1; `artwork_schema_for` answers so." in message(done)
    assert ["clean"] * 3 == [served_by(shop, email) for email in (JANE, " jane.doe@example.com\n", "JANE.DOE@EXAMPLE.COM")]
    assert {JANE} == clean_customers(shop)
    assert len(shop.rows("SELECT id FROM get_customer_artworks(%s)", JANE)) == 1
    lines = dict(status_lines(read_status(shop.database)))
    assert lines["customers"] == "the clean table serves a share of 0%, 1 more by their e-mail"

    back = move(to="legacy", emails=JANE)
    assert kind_of_end(back) == "Completed", message(back)
    assert set() == clean_customers(shop)
    assert "customers" not in dict(status_lines(read_status(shop.database)))


@LONG
def test_a_share_stays_and_contains_smaller_ones(shop: Shop) -> None:
    """Shares to the clean table grow by whole customers, shares to the legacy table take the last away, and 100 % is everybody."""
    everybody = set(customers(shop))
    shares = []
    for percent in (10, 35.5, 80, 100):
        done = move(to="clean", percent=percent)
        assert kind_of_end(done) == "Completed", message(done)
        shares.append(clean_customers(shop))
    assert set() < shares[0] < shares[1] < shares[2] < shares[3] == everybody
    assert abs(len(shares[2]) / len(everybody) - 0.8) < 0.1
    move(to="legacy", percent=20)
    assert shares[2] == clean_customers(shop)
    lines = dict(status_lines(read_status(shop.database)))
    assert lines["customers"] == "the clean table serves a share of 80%"
    move(to="legacy", percent=100)
    assert set() == clean_customers(shop)


@LONG
def test_the_newest_move_of_a_customer_counts(shop: Shop) -> None:
    """A customer moved by e-mail leaves the share, until a later share contains them again."""
    move(to="clean", percent=100)
    move(to="legacy", emails=JANE)
    assert {JANE} == set(customers(shop)) - clean_customers(shop)
    assert (
        dict(status_lines(read_status(shop.database)))["customers"] == "the clean table serves a share of 100%, without 1 by their e-mail"
    )
    move(to="clean", percent=100)
    assert served_by(shop, JANE) == "clean"


@LONG
def test_an_approval_is_for_one_move(shop: Shop) -> None:
    """The number of a plan that was executed, or before which another move was made, is refused, and nothing is moved."""
    first, second = number_in(planned(to="clean", emails=JANE)), number_in(planned(to="clean", percent=50))
    assert kind_of_end(move_customers(plan=first, **APPROVED, return_state=True)) == "Completed"
    move(to="legacy", emails=JANE)
    assert [] == read_status(shop.database).plans
    for number in (first, second):
        refused = move_customers(plan=number, **APPROVED, return_state=True)
        assert (kind_of_end(refused), exit_code(refused)) == ("Refused", 1), message(refused)
        assert "start move-customers with the same choice" in message(refused)
        assert "another move of customers was made since" in message(refused)
    assert set() == clean_customers(shop)


@LONG
def test_an_e_mail_that_nobody_has_blocks_the_plan_without_showing_it(shop: Shop, tmp_path: Path) -> None:
    """The blocker has the place in the list; a list may be a file; a customer deleted after the plan makes its number invalid."""
    listed = tmp_path / "customers.txt"
    listed.write_text(f"{JANE}\nnobody.here@example.com\n", encoding="utf-8")
    blocked = planned(to="clean", emails=f"@{listed}")
    assert kind_of_end(blocked) == "Blocked"
    plan = artifact(f"plan-{number_in(blocked)}")
    assert "e-mail 2 of 2: no artwork has it, in any spelling." in plan
    assert "nobody.here" not in plan + message(blocked)

    number = number_in(planned(to="clean", emails=JANE))
    shop.sql.execute("DELETE FROM artworks WHERE customer_email = %s", (JANE,))
    refused = move_customers(plan=number, **APPROVED, return_state=True)
    assert kind_of_end(refused) == "Refused", message(refused)
    assert "a blocker has appeared" in message(refused)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"emails": JANE}, "which table is to serve"),
        ({"to": "clean"}, "give one of `emails` and `percent`"),
        ({"to": "clean", "emails": JANE, "percent": 5}, "give one of `emails` and `percent`"),
        ({"to": "clean", "emails": " ,; "}, "The list of e-mails is empty"),
        ({"to": "clean", "percent": 0}, "percent is no share"),
        ({"to": "clean", "percent": 100.5}, "percent is no share"),
        ({"to": "clean", "percent": 33.333}, "percent is no share"),
        ({"to": "legacy", "percent": float("nan")}, "percent is no share"),
        ({"to": "clean", "emails": "@/no/such/file"}, "There is no such file of e-mails"),
        ({"to": "clean", "emails": "@/dev/stdin"}, "There is no such file of e-mails"),
        ({"to": "clean", "emails": "a\u200bb@example.com"}, "a character that no e-mail has"),
        ({}, "No move was chosen"),
        ({"plan": "a0000000", **APPROVED}, "No move was chosen"),
    ],
)
def test_bad_input_is_refused(shop: Shop, given: dict[str, Any], said: str) -> None:
    """What cannot be a choice says what is wrong and how to fix it, names no address, and changes nothing."""
    refused = planned(**given)
    assert (kind_of_end(refused), exit_code(refused)) == ("Refused", 2)
    assert said in message(refused)
    assert "Nothing was changed. To fix: " in message(refused)
    assert JANE not in message(refused)
    assert 0 == shop.value("SELECT COUNT(*) FROM artwork_migration.customer_move")


@LONG
def test_the_gate_is_about_just_these_customers(shop: Shop) -> None:
    """A clean row that was damaged stops the move of its customer, with rule and verdict, and of nobody else."""
    migrate(shop)
    damaged = damage(shop)
    other = shop.value("SELECT customer_email FROM artworks_v2 WHERE customer_email <> %s LIMIT 1", JANE)
    assert kind_of_end(move(to="clean", emails=other)) == "Completed"
    red = move(to="clean", emails=JANE)
    assert (kind_of_end(red), exit_code(red)) == ("Red", 4), message(red)
    assert "moved_artworks_agree" in message(red)
    assert damaged in message(red)
    assert "No customer was moved." in message(red)
    assert read_status(shop.database).last_gates is None, "the gate of a move is none of the whole migration"
    assert {other.lower()} == {email.lower() for email in clean_customers(shop)}


@LONG
def test_what_stays_behind_is_a_warning_and_what_is_in_flight_comes_along(shop: Shop) -> None:
    """An artwork that failed is named by the gate and counted in the plan; one in generation is in the clean table after the move."""
    failed = add_legacy(shop, customer_email="failed@example.com", generation_status="failed")
    in_flight = add_legacy(shop, customer_email=JANE, generation_status="processing")
    made = planned(to="clean", emails=f"failed@example.com,{JANE}")
    plan = artifact(f"plan-{number_in(made)}")
    assert "| customers without a clean artwork | 2 |" in plan
    assert "| in flight and carried over | 1 |" in plan
    assert kind_of_end(move_customers(plan=number_in(made), **APPROVED, return_state=True)) == "Completed"
    assert [("warning", 1, [failed])] == shop.rows(
        "SELECT severity, bad, ids FROM artwork_migration.gate_result WHERE rule = 'moved_artworks_come_along'"
    )
    assert clean(shop, in_flight, "generation_status") == "processing"
    assert {"match"} == set(migrate(shop)) - {"excluded"}


@LONG
def test_the_way_back_is_open_when_the_clean_table_is_wrong(shop: Shop) -> None:
    """A damaged clean row is a warning for a customer who moves back, and no gate of others who move."""
    move(to="clean", emails=JANE)
    damage(shop)
    back = move(to="legacy", percent=100)
    assert kind_of_end(back) == "Completed", message(back)
    assert served_by(shop, JANE) == "legacy"
    assert [("warning", 1)] == shop.rows(
        "SELECT severity, bad FROM artwork_migration.gate_result WHERE rule = 'moved_back_artworks_agree' AND bad > 0"
    )
    assert kind_of_end(move(to="legacy", emails=JANE)) == "Completed", "also one who is there"


@LONG
def test_the_report_counts_moved_customers(shop: Shop) -> None:
    """The next comparison counts the customers whom the clean table serves, and their artworks."""
    move(to="clean", percent=100)
    assert kind_of_end(migrate_data(return_state=True)) == "Completed"
    found = {row.label: row.value for row in read_report(shop.database).statistic("customers_served")}
    artworks = shop.value("SELECT COUNT(*) FROM artworks WHERE BTRIM(customer_email) <> ''")
    assert {"customers": len({email.strip().lower() for email in customers(shop)}), "artworks": artworks} == found


def test_no_address_is_kept(shop: Shop) -> None:
    """Neither the tables of the migration, nor the plan, nor Prefect's record of the run have the address of a moved customer."""
    made = planned(to="clean", emails=JANE)
    assert kind_of_end(move_customers(plan=number_in(made), **APPROVED, return_state=True)) == "Completed"
    dump = [shop.server.binary("pg_dump"), "--data-only", "--schema=artwork_migration", "-d", shop.server.conninfo(shop.name)]
    kept = subprocess.run(dump, capture_output=True, text=True, check=True).stdout
    assert "customer_move_key" in kept
    assert run_of(made).parameters["emails"] == "(not kept)"
    for text in (kept, artifact(f"plan-{number_in(made)}"), artifact(f"plan-{number_in(made)}-sql"), message(made)):
        assert "jane" not in text.lower()


@LONG
def test_the_switch_ends_the_rollout_and_the_roll_back_too(shop: Shop) -> None:
    """After the switch the clean table serves everybody, after the roll back the legacy table, also those who were moved before."""
    move(to="clean", percent=50)
    switch(shop)
    assert {"clean"} == set(customers(shop).values())
    roll_back_now(shop)
    assert {"legacy"} == set(customers(shop).values())


@LONG
def test_moved_customers_block_the_uninstallation(shop: Shop) -> None:
    """Without the functions the application could not serve moved customers; the remedy works."""
    move(to="clean", percent=50)
    blocked = roll_back(to="NOT_STARTED", return_state=True)
    assert kind_of_end(blocked) == "Blocked"
    assert "the clean table serves a share of 50% of them, and 0 more by their e-mail." in artifact(f"plan-{number_in(blocked)}")
    move(to="legacy", percent=100)
    assert kind_of_end(roll_back(to="NOT_STARTED", return_state=True)) == "Planned"


def test_writes_of_moved_customers_are_in_both_tables(shop: Shop) -> None:
    """New code writes through to the legacy table at once; what old code writes comes with the next catch-up."""
    move(to="clean", emails=JANE)
    (artwork,) = shop.rows("SELECT id FROM artworks_v2 WHERE customer_email = %s", JANE)[0]
    shop.sql.execute('SELECT update_artwork_lifecycle(%s, \'{"upscale_status": "processing"}\')', (artwork,))
    assert "processing" == shop.value("SELECT upscale_status FROM artworks WHERE id = %s", artwork)
    shop.sql.execute("UPDATE artworks SET pet_name = 'Bella' WHERE id = %s", (artwork,))
    migrate(shop)
    assert "Bella" == clean(shop, UUID(str(artwork)), "pet_name")


def test_only_before_the_switch(operated_in: OperatedIn) -> None:
    """In another phase the verb is refused, with the phase and what to run."""
    shop = operated_in("DEPLOYED")
    refused = planned(to="clean", percent=5)
    assert kind_of_end(refused) == "Refused"
    assert "move-customers" in message(refused)
    assert "DEPLOYED" in message(refused)
    assert add_user(shop, "x@example.com")
