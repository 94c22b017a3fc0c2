"""The gate `verification`: green on what the switch leaves, and each of its rules says no to the damage it is there for."""

import pytest

from expectations.suites import SUITES
from migration.checks import acceptance, verification
from migration.checks.gates import GateVerdict, RuleVerdict, require_verified
from migration.gate_errors import CheckFailed, VerificationFailed
from migration.ledger.phases import ROLL_BACK_TO_MIGRATED, VERIFY
from migration.lock_errors import LockNotObtained
from migration.sync import carry_back
from sample.build import Variant
from sql import SqlFile
from tasks.switching import fingerprint_kept
from tasks.validation import judge_suite
from tests.artworks import add_clean, add_order, add_user
from tests.conftest import MakeShop
from tests.databases import Shop, execute_switch, finish_switch, planned_roll_back, running
from tests.faults.rule_damage import CLEAN, UNGUARDED, run_by_hand
from tests.series import LONG, first

#: What anybody can set, and nobody should: no trigger of ours looks.
UNSEEN = "SET artwork_migration.apply = 'on';"
#: An artwork that nothing references and nothing distinguishes, on both sides.
ARTWORK = "(SELECT o.id FROM artworks AS a JOIN artworks_old AS o USING (id) WHERE o.upscale_status = 'pending' ORDER BY o.id LIMIT 1)"
#: What the capture on orders writes when one is placed for it.
LOGGED = f"INSERT INTO artwork_migration.legacy_change (ids) SELECT ARRAY[{ARTWORK}];"
#: A retired row that stayed behind.
EXCLUDED = "(SELECT o.id FROM artworks_old AS o WHERE o.original_image_url LIKE 'test-%' ORDER BY o.id LIMIT 1)"
#: The view verdict, but for some rows.
BLIND = """
    DO $$ BEGIN EXECUTE FORMAT(
    'CREATE OR REPLACE VIEW artwork_migration.verdict AS SELECT v.* FROM (%s) AS v WHERE v.reason <> %L',
    RTRIM(PG_GET_VIEWDEF('artwork_migration.verdict'::regclass), ';'), 'test_data'); END $$
"""
#: The damage, and all the rules that say no to it.
DAMAGE = {
    "a row is gone": (f"{UNSEEN} DELETE FROM artworks WHERE id = {ARTWORK}", ["live_missing"]),
    "a row has come": (
        f"{UNSEEN} INSERT INTO artworks (customer_email, access_token, pet_mom_image_url, pet_image_url)"
        " VALUES ('new@example.com', 'new', 'https://a', 'https://b')",
        ["live_extra"],
    ),
    "a value differs": (f"{UNSEEN} UPDATE artworks SET pet_name = 'damaged' WHERE id = {ARTWORK}", ["live_differs"]),
    "a value of an artwork that was ordered since differs": (
        f"{LOGGED} {UNSEEN} UPDATE artworks SET pet_name = 'damaged' WHERE id = {ARTWORK}",
        ["live_differs"],
    ),
    "an artwork that was logged since is gone": (f"{LOGGED} {UNSEEN} DELETE FROM artworks WHERE id = {ARTWORK}", ["live_missing"]),
    "an ordered artwork is gone": (
        f"{UNSEEN} SET session_replication_role = replica; DELETE FROM artworks WHERE id = (SELECT artwork_id FROM orders LIMIT 1)",
        ["live_missing", "references_lead_to_artworks"],
    ),
    "a write was refused": (
        f"INSERT INTO artwork_migration.rejected_write (id, operation, sql_state, object) SELECT {ARTWORK}, 'UPDATE', '23514', ''",
        ["live_refused"],
    ),
    "users that clients read": ("GRANT SELECT (email) ON users TO authenticated", ["live_users_closed"]),
    "another time of creation": (f"UPDATE artworks SET created_at = '2020-01-01' WHERE id = {ARTWORK}", ["identity_changed"]),
    "another id": (f"UPDATE artworks SET id = GEN_RANDOM_UUID() WHERE id = {ARTWORK}", ["identity_changed"]),
    "another token": (f"UPDATE artworks SET access_token = 'another' WHERE id = {ARTWORK}", ["email_or_token_changed"]),
    "a parked token": (
        f"UPDATE artworks SET access_token = 'parked:1' WHERE id = {ARTWORK}",
        ["email_or_token_changed", "live_token_is_not_parked"],
    ),
    "rows that nobody counts": (BLIND, ["live_sum"]),
    "a write to a retired row that stayed behind": (
        f"{UNSEEN} UPDATE artworks_old SET pet_name = 'damaged' WHERE id = {EXCLUDED}",
        ["retired_untouched"],
    ),
    "a write to a retired row": (
        f"{UNSEEN} UPDATE artworks_old SET pet_name = 'damaged' WHERE id = {ARTWORK}",
        ["live_differs", "retired_untouched"],
    ),
    "no index for a query": ("DROP INDEX artworks_user_id_idx", ["live_constraints_in_place", "queries_on_index"]),
    "nobody can create an artwork": (
        "ALTER TABLE artworks ADD CONSTRAINT nobody CHECK (customer_name <> 'Acceptance') NOT VALID",
        ["acceptance_test"],
    ),
    "orders that a trigger keeps as they are": (
        "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'orders stay as they are'; END$$;"
        "CREATE TRIGGER keep BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION keep()",
        ["references_tried"],
    ),
    "orders that a check keeps as they are": (
        "ALTER TABLE orders ADD CONSTRAINT keep CHECK (artwork_id IS NULL) NOT VALID",
        ["references_tried"],
    ),
    "orders whose trigger reads a column that is gone": (
        "CREATE FUNCTION reads() RETURNS trigger LANGUAGE plpgsql AS"
        " $$BEGIN PERFORM a.mockup_urls FROM artworks AS a WHERE a.id = NEW.artwork_id; RETURN NEW; END$$;"
        "CREATE TRIGGER reads BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION reads()",
        ["acceptance_test"],
    ),
    "what the retired table cannot take": (
        f"ALTER TABLE artworks ALTER customer_name DROP NOT NULL; UPDATE artworks SET customer_name = NULL WHERE id = {ARTWORK}",
        ["roll_back_open"],
    ),
    "the capture is off": ("ALTER TABLE artworks DISABLE TRIGGER artwork_migration_update", ["capture_in_place"]),
    "the guard is gone": ("DROP TRIGGER artwork_migration_guard ON artworks_old", ["capture_in_place"]),
    "no key to users": ("ALTER TABLE artworks DROP CONSTRAINT artworks_user_id_fkey", ["live_constraints_in_place"]),
    "a key that is none": (
        "ALTER TABLE artworks DROP CONSTRAINT artworks_access_token_key;CREATE INDEX artworks_access_token_key ON artworks (access_token)",
        ["live_constraints_in_place"],
    ),
}
#: What the sample's rows are rightly told of.
OF_THE_SAMPLE = {"live_mom_picture_is_url", "live_pet_picture_is_url", "live_uploads_are_there"}


@pytest.fixture
def switched(make_shop: MakeShop) -> Shop:
    """The production-like sample with the clean table serving."""
    return make_shop(phase="SWITCHED")


def verified(shop: Shop) -> GateVerdict:
    """The verdict of the gate in a new run."""
    with running(shop, VERIFY) as run:
        run.begin()
        return judge_suite(run, SUITES["verification"])


def says_no(verdict: GateVerdict) -> dict[str, RuleVerdict]:
    """The rules that say no, but for what the sample's rows are told of; every rule was judged."""
    assert "" == verdict.broken
    return {rule.rule: rule for rule in verdict.rules if not rule.green and rule.rule not in OF_THE_SAMPLE}


def test_what_the_switch_leaves_is_green(make_shop: MakeShop) -> None:
    """The gate after the switch is green, also in the smallest variant, which has no owner and no upscaling."""
    verdict = verified(make_shop(Variant.MINIMAL, phase="SWITCHED"))
    require_verified(verdict, VerificationFailed)
    assert [] == verdict.red_names
    assert len(SUITES["verification"].rules) == len(verdict.rules)


def test_a_rule_file_only_reads(switched: Shop) -> None:
    """A DBA can run each rule file of the gate while the clean table serves; it writes nothing."""
    run_by_hand(switched, "verification")


@first(1)
@pytest.mark.parametrize("damage", DAMAGE)
def test_a_rule_is_red(switched: Shop, damage: str) -> None:
    """Each damage turns exactly its own rules red."""
    statement, rules = DAMAGE[damage]
    switched.sql.execute(statement)
    assert rules == sorted(says_no(verified(switched)))


def test_each_measured_rule_is_red_for_one_of_these() -> None:
    """Each measured rule is red for one of the damages above; the one left has a test of its own."""
    told = {rule for _, rules in DAMAGE.values() for rule in rules}
    assert {"roll_back_not_begun"} == {rule.expectation_type for rule in SUITES["verification"].measured} - told


def test_the_rules_on_columns_are_red(switched: Shop) -> None:
    """Each rule on a column finds its damaged row in the serving table."""
    switched.sql.execute("DELETE FROM artworks")
    for statement in UNGUARDED["clean_artworks"]:
        switched.sql.execute(statement.replace("artworks_v2_pkey", "artworks_v2_pkey CASCADE").replace("artworks_v2", "artworks"))
    measured = {rule.expectation_type for rule in SUITES["clean_artworks"].measured}
    wanted = {f"live_{rule.removeprefix('clean_')}": columns for rule, columns in CLEAN if rule not in measured}
    sound = {"generated_image_url": "https://images.example/1.jpg"}
    damaged = {rule: str(add_clean(switched, **{**sound, **columns})) for rule, columns in wanted.items()}
    told = {rule.rule: rule.ids for rule in verified(switched).rules}
    assert damaged == {rule: artwork for rule, artwork in damaged.items() if artwork in told[rule]}


@LONG
def test_what_changes_rightly_is_no_finding(switched: Shop) -> None:
    """New, changed and deleted artworks, users and orders are counted and are no finding."""
    deleted, renamed = (user for (user,) in switched.rows("SELECT DISTINCT user_id FROM artworks WHERE user_id IS NOT NULL LIMIT 2"))
    ordered = switched.value(f"SELECT {ARTWORK}")
    switched.sql.execute("DELETE FROM users WHERE id = %s", [deleted])
    switched.sql.execute("UPDATE users SET email = 'renamed@example.com' WHERE id = %s", [renamed])
    add_user(switched, "somebody@example.com")
    add_order(switched, ordered)
    add_order(switched, add_clean(switched, generated_image_url="https://images.example/1.jpg"))
    switched.sql.execute("DELETE FROM orders WHERE id IN (SELECT id FROM orders ORDER BY id LIMIT 20)")
    switched.sql.execute("UPDATE artworks SET pet_name = 'Rex' WHERE id IN (SELECT id FROM artworks ORDER BY id LIMIT 5)")
    switched.sql.execute("DELETE FROM artworks WHERE id = (SELECT id FROM artworks ORDER BY id DESC LIMIT 1)")
    assert {} == says_no(verified(switched))
    counted = dict(
        switched.rows(
            "SELECT verdict, SUM(row_count) FROM artwork_migration.reconciliation"
            " WHERE run = (SELECT MAX(run) FROM artwork_migration.reconciliation) GROUP BY verdict"
        )
    )
    assert (1, 1) == (counted["born_since"], counted["deleted_since"])
    assert counted["changed_since"] >= 5


@LONG
def test_a_rollback_that_was_killed(switched: Shop) -> None:
    """After a rollback that was killed the fingerprint is not damage but a warning."""
    switched.sql.execute(f"UPDATE artworks SET pet_name = 'Rex' WHERE id = {ARTWORK}")
    with running(switched, ROLL_BACK_TO_MIGRATED) as run:
        run.begin()
        assert 1 == carry_back.carry_back(run, planned_roll_back(switched)).carried
    told = says_no(verified(switched))
    assert {"roll_back_not_begun": "warning"} == {name: rule.severity for name, rule in told.items()}


@LONG
def test_a_rollback_that_ended_without_the_lock(switched: Shop) -> None:
    """A rollback that ended without the lock takes a new fingerprint, which finds a later write."""
    switched.sql.execute(f"UPDATE artworks SET pet_name = 'Rex' WHERE id = {ARTWORK}")
    with running(switched, ROLL_BACK_TO_MIGRATED) as run, pytest.raises(LockNotObtained), fingerprint_kept(run):
        run.begin()
        assert 1 == carry_back.carry_back(run, planned_roll_back(switched)).carried
        raise LockNotObtained("roll-back", 1, [])
    assert {} == says_no(verified(switched))
    switched.sql.execute(DAMAGE["a write to a retired row that stayed behind"][0])
    assert ["retired_untouched"] == list(says_no(verified(switched)))


@LONG
def test_a_rollback_that_ended_makes_no_damage_good(switched: Shop) -> None:
    """A rollback that ended without the lock takes no new fingerprint of a table that was damaged before."""
    switched.sql.execute(DAMAGE["a write to a retired row that stayed behind"][0])
    with running(switched, ROLL_BACK_TO_MIGRATED) as run, pytest.raises(LockNotObtained), fingerprint_kept(run):
        run.begin()
        raise LockNotObtained("roll-back", 1, [])
    assert ["retired_untouched"] == list(says_no(verified(switched)))
    fingerprints = "SELECT COUNT(*) FROM artwork_migration.step WHERE name LIKE 'fingerprint%%'"
    before = switched.value(fingerprints)
    switched.sql.execute(f"RESET artwork_migration.apply; UPDATE artworks SET pet_name = 'Rex' WHERE id = {ARTWORK}")
    with running(switched, ROLL_BACK_TO_MIGRATED) as run, pytest.raises(LockNotObtained), fingerprint_kept(run):
        run.begin()
        assert 1 == carry_back.carry_back(run, planned_roll_back(switched)).carried
        raise LockNotObtained("roll-back", 1, [])
    assert before == switched.value(fingerprints)


@LONG
def test_a_write_during_a_rollback_that_carried_nothing_is_reported(switched: Shop) -> None:
    """A write to the retired table during a rollback that carried nothing back is found."""
    with running(switched, ROLL_BACK_TO_MIGRATED) as run, pytest.raises(LockNotObtained), fingerprint_kept(run):
        run.begin()
        switched.sql.execute(DAMAGE["a write to a retired row that stayed behind"][0])
        raise LockNotObtained("roll-back", 1, [])
    assert ["retired_untouched"] == list(says_no(verified(switched)))


def test_no_value_leaves_the_database(switched: Shop, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    """No value of a row is in what the gate after the switch keeps, says or logs."""
    for damage in ("another token", "a value differs", "what the retired table cannot take", "nobody can create an artwork"):
        switched.sql.execute(DAMAGE[damage][0])
    with caplog.at_level("DEBUG"):
        verdict = verified(switched)
    with pytest.raises(CheckFailed) as caught:
        require_verified(verdict, CheckFailed)
    kept = switched.rows("SELECT g::text FROM artwork_migration.gate_result AS g UNION SELECT f::text FROM artwork_migration.finding AS f")
    told = "".join([*(row for (row,) in kept), str(verdict), str(caught.value), caplog.text, *capfd.readouterr()])
    values = switched.rows("SELECT customer_email, access_token FROM artworks UNION SELECT customer_email, access_token FROM artworks_old")
    assert [] == [value for row in values for value in row if value and value.strip() and value != "another" and value in told]


@LONG
def test_without_a_fingerprint_it_is_red_and_not_judged(migrated: Shop) -> None:
    """Without a fingerprint, after a killed switch, the gate is not judged and says what to run; after that run it is green."""
    execute_switch(migrated)
    verdict = verified(migrated)
    assert {"retired_untouched", "roll_back_not_begun"} <= set(verdict.red_names)
    assert (
        "retired_untouched, roll_back_not_begun could not be checked: no fingerprint was taken, run `switch-over` again" in verdict.broken
    )
    assert [(0, 0)] == [(rule.checked, rule.bad) for rule in verdict.rules if rule.rule == "retired_untouched"]
    finish_switch(migrated)
    assert {} == says_no(verified(migrated))


def test_a_check_that_fails_breaks_the_gate(switched: Shop) -> None:
    """A comparison that fails breaks the gate with its rules and the SQLSTATE, and the other rules are judged."""
    switched.sql.execute("ALTER TABLE artwork_migration.clean_key_change RENAME TO elsewhere")
    verdict = verified(switched)
    assert [*verification.COMPARED, "live_sum", "roll_back_open"] == verdict.red_names
    assert "failed with SQLSTATE 42P01" in verdict.broken
    with pytest.raises(CheckFailed, match=r"(?s)could not be judged.*`roll-back --to MIGRATED`"):
        require_verified(verdict, CheckFailed)


def test_a_query_out_of_its_time_is_reported(switched: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A query that exceeds its time is named and cancelled."""
    monkeypatch.setattr(acceptance, "QUERY_BUDGET_MS", 50)
    with running(switched) as run:
        assert ["sleepy: longer than 50 ms"] == acceptance.slow_queries(
            run, [SqlFile("verify/queries/09_sleepy", {}, "SELECT PG_SLEEP(60)")]
        )


def test_nothing_is_left_behind(switched: Shop) -> None:
    """The gate after the switch changes no row, log or rejection, and leaves no lock."""
    switched.sql.execute(f"UPDATE artworks SET pet_name = 'Rex' WHERE id = {ARTWORK}")
    question = (
        "SELECT (SELECT COUNT(*) FROM artworks), (SELECT COUNT(*) FROM artworks_old WHERE pet_name = 'Rex'),"
        " (SELECT ARRAY_AGG(carried_back) FROM artwork_migration.clean_change), (SELECT COUNT(*) FROM artwork_migration.clean_modified)"
    )
    before = switched.rows(question)
    verified(switched)
    assert before == switched.rows(question)
    assert 0 == switched.value("SELECT COUNT(*) FROM pg_locks WHERE relation = 'public.artworks'::regclass")
