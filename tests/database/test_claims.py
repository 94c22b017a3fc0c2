"""claim_anonymous_user: a customer signs up, in every phase; what is refused, and what happens at the same moment."""

from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest

from expectations.suites import SUITES
from migration.checks import verification
from migration.ledger.phases import VERIFY
from sample.build import Variant
from tasks.validation import judge_suite
from tests.artworks import add_clean, add_legacy, add_user, clean, legacy, verdict
from tests.conftest import MakeShop
from tests.database.conftest import Steps
from tests.databases import Shop, catch_up_now, decide, reconcile_now, roll_back, running, switch, uninstall
from tests.phase_databases import PHASES, clean_table, in_phase, readable
from tests.series import LONG

CREATE = "SELECT (artwork).id FROM public.create_artwork('Ada', %s, 'Rex', 'https://x/mom', 'https://x/pet')"
CLAIM = "SELECT public.claim_anonymous_user(customer_email => %s, user_id => %s)"
EMAIL = "ada@claims.example"
COUNTER = """
ALTER TABLE users ADD COLUMN touched integer NOT NULL DEFAULT 0;
CREATE FUNCTION count_them() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE public.users SET touched = touched + 1 WHERE id IN (OLD.user_id, NEW.user_id);
  RETURN NULL;
END $$;
CREATE TRIGGER count_them AFTER UPDATE OF user_id ON artworks FOR EACH ROW EXECUTE FUNCTION count_them();
"""
IN_ORDER = {"match", "excluded", "quarantined"}


def claim(shop: Shop, email: str = EMAIL) -> UUID:
    """Sign up under an id of its own, as the application would; returns the id."""
    user = uuid4()
    shop.session(role="service_role", autocommit=True).execute(CLAIM, (email, user))
    return user


def refusal(shop: Shop, email: str | None, user: UUID | None) -> psycopg.Error:
    """What the claim ended with."""
    with pytest.raises(psycopg.Error) as refused:
        shop.sql.execute(CLAIM, (email, user))
    return refused.value


@pytest.mark.parametrize("phase", PHASES)
def test_a_customer_keeps_their_artworks(make_shop: MakeShop, phase: str, tmp_path: Path) -> None:
    """In each phase a claim turns the anonymous user into a registered one, who sees in the serving table everything that named the old
    one."""
    shop = in_phase(make_shop, phase, tmp_path)
    made = {shop.value(CREATE, EMAIL), shop.value(CREATE, EMAIL)}
    anonymous = shop.value("SELECT id FROM users WHERE email = %s AND is_anonymous", EMAIL)
    if phase not in ("SWITCHED", "CLEANED"):
        # a failed upload, which never comes to the clean side
        made.add(add_legacy(shop, user_id=anonymous, customer_email=EMAIL, generation_status="failed"))
    user = claim(shop)
    assert [(user, False)] == shop.rows("SELECT id, is_anonymous FROM users WHERE email = %s", EMAIL)
    assert made == readable(shop, user, "artworks")
    assert set() == readable(shop, anonymous, "artworks")
    assert len(made & readable(shop, user, clean_table(phase))) >= 2


def test_migrated_artworks_are_claimed_too(migrated: Shop) -> None:
    """After a claim of a user that migrate_data created, every clean row has the new id and both tables agree."""
    email, anonymous = migrated.rows(
        "SELECT u.email, u.id FROM users AS u JOIN artwork_migration.created_user AS c USING (id)"
        " JOIN artworks_v2 AS a ON a.user_id = u.id GROUP BY u.id HAVING COUNT(*) > 1 ORDER BY u.id LIMIT 1"
    )[0]
    owned = migrated.rows("SELECT id FROM artworks_v2 WHERE user_id = %s ORDER BY id", anonymous)
    user = claim(migrated, email)
    assert owned == migrated.rows("SELECT id FROM artworks_v2 WHERE user_id = %s ORDER BY id", user)
    assert [] == migrated.rows("SELECT id FROM artwork_migration.created_user WHERE id IN (%s, %s)", anonymous, user)
    catch_up_now(migrated)
    assert set(reconcile_now(migrated)) <= IN_ORDER
    uninstall(migrated)
    assert [(email,)] == migrated.rows("SELECT email FROM users WHERE id = %s", user)


@LONG
def test_a_claim_before_the_switch_goes_with_it_and_back(migrated: Shop) -> None:
    """Owners that were claimed before the switch stay over the switch and the rollback, and no write is rejected."""
    born = migrated.value(CREATE, EMAIL)
    named = add_legacy(migrated, customer_email=EMAIL, user_id=clean(migrated, born, "user_id"))
    user = claim(migrated)
    catch_up_now(migrated)
    assert ["match"] * 2 == [verdict(migrated, artwork) for artwork in (born, named)]
    switch(migrated)
    roll_back(migrated)
    catch_up_now(migrated)
    for artwork in (born, named):
        assert (user, user, "match") == (
            clean(migrated, artwork, "user_id"),
            legacy(migrated, artwork, "user_id"),
            verdict(migrated, artwork),
        )


@LONG
def test_a_claim_after_the_switch_leaves_the_gate_green_and_goes_back(make_shop: MakeShop) -> None:
    """The gate `verification` stays green; after a roll back the legacy rows name the new id."""
    shop = make_shop(phase="MIGRATED")
    born, anonymous = shop.value(CREATE, EMAIL), shop.value("SELECT id FROM users WHERE email = %s", EMAIL)
    excluded = add_legacy(shop, customer_email=EMAIL, user_id=anonymous, generation_status="failed")
    switch(shop)
    since = shop.value(CREATE, EMAIL)
    user = claim(shop)
    with running(shop, VERIFY) as run:
        run.begin()
        assert {} == verification.measure(run)
    assert [] == shop.rows("SELECT rule, ids FROM artwork_migration.rule_result WHERE suite = 'verification' AND bad > 0")
    roll_back(shop)
    assert [user] * 3 == [legacy(shop, artwork, "user_id") for artwork in (born, excluded, since)]
    catch_up_now(shop)
    assert set(reconcile_now(shop)) <= IN_ORDER


@LONG
def test_a_legacy_table_without_owners_is_no_hindrance(make_shop: MakeShop) -> None:
    """A claim works where the legacy table has no user_id: the clean rows get the new id."""
    shop = make_shop(Variant.MINIMAL, phase="MIGRATED")
    artwork = shop.value(CREATE, EMAIL)
    assert claim(shop) == clean(shop, artwork, "user_id")
    catch_up_now(shop)
    assert "match" == verdict(shop, artwork)


def test_a_trigger_of_theirs_may_touch_the_user(migrated: Shop) -> None:
    """A claim works with an application's trigger on artworks that updates users, before the switch, after it and after the rollback."""
    migrated.sql.execute(COUNTER)
    for move in (None, switch, roll_back):
        if move:
            move(migrated)
        email = f"{uuid4()}@claims.example"
        artwork, user = migrated.value(CREATE, email), claim(migrated, email)
        assert user == legacy(migrated, artwork, "user_id")
        assert 1 == migrated.value("SELECT touched FROM users WHERE id = %s", user)


def test_many_users_may_move_at_once(migrated: Shop) -> None:
    """One statement may change the ids of several users, and each keeps its rows."""
    artworks = [migrated.value(CREATE, f"{number}@claims.example") for number in range(3)]
    migrated.sql.execute("UPDATE users SET id = MD5(email)::uuid WHERE email LIKE '%@claims.example'")
    found = migrated.rows(
        "SELECT a.user_id = MD5(a.customer_email)::uuid, l.user_id = a.user_id"
        " FROM artworks_v2 AS a JOIN artworks AS l USING (id) WHERE a.id = ANY(%s)",
        artworks,
    )
    assert [(True, True)] * 3 == found


def test_before_the_copy_s_end_no_key_takes_artworks_along(deployed: Shop) -> None:
    """Before the clean table has its key to users, a claim gives the artworks their owner itself."""
    artwork = deployed.value(CREATE, EMAIL)
    assert claim(deployed) == clean(deployed, artwork, "user_id") == legacy(deployed, artwork, "user_id")


def test_who_is_new_is_registered(deployed: Shop) -> None:
    """A claim of an e-mail without a user registers it, and the same claim again changes nothing."""
    user = claim(deployed)
    row = deployed.rows("SELECT id, is_anonymous, xmin::text FROM users WHERE email = %s", EMAIL)
    assert (user, False) == row[0][:2]
    assert 0 == deployed.value(CLAIM, EMAIL, user)
    assert row == deployed.rows("SELECT id, is_anonymous, xmin::text FROM users WHERE email = %s", EMAIL)


def test_who_is_registered_under_this_id_already_gets_what_nobody_owns(deployed: Shop) -> None:
    """A claim of a user who has signed up already gives it the artworks of the e-mail that have no owner, and no other."""
    other = add_user(deployed, "other@claims.example")
    ownerless, owned = (add_clean(deployed, customer_email=EMAIL, user_id=owner) for owner in (None, other))
    user = add_user(deployed, EMAIL)
    assert 1 == deployed.value(CLAIM, EMAIL, user)
    assert (user, other) == (clean(deployed, ownerless, "user_id"), clean(deployed, owned, "user_id"))


def test_a_claim_wants_an_email_and_an_id(deployed: Shop) -> None:
    """A claim without an e-mail or an id is refused with 22023, without repeating the value."""
    for email, user, words in ((None, uuid4(), "customer_email"), ("ada", uuid4(), "customer_email"), (EMAIL, None, "user_id must not")):
        refused = refusal(deployed, email, user)
        assert "22023" == refused.sqlstate
        assert words in str(refused)
        assert "@" not in str(refused)


def test_a_stored_e_mail_is_claimed_as_it_is(migrated: Shop) -> None:
    """An e-mail with a blank behind it is claimed only if a user has exactly that; no user is created with it."""
    email = f"{EMAIL} "
    artwork = add_legacy(migrated, customer_email=email)
    refused = refusal(migrated, email, uuid4())
    assert ("22023", True) == (refused.sqlstate, "must be an e-mail address" in str(refused))
    catch_up_now(migrated)
    assert claim(migrated, email) == clean(migrated, artwork, "user_id")


@LONG
def test_the_first_claim_makes_the_gate_red_unless_exposure_is_accepted(make_shop: MakeShop) -> None:
    """A users table of ours, where the plan had nothing to accept: a signed-in customer sees rows that had no owner, so it takes the
    decision; without a claim it does not."""
    shop = make_shop(Variant.MINIMAL, phase="MIGRATED")
    decide(shop, "accept_exposure", "none")
    assert [] == exposed(shop)
    email = shop.value("SELECT email FROM users JOIN artworks_v2 AS a ON a.user_id = users.id ORDER BY email LIMIT 1")
    user = claim(shop, email)
    assert shop.rows("SELECT id FROM artworks_v2 WHERE user_id = %s ORDER BY id", user) == [(artwork,) for artwork, _ in exposed(shop)]
    assert {("user_gained",)} == {tuple(about) for _, about in exposed(shop)}
    decide(shop, "accept_exposure", "user_gained")
    assert [] == exposed(shop)


def exposed(shop: Shop) -> list[tuple[UUID, list[str]]]:
    """What the rule `exposure_accepted` finds when the log is empty, with what it is about."""
    catch_up_now(shop)
    with running(shop) as run:
        run.begin()
        judge_suite(run, SUITES["clean_artworks"])
    return shop.rows(
        "SELECT id, about FROM artwork_migration.finding WHERE rule = 'exposure_accepted'"
        " AND run = (SELECT MAX(run) FROM artwork_migration.gate_result) ORDER BY id"
    )


def test_nobody_is_taken_over(deployed: Shop) -> None:
    """A claim of a registered user's e-mail, or with an id of another e-mail, is refused with 23505 and changes nothing."""
    registered, artwork = add_user(deployed, EMAIL), deployed.value(CREATE, "new@claims.example")
    users = "SELECT u::text FROM users AS u ORDER BY u.id"
    before = deployed.rows(users)
    for email, user, words in ((EMAIL, uuid4(), "another registered user"), ("new@claims.example", registered, "has another e-mail")):
        refused = refusal(deployed, email, user)
        assert "23505" == refused.sqlstate
        assert words in str(refused)
        assert "@" not in str(refused)
    assert before == deployed.rows(users)
    assert deployed.value("SELECT is_anonymous FROM users WHERE id = %s", clean(deployed, artwork, "user_id"))


def test_who_has_got_another_e_mail_changes_it_first(deployed: Shop) -> None:
    """A user with a changed e-mail claims what the new one has; if an anonymous user has it, the change is refused."""
    user, artwork = add_user(deployed, EMAIL), add_clean(deployed, customer_email="new@claims.example", user_id=None)
    deployed.sql.execute("UPDATE users SET email = 'new@claims.example' WHERE id = %s", (user,))
    assert 1 == deployed.value(CLAIM, "new@claims.example", user)
    assert user == clean(deployed, artwork, "user_id")
    deployed.value(CREATE, "newer@claims.example")
    with pytest.raises(psycopg.errors.UniqueViolation):
        deployed.sql.execute("UPDATE users SET email = 'newer@claims.example' WHERE id = %s", (user,))


def test_another_table_s_key_that_does_not_cascade_is_named(migrated: Shop) -> None:
    """A claim that another table's key stops fails with 23503 and that key's name, and the artworks keep their owner."""
    artwork = migrated.value(CREATE, EMAIL)
    anonymous = clean(migrated, artwork, "user_id")
    migrated.sql.execute("CREATE TABLE reviews (user_id uuid CONSTRAINT reviews_user_id_fkey REFERENCES users (id))")
    migrated.sql.execute("INSERT INTO reviews VALUES (%s)", (anonymous,))
    refused = refusal(migrated, EMAIL, uuid4())
    assert ("23503", "reviews", "reviews_user_id_fkey") == (refused.sqlstate, refused.diag.table_name, refused.diag.constraint_name)
    assert 'on table "reviews"' in str(refused)
    assert anonymous == clean(migrated, artwork, "user_id") == legacy(migrated, artwork, "user_id")


def test_an_upload_at_the_moment_of_the_claim_finds_the_new_id(deployed: Shop, steps: Steps) -> None:
    """create_artwork waits for a claim of its e-mail, and its artwork has the registered owner on both sides."""
    deployed.value(CREATE, EMAIL)
    customer, user = deployed.session(), uuid4()
    customer.execute(CLAIM, (EMAIL, user))
    upload = steps.statement(deployed, deployed.session(autocommit=True), CREATE, EMAIL)
    upload.blocks()
    customer.commit()
    artwork = upload.result().fetchone()[0]
    assert user == clean(deployed, artwork, "user_id") == legacy(deployed, artwork, "user_id")
    assert [] == deployed.rows("SELECT id FROM artwork_migration.rejected_write")


def test_a_claim_in_the_middle_of_an_upload_waits_for_it(deployed: Shop, steps: Steps) -> None:
    """A claim waits for create_artwork that has read the user's id, and takes its artwork along."""
    deployed.value(CREATE, EMAIL)
    deployed.sql.execute(
        "CREATE FUNCTION pause() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM PG_ADVISORY_XACT_LOCK(1); RETURN NEW; END';"
        "CREATE TRIGGER pause BEFORE INSERT ON artworks_v2 FOR EACH ROW EXECUTE FUNCTION pause()"
    )
    gate, user = deployed.session(), uuid4()
    gate.execute("SELECT PG_ADVISORY_XACT_LOCK(1)")
    upload = steps.statement(deployed, deployed.session(autocommit=True), CREATE, EMAIL)
    upload.blocks()
    sign_up = steps.statement(deployed, deployed.session(autocommit=True), CLAIM, EMAIL, user)
    sign_up.blocks()
    gate.commit()
    artwork = upload.result().fetchone()[0]
    assert (2,) == sign_up.result().fetchone()
    assert user == clean(deployed, artwork, "user_id") == legacy(deployed, artwork, "user_id")
    assert [] == deployed.rows("SELECT id FROM artwork_migration.rejected_write")


def test_a_claim_at_the_moment_of_the_first_upload_finds_the_user(deployed: Shop, steps: Steps) -> None:
    """A claim waits for the upload that creates the anonymous user, and then registers it."""
    uploader, user = deployed.session(), uuid4()
    artwork = uploader.execute(CREATE, (EMAIL,)).fetchone()
    sign_up = steps.statement(deployed, deployed.session(autocommit=True), CLAIM, EMAIL, user)
    sign_up.blocks()
    uploader.commit()
    assert (1,) == sign_up.result().fetchone()
    assert artwork is not None
    assert user == clean(deployed, artwork[0], "user_id")


def test_of_two_claims_one_is_refused(deployed: Shop, steps: Steps) -> None:
    """Of two claims of one user the second waits, finds a registered user, and is refused."""
    deployed.value(CREATE, EMAIL)
    first = deployed.session()
    first.execute(CLAIM, (EMAIL, uuid4()))
    second = steps.statement(deployed, deployed.session(autocommit=True), CLAIM, EMAIL, uuid4())
    second.blocks()
    first.commit()
    assert "23505" == second.sqlstate()


def test_a_claim_locks_artworks_in_the_order_of_their_ids(migrated: Shop, steps: Steps) -> None:
    """A claim locks artworks in the order of their ids, so it never deadlocks with one who writes several in that order."""
    first = add_legacy(migrated, id=UUID(int=1), customer_email=EMAIL)
    catch_up_now(migrated)
    second, user = migrated.value(CREATE, EMAIL), uuid4()
    writer = migrated.session()
    writer.execute("UPDATE artworks_v2 SET pet_name = 'Max' WHERE id = %s", (first,))
    sign_up = steps.statement(migrated, migrated.session(autocommit=True), CLAIM, EMAIL, user)
    sign_up.blocks()
    writer.execute("UPDATE artworks_v2 SET pet_name = 'Max' WHERE id = %s", (second,))
    writer.commit()
    assert (2,) == sign_up.result().fetchone()
    assert {(user, "Max")} == {(clean(migrated, a, "user_id"), clean(migrated, a, "pet_name")) for a in (first, second)}
