"""The switch and the way back from it as an operator runs them."""

import re

import pytest

from flows.decide import decide
from flows.migrate_data import migrate_data
from flows.roll_back import roll_back
from flows.switch_over import switch_over
from tasks.ends import exit_code, kind_of_end, message
from tests.artworks import add_clean
from tests.databases import Shop, execute_roll_back, execute_switch, switch
from tests.interleaving import holding
from tests.lifecycle.runs import APPROVED, artifact, number_in, phase
from tests.series import EXHAUSTIVE, LONG


@LONG
def test_there_and_back(migrated: Shop) -> None:
    """switch_over and roll_back end Completed, say which table serves, and leave the schema as it was."""
    before = migrated.schema_dump()
    planned = switch_over(return_state=True)
    assert "ALTER TABLE public.artworks RENAME TO artworks_old" in artifact(f"plan-{number_in(planned)}-sql")
    done = switch_over(plan=number_in(planned), **APPROVED, return_state=True)
    assert kind_of_end(done) == "Completed", done.message
    assert "The clean table serves as artworks" in message(done)
    assert re.search(r" It took 0\.\d+ s under the locks, 0\.\d+ s of it to acquire them; .*; slowest: ", done.message or "")
    assert "SWITCHED" in artifact("migration-status")
    assert "roll-back --to MIGRATED" in artifact("migration-status")

    back = roll_back(to="MIGRATED", plan=number_in(roll_back(to="MIGRATED", return_state=True)), **APPROVED, return_state=True)
    assert kind_of_end(back) == "Completed", back.message
    assert "The legacy table serves as artworks" in message(back)
    assert before == migrated.schema_dump()
    assert kind_of_end(migrate_data(return_state=True)) == "Completed"


@LONG
def test_a_verb_in_the_wrong_phase_is_refused(migrated: Shop) -> None:
    """roll_back to MIGRATED is refused before the switch; after it, roll_back to NOT_STARTED, migrate_data and a second switch are."""
    refused = roll_back(to="MIGRATED", return_state=True)
    assert (kind_of_end(refused), exit_code(refused)) == ("Refused", 1)
    assert "switch-over" in message(refused)
    switch_over(plan=number_in(switch_over(return_state=True)), **APPROVED, return_state=True)
    for state in (roll_back(to="NOT_STARTED", return_state=True), migrate_data(return_state=True), switch_over(return_state=True)):
        assert (kind_of_end(state), exit_code(state)) == ("Refused", 1)
        assert "roll-back --to MIGRATED" in message(state)
    assert phase(migrated) == "SWITCHED"


@EXHAUSTIVE
def test_an_outdated_number_is_refused(migrated: Shop) -> None:
    """A view that is created after the plan makes its number invalid."""
    number = number_in(switch_over(return_state=True))
    migrated.sql.execute("CREATE VIEW late AS SELECT id FROM artworks")
    refused = switch_over(plan=number, **APPROVED, return_state=True)
    assert (kind_of_end(refused), exit_code(refused)) == ("Refused", 1)
    assert "view public.late was created" in message(refused)
    assert phase(migrated) == "MIGRATED"


@LONG
def test_a_red_gate_stops_the_switch(migrated: Shop) -> None:
    """A clean row that differs stops the switch with its id, also if no trigger saw the change, and the legacy table goes on serving."""
    number = number_in(switch_over(return_state=True))
    with migrated.sql.transaction():
        migrated.sql.execute("SET LOCAL artwork_migration.apply = 'on'")
        first = "(SELECT MIN(id::text)::uuid FROM artworks_v2)"
        changed = migrated.value(f"UPDATE artworks_v2 SET pet_name = '?' WHERE id = {first} RETURNING id")
    before = migrated.schema_dump()
    red = switch_over(plan=number, **APPROVED, return_state=True)
    assert (kind_of_end(red), exit_code(red)) == ("Red", 4)
    assert f"differs (pet_name): 1 bad, ids {changed}" in message(red)
    assert (before, "MIGRATED") == (migrated.schema_dump(), phase(migrated))


@EXHAUSTIVE
def test_a_rejected_write_blocks_until_somebody_decides(migrated: Shop) -> None:
    """A rejected write blocks the switch by the artwork's id until a decision clears it."""
    artwork = add_clean(migrated)
    migrated.sql.execute("UPDATE artworks_v2 SET customer_name = NULL WHERE id = %s", (artwork,))
    blocked = switch_over(plan=number_in(switch_over(return_state=True)), **APPROVED, return_state=True)
    assert (kind_of_end(blocked), exit_code(blocked)) == ("Blocked", 1)
    assert str(artwork) in message(blocked)
    decide(name="clear_rejected_write", value=str(artwork), **APPROVED, return_state=True)
    done = switch_over(plan=number_in(switch_over(return_state=True)), **APPROVED, return_state=True)
    assert kind_of_end(done) == "Completed", done.message


@EXHAUSTIVE
def test_a_red_gate_after_the_switch_says_the_two_ways_on(migrated: Shop) -> None:
    """A red gate after the switch names rule, id and both next steps; after the fix, the next run does the steps left and reports."""
    execute_switch(migrated)
    migrated.sql.execute("SET artwork_migration.apply = 'on'")
    artwork, name = migrated.rows("SELECT id, pet_name FROM artworks ORDER BY id LIMIT 1")[0]
    migrated.sql.execute("UPDATE artworks SET pet_name = 'damaged' WHERE id = %s", (artwork,))
    red = switch_over(return_state=True)
    assert (kind_of_end(red), exit_code(red)) == ("Switched – check failed", 4)
    for told in (f"live_differs (pet_name): 1 bad, ids {artwork}", "clean table serves", "run `switch-over` again", "roll-back"):
        assert told in message(red)
    assert phase(migrated) == "SWITCHED"
    assert "**Next step:** `artwork-migration run switch-over`" in artifact("migration-status")
    migrated.sql.execute("UPDATE artworks SET pet_name = %s WHERE id = %s", (name, artwork))
    done = switch_over(return_state=True)
    assert kind_of_end(done) == "Completed", done.message
    assert "no check is red" in artifact("migration-report")


@LONG
def test_killed_after_the_commit_the_next_run_does_the_rest(migrated: Shop) -> None:
    """After a switch that was killed behind its commit, a run without a number does the steps that the ledger has open."""
    execute_switch(migrated)
    done = switch_over(return_state=True)
    assert kind_of_end(done) == "Completed", done.message
    assert migrated.value("SELECT convalidated FROM pg_constraint WHERE conname = 'orders_artwork_id_fkey'")
    assert kind_of_end(switch_over(return_state=True)) == "Refused"


@EXHAUSTIVE
def test_killed_after_the_commit_of_the_rollback_the_next_run_does_the_rest(migrated: Shop) -> None:
    """A rollback that was killed behind its commit blocks the next switch until a run without a number has done the steps left."""
    switch(migrated)
    execute_roll_back(migrated)
    blocked = switch_over(return_state=True)
    assert (kind_of_end(blocked), "Run `roll-back --to MIGRATED` again" in artifact(f"plan-{number_in(blocked)}")) == ("Blocked", True)
    done = roll_back(to="MIGRATED", return_state=True)
    assert kind_of_end(done) == "Completed", done.message
    assert migrated.value("SELECT convalidated FROM pg_constraint WHERE conname = 'orders_artwork_id_fkey'")
    assert kind_of_end(roll_back(to="MIGRATED", return_state=True)) == "Refused"
    assert "blockers" not in message(switch_over(return_state=True))


@EXHAUSTIVE
def test_locks_not_had_end_the_run_in_words_and_change_nothing(migrated: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the locks, switch and rollback change nothing and name the holder; the same number is valid afterwards."""
    for flow, target, before, after in (
        (switch_over, {}, "MIGRATED", "SWITCHED"),
        (roll_back, {"to": "MIGRATED"}, "SWITCHED", "MIGRATED"),
    ):
        number, schema = number_in(flow(**target, return_state=True)), migrated.schema_dump()
        with holding(migrated, "SELECT COUNT(*) FROM artworks") as session, monkeypatch.context() as impatient:
            impatient.setenv("ARTWORK_LOCK_WAIT_SECONDS", "0.3")
            refused = flow(**target, plan=number, **APPROVED, return_state=True)
        assert (kind_of_end(refused), exit_code(refused)) == ("Lock not obtained", 5)
        assert f"pid {session.info.backend_pid} (webshop, idle in transaction, open for" in message(refused)
        assert "with the same plan number" in message(refused)
        assert (before, schema) == (phase(migrated), migrated.schema_dump())
        done = flow(**target, plan=number, **APPROVED, return_state=True)
        assert (kind_of_end(done), phase(migrated)) == ("Completed", after), done.message
