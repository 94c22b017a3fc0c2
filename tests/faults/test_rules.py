"""Each rule finds the damage that it is for and names the row, and no other rule of its suite reports it instead."""

import re
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from expectations.suites import SUITES
from migration.checks.gates import GateVerdict, RuleVerdict
from migration.sync import reconcile
from sample.build import Variant
from tasks.validation import judge_suite
from tests.artworks import add_clean, add_legacy, add_order, add_user, empty_log
from tests.conftest import MakeShop
from tests.databases import Shop, decide, migrate, running
from tests.faults.rule_damage import CLEAN, LEGACY, SOUND, UNGUARDED, run_by_hand
from tests.series import LONG, first

#: The modules of our rules.
OURS = {f"expectations.{suite}" for suite in SUITES}
SAME_TOKEN = {"access_token": "the same"}


@pytest.fixture
def older(make_shop: MakeShop) -> Shop:
    """An older copy, whose table takes nearly anything, with the clean schema beside it and nothing in it but what a test adds."""
    shop = make_shop(Variant.OLDER, phase="DEPLOYED")
    shop.sql.execute("DELETE FROM artworks")
    decide(shop, "max_left_behind", "9")  # else each artwork that stays behind is found by finished_are_migrated too
    return shop


@pytest.fixture
def unguarded(deployed: Shop) -> Shop:
    """A clean table, empty but for what a test adds, that takes anything."""
    unguard(deployed, "clean_artworks")
    return deployed


def unguard(shop: Shop, suite: str) -> None:
    for statement in UNGUARDED[suite]:
        shop.sql.execute(statement)


def judged(shop: Shop, suite: str) -> dict[str, RuleVerdict]:
    """The rules of a suite that are not green."""
    with running(shop) as run:
        run.begin()
        verdict = judge_suite(run, SUITES[suite])
    assert "" == verdict.broken
    return {rule.rule: rule for rule in verdict.rules if not rule.green}


def found(shop: Shop, rule: str) -> list[tuple[UUID, list[str]]]:
    """The ids that a rule has found, with what they are about."""
    return shop.rows("SELECT id, about FROM artwork_migration.finding WHERE rule = %s ORDER BY id", rule)


@pytest.mark.parametrize("suite", ["legacy_artworks", "users", "clean_artworks"])
def test_a_rule_file_only_reads(migrated: Shop, suite: str) -> None:
    """A DBA can run each rule file as it is: it shows what is bad, then how much was checked, and writes nothing."""
    run_by_hand(migrated, suite)


def test_the_rules_on_legacy_columns_are_red(older: Shop) -> None:
    """Each rule on a legacy column finds its own damaged row, and no other rule finds it."""
    add_legacy(older, **SOUND)
    damaged = {rule: add_legacy(older, **{**SOUND, **columns}) for rule, columns in LEGACY}
    red = judged(older, "legacy_artworks")
    assert {rule: (1, (str(row),)) for rule, row in damaged.items()} == {rule: (one.bad, one.ids) for rule, one in red.items()}
    for rule, columns in LEGACY:
        assert [(damaged[rule], list(columns)[:1])] == found(older, rule)


def test_the_rules_on_clean_columns_are_red(unguarded: Shop) -> None:
    """Each rule on a clean column finds its own damaged row, and no other rule on a column finds it."""
    user = add_user(unguarded, "ada@example.com")
    sound = {"user_id": user, "generated_image_url": "https://images.example/1.jpg"}
    add_clean(unguarded, **sound)
    damaged = {rule: add_clean(unguarded, **{**sound, **columns}) for rule, columns in CLEAN}
    red = judged(unguarded, "clean_artworks")
    red.pop("constraints_in_place")
    assert {rule: (1, (str(row),)) for rule, row in damaged.items()} == {rule: (one.bad, one.ids) for rule, one in red.items()}
    for rule, row in damaged.items():
        assert [row] == [identifier for identifier, _ in found(unguarded, rule)]


def test_an_id_that_is_missing_or_there_twice(older: Shop) -> None:
    """A legacy row without an id is counted although it has no id to name, and both rows of one id are."""
    unguard(older, "legacy_artworks")
    add_legacy(older, **SOUND)
    add_legacy(older, **{**SOUND, "access_token": "other"}, id=(twice := uuid4()))
    add_legacy(older, **SOUND, id=twice)
    older.sql.execute("INSERT INTO artworks (original_image_url, generation_status) VALUES ('https://a', 'failed')")
    older.sql.execute("UPDATE artworks SET id = NULL, token_expires_at = '2030-01-01' WHERE generation_status = 'failed'")
    red = judged(older, "legacy_artworks")
    assert {"legacy_id_is_there": (1, ()), "legacy_id_is_unique": (2, (str(twice),))} == {
        rule: (verdict.bad, verdict.ids) for rule, verdict in red.items()
    }


@LONG
def test_a_clean_id_or_token_that_is_missing_or_there_twice(unguarded: Shop) -> None:
    """A clean id or token that two rows have is found, and so is a missing id."""
    sound = {"user_id": add_user(unguarded, "ada@example.com"), "generated_image_url": "https://images.example/1.jpg"}
    ids = [add_clean(unguarded, **sound, **SAME_TOKEN) for _ in range(2)]
    add_clean(unguarded, **sound, id=(twice := uuid4()))
    add_clean(unguarded, **sound, id=twice)
    red = judged(unguarded, "clean_artworks")
    assert tuple(sorted(map(str, ids))) == red["clean_token_is_unique"].ids
    assert (str(twice),) == red["clean_id_is_unique"].ids
    unguarded.sql.execute("UPDATE artworks_v2 SET id = NULL WHERE id = %s", [twice])
    assert 2 == judged(unguarded, "clean_artworks")["clean_id_is_there"].bad


def test_an_empty_legacy_table(older: Shop) -> None:
    """An empty legacy table is red, and the rules about its rows could not be judged, for one reason."""
    with running(older) as run:
        run.begin()
        verdict = judge_suite(run, SUITES["legacy_artworks"])
    assert ["legacy_has_rows"] == [rule.rule for rule in verdict.red]
    assert "14 rules checked nothing: public.artworks and public.artworks_v2 is empty" == verdict.broken


def test_a_referenced_artwork_that_cannot_be_migrated(older: Shop) -> None:
    """A referenced artwork that would stay behind is red, with the reason; one that can be migrated is not."""
    add_order(older, add_legacy(older, **SOUND))
    test_data = add_legacy(older, **SOUND, original_image_url="test-pending")
    no_email = add_legacy(older, **SOUND, customer_email=" ")
    no_token = add_legacy(older, **SOUND, access_token=None)
    for artwork in (test_data, no_email, no_token):
        add_order(older, artwork)
    red = judged(older, "legacy_artworks")
    assert ["referenced_can_migrate"] == list(red)
    expected = sorted([(test_data, ["test_data"]), (no_email, ["no_email"]), (no_token, ["no_access_token"])])
    assert expected == found(older, "referenced_can_migrate")
    assert ("no_access_token", "no_email", "test_data") == red["referenced_can_migrate"].about


def test_spellings_of_an_e_mail(older: Shop) -> None:
    """An e-mail with capitals or blanks is found, also if only its user has them; a missing e-mail is not."""
    capitals = add_legacy(older, **SOUND, customer_email="Ada@Example.com")
    add_legacy(older, **SOUND, customer_email="ada@example.com")
    blank = add_legacy(older, **SOUND, customer_email="bob@example.com ")
    add_user(older, "bob@example.com")
    user_s = add_legacy(older, **SOUND, customer_email="carol@example.com")
    add_user(older, "Carol@example.com")
    for email in (None, " "):
        add_legacy(older, **SOUND, customer_email=email)
    red = judged(older, "legacy_artworks")
    assert ["email_spellings"] == list(red)
    assert sorted([capitals, blank, user_s]) == [identifier for identifier, _ in found(older, "email_spellings")]


def test_an_owner_that_is_not_the_user_of_the_e_mail(older: Shop) -> None:
    """An owner who is not the user of the e-mail is found, also if the e-mail has no user yet, but not for rows that stay behind."""
    ada, bob = add_user(older, "ada@example.com"), add_user(older, "bob@example.com")
    add_legacy(older, **SOUND, customer_email="ada@example.com", user_id=ada)
    other = add_legacy(older, **SOUND, customer_email="ada@example.com", user_id=bob)
    nobody = add_legacy(older, **SOUND, customer_email="new@example.com", user_id=bob)
    add_legacy(older, **SOUND, customer_email="new@example.com", user_id=bob, generation_status="failed")
    red = judged(older, "legacy_artworks")
    assert ["owner_differs"] == list(red)
    assert sorted([other, nobody]) == [identifier for identifier, _ in found(older, "owner_differs")]


def test_a_token_that_several_have(older: Shop) -> None:
    """Each artwork of a shared token is named; an artwork that stays behind anyway does not count."""
    shared = [add_legacy(older, **SOUND, **SAME_TOKEN) for _ in range(3)]
    for status in ("completed", "failed"):
        add_legacy(older, **SOUND, **{"access_token": "half"}, generation_status=status)
    red = judged(older, "legacy_artworks")
    assert ["token_duplicates"] == list(red)
    assert sorted(shared) == [identifier for identifier, _ in found(older, "token_duplicates")]


@pytest.mark.parametrize(
    ("rule", "damage"),
    [
        ("user_email_is_there", "UPDATE users SET email = NULL WHERE id = %s"),
        ("user_email_is_unique", "INSERT INTO users (email) SELECT email FROM users WHERE id = %s"),
        ("created_are_anonymous", "UPDATE users SET is_anonymous = FALSE WHERE id = %s"),
        ("created_have_email", "UPDATE users SET email = E' \\t' WHERE id = %s"),
    ],
)
def test_a_rule_on_users_is_red(migrated: Shop, rule: str, damage: str) -> None:
    """A rule on users finds the damage to a user that the migration created and nobody has claimed."""
    unguard(migrated, "users")
    user = migrated.value("SELECT id FROM artwork_migration.created_user ORDER BY id LIMIT 1")
    migrated.sql.execute("ALTER TABLE users DISABLE TRIGGER ALL")
    migrated.sql.execute(damage, [user])
    red = judged(migrated, "users")
    assert rule in red
    assert str(user) in red[rule].ids
    assert user in [identifier for identifier, _ in found(migrated, rule)]


@LONG
@pytest.mark.parametrize(("suite", "rule"), [("legacy_artworks", "users_closed"), ("users", "users_still_closed")])
def test_users_that_clients_read(migrated: Shop, suite: str, rule: str) -> None:
    """A privilege on users that somebody has granted since the plan is red, and named."""
    assert rule not in judged(migrated, suite)
    migrated.sql.execute("GRANT SELECT (email) ON users TO authenticated")
    assert ("authenticated SELECT",) == judged(migrated, suite)[rule].about


def test_each_rule_has_a_damage() -> None:
    """A test of this folder names each rule, or the rule that it repeats for another table, so each can be red."""
    damages = "\n".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("*.py"))
    for suite in SUITES.values():
        for rule in suite.rules:
            names = [base.expectation_type for base in rule.__mro__ if "expectation_type" in vars(base) and base.__module__ in OURS]
            assert any(re.search(rf"\b{name}\b", damages) for name in names), rule.expectation_type


@LONG
def test_a_clean_artwork_without_a_user(migrated: Shop) -> None:
    """A clean artwork without a user is red, except while its id is in the log or its write is rejected."""
    artwork = migrated.value("SELECT id FROM artworks_v2 ORDER BY id LIMIT 1")
    empty_log(migrated)
    migrated.sql.execute("ALTER TABLE artworks_v2 DISABLE TRIGGER ALL")
    migrated.sql.execute("UPDATE artworks_v2 SET user_id = NULL WHERE id = %s", [artwork])
    assert (str(artwork),) == judged(migrated, "clean_artworks")["has_user"].ids
    migrated.sql.execute("INSERT INTO artwork_migration.legacy_change (ids) VALUES (%s)", [[artwork]])
    assert "has_user" not in judged(migrated, "clean_artworks")
    empty_log(migrated)
    migrated.sql.execute(
        "INSERT INTO artwork_migration.rejected_write (id, operation, sql_state, object) VALUES (%s, 'UPDATE', '23514', '')", [artwork]
    )
    assert "has_user" not in judged(migrated, "clean_artworks")


def test_the_artworks_of_customers_who_move(migrated: Shop) -> None:
    """Of those who move to the clean table an artwork that differs is red, unless it is in transit; of those who move back a warning."""
    artwork = migrated.value("SELECT id FROM artworks_v2 ORDER BY id LIMIT 1")
    failed = add_legacy(migrated, generation_status="failed")
    other = migrated.value("SELECT id FROM artworks_v2 ORDER BY id DESC LIMIT 1")
    moving = "INSERT INTO artwork_migration.moving_artwork SELECT %s, FALSE, '', 'clean', %s, FALSE"
    migrated.sql.execute("ALTER TABLE artworks_v2 DISABLE TRIGGER ALL")
    migrated.sql.execute("UPDATE artworks_v2 SET pet_name = 'Max' WHERE id = ANY(%s)", [[artwork, other]])
    assert {} == judged(migrated, "moved_customers")
    for row, moves in ((artwork, True), (failed, True), (other, False)):
        migrated.sql.execute(moving, [row, moves])
    verdicts = judged(migrated, "moved_customers")
    assert {"moved_artworks_agree": True, "moved_artworks_come_along": False} == {rule: one.red for rule, one in verdicts.items()}
    assert [(artwork, ["differs", "pet_name"])] == found(migrated, "moved_artworks_agree")
    assert [(failed, ["not_completed"])] == found(migrated, "moved_artworks_come_along")
    migrated.sql.execute("UPDATE artwork_migration.moving_artwork SET moved_to = 'legacy'")
    verdicts = judged(migrated, "moved_customers")
    assert {"moved_back_artworks_agree": False} == {rule: one.red for rule, one in verdicts.items()}
    migrated.sql.execute("INSERT INTO artwork_migration.legacy_change (ids) VALUES (%s)", [[artwork]])
    assert {} == judged(migrated, "moved_customers")


@LONG
def test_a_parked_token(migrated: Shop) -> None:
    """A token that is parked is red, except while the id is in the log: its holder may free it a batch later."""
    artwork = migrated.value("SELECT id FROM artworks_v2 ORDER BY id LIMIT 1")
    empty_log(migrated)
    migrated.sql.execute("ALTER TABLE artworks_v2 DISABLE TRIGGER ALL")
    migrated.sql.execute("UPDATE artworks_v2 SET access_token = 'parked:' || id WHERE id = %s", [artwork])
    assert (str(artwork),) == judged(migrated, "clean_artworks")["clean_token_is_not_parked"].ids
    migrated.sql.execute("INSERT INTO artwork_migration.legacy_change (ids) VALUES (%s)", [[artwork]])
    assert "clean_token_is_not_parked" not in judged(migrated, "clean_artworks")


@LONG
def test_a_clean_artwork_of_another_user_than_its_e_mail_s(migrated: Shop) -> None:
    """A wrong owner is red if the legacy row names none, except in transit, rejected, or modified on the clean side."""
    artwork = migrated.value(
        "SELECT c.id FROM artworks_v2 AS c INNER JOIN artworks AS a ON c.id = a.id WHERE a.user_id IS NULL ORDER BY c.id LIMIT 1"
    )
    stranger = add_user(migrated, "stranger@example.com")
    empty_log(migrated)
    migrated.sql.execute("ALTER TABLE artworks_v2 DISABLE TRIGGER ALL")
    migrated.sql.execute("UPDATE artworks_v2 SET user_id = %s WHERE id = %s", [stranger, artwork])
    assert (str(artwork),) == judged(migrated, "clean_artworks")["owner_has_email"].ids
    for table, excuse in {
        "legacy_change": "(ids) VALUES (ARRAY[%s]::uuid[])",
        "rejected_write": "(id, operation, sql_state, object) VALUES (%s, 'UPDATE', '23514', '')",
        "clean_modified": "(id) VALUES (%s)",
    }.items():
        migrated.sql.execute(f"INSERT INTO artwork_migration.{table} {excuse}", [artwork])
        assert "owner_has_email" not in judged(migrated, "clean_artworks")
        migrated.sql.execute(f"DELETE FROM artwork_migration.{table}")
    migrated.sql.execute("ALTER TABLE artworks DISABLE TRIGGER ALL")
    migrated.sql.execute("UPDATE artworks SET user_id = %s WHERE id = %s", [stranger, artwork])
    assert "owner_has_email" not in judged(migrated, "clean_artworks")


@LONG
def test_exposure_that_nobody_has_accepted(migrated: Shop) -> None:
    """An artwork that gained a registered owner is red without the decision, and one whose owner changed is red even with it."""
    assert "exposure_accepted" not in judged(migrated, "clean_artworks")
    decide(migrated, "accept_exposure", "none")
    registered = migrated.rows(
        "SELECT c.id FROM artworks_v2 AS c JOIN artworks AS a ON a.id = c.id JOIN users AS u ON u.id = c.user_id"
        " WHERE a.user_id IS NULL AND NOT u.is_anonymous ORDER BY c.id"
    )
    red = judged(migrated, "clean_artworks")["exposure_accepted"]
    assert ("critical", ("user_gained",)) == (red.severity, red.about)
    assert [(artwork, ["user_gained"]) for (artwork,) in registered] == found(migrated, "exposure_accepted")

    anonymous = migrated.value("SELECT MIN(user_id::text)::uuid FROM artworks_v2 JOIN users AS u ON u.id = user_id WHERE u.is_anonymous")
    migrated.sql.execute("UPDATE users SET is_anonymous = FALSE WHERE id = %s", [anonymous])
    empty_log(migrated)
    theirs = {artwork for (artwork,) in migrated.rows("SELECT id FROM artworks_v2 WHERE user_id = %s", anonymous)}
    judged(migrated, "clean_artworks")
    assert theirs == {artwork for artwork, _ in found(migrated, "exposure_accepted")} - {artwork for (artwork,) in registered}

    decide(migrated, "accept_exposure", "user_gained")
    assert "exposure_accepted" not in judged(migrated, "clean_artworks")
    owned = migrated.value(
        "SELECT c.id FROM artworks_v2 AS c JOIN artworks AS a USING (id) WHERE a.user_id IS NOT NULL ORDER BY id LIMIT 1"
    )
    migrated.sql.execute("ALTER TABLE artworks_v2 DISABLE TRIGGER ALL")
    migrated.sql.execute("UPDATE artworks_v2 SET user_id = %s WHERE id = %s", [anonymous, owned])
    red = judged(migrated, "clean_artworks")["exposure_accepted"]
    assert ((str(owned),), ("user_changed",)) == (red.ids, red.about)
    migrated.sql.execute("INSERT INTO artwork_migration.clean_modified (id) VALUES (%s)", [owned])
    assert "exposure_accepted" not in judged(migrated, "clean_artworks")


def test_a_time_that_only_postgres_has(deployed: Shop) -> None:
    """A time that Python cannot represent is migrated, and its rule reports it instead of breaking the gate."""
    artwork = add_legacy(deployed, updated_at="-infinity")
    migrate(deployed)
    verdict = judged(deployed, "clean_artworks")["updated_after_created"]
    assert "warning" == verdict.severity
    assert str(artwork) in verdict.ids


@first(1)
@pytest.mark.parametrize(
    ("damage", "missing"),
    [
        ("ALTER TABLE artworks_v2 DROP CONSTRAINT artworks_v2_user_id_fkey", "artworks_v2_user_id_fkey"),
        (
            "ALTER TABLE artworks_v2 DROP CONSTRAINT artworks_v2_user_id_fkey, ADD CONSTRAINT artworks_v2_user_id_fkey"
            " FOREIGN KEY (user_id) REFERENCES users (id) NOT VALID",
            "artworks_v2_user_id_fkey",
        ),
        ("ALTER TABLE artworks_v2 DROP CONSTRAINT artworks_v2_access_token_key", "artworks_v2_access_token_key"),
        (
            "ALTER TABLE artworks_v2 DROP CONSTRAINT artworks_v2_access_token_key;"
            "CREATE INDEX artworks_v2_access_token_key ON artworks_v2 (access_token)",
            "artworks_v2_access_token_key",
        ),
        ("DROP INDEX artworks_v2_user_id_idx", "artworks_v2_user_id_idx"),
        ("DROP INDEX artworks_v2_customer_email_created_at_idx", "artworks_v2_customer_email_created_at_idx"),
        ("DROP INDEX artworks_v2_generation_waiting_idx", "artworks_v2_generation_waiting_idx"),
        ("DROP INDEX artworks_v2_upscale_waiting_idx", "artworks_v2_upscale_waiting_idx"),
        ("DROP INDEX artworks_v2_generation_recent_idx", "artworks_v2_generation_recent_idx"),
        (
            "CREATE INDEX somebodys ON artworks_v2 (pet_name);"
            "UPDATE pg_index SET indisvalid = FALSE WHERE indexrelid = 'somebodys'::regclass",
            "somebodys",
        ),
    ],
    ids=[
        "no users key",
        "key not valid",
        "not unique",
        "unique in name only",
        "user",
        "e-mail",
        "work",
        "upscaling",
        "recent",
        "not valid",
    ],
)
def test_a_key_or_index_that_is_not_in_place(migrated: Shop, damage: str, missing: str) -> None:
    """A missing or invalid key or index is reported by its name, without ids."""
    migrated.sql.execute(damage)
    red = judged(migrated, "clean_artworks")["constraints_in_place"]
    assert (1, (missing,), ()) == (red.bad, red.about, red.ids)


@pytest.mark.parametrize(
    ("rule", "damage"),
    [
        ("missing", "DELETE FROM artworks_v2 WHERE id = '{id}'"),
        ("extra", "UPDATE artworks SET original_image_url = 'test-' WHERE id = '{id}'"),
        ("differs", "UPDATE artworks_v2 SET pet_name = 'damaged' WHERE id = '{id}'"),
        (
            "refused",
            "INSERT INTO artwork_migration.rejected_write (id, operation, sql_state, object) VALUES ('{id}', 'UPDATE', '23514', '')",
        ),
    ],
)
def test_a_rule_of_the_reconciliation_is_red(migrated: Shop, rule: str, damage: str) -> None:
    """A rule of the reconciliation is red after its damage, and names the row."""
    artwork = unordered(migrated)
    migrated.sql.execute("ALTER TABLE artworks DISABLE TRIGGER ALL; ALTER TABLE artworks_v2 DISABLE TRIGGER ALL")
    migrated.sql.execute(damage.format(id=artwork))
    with running(migrated) as run:
        run.begin()
        reconcile.reconcile(run)
        verdict = judge_suite(run, SUITES["reconciliation"])
    assert (rule, (str(artwork),)) in [(red.rule, red.ids) for red in verdict.red]


def test_quarantine_above_its_bound(make_shop: MakeShop) -> None:
    """More rows in quarantine than decided make the gate red, as in the older copy with its duplicate tokens."""
    assert ["quarantined"] == [red.rule for red in reconciled(make_shop(Variant.OLDER, phase="MIGRATED")).red]


def reconciled(shop: Shop) -> GateVerdict:
    with running(shop) as run:
        run.begin()
        reconcile.reconcile(run)
        return judge_suite(run, SUITES["reconciliation"])


def unordered(shop: Shop) -> UUID:
    """A migrated artwork that nothing references."""
    return shop.value(  # type: ignore[no-any-return]  # any value may be asked for
        "SELECT id FROM artworks_v2 WHERE id NOT IN (SELECT id FROM artwork_migration.referenced_artwork) ORDER BY id LIMIT 1"
    )
