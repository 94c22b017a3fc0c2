"""create_artwork and update_artwork_lifecycle: what the application calls, what it is told when it calls them wrongly."""

import json
import re
from uuid import UUID, uuid4

import psycopg
import pytest

from tests.artworks import add_clean, add_user, clean, legacy, logged
from tests.database.conftest import Steps
from tests.databases import Shop, catch_up_now

CREATE = "SELECT (artwork).id, access_token FROM public.create_artwork('Ada', %s, 'Rex', %s, %s)"
MOVE = "SELECT id FROM public.update_artwork_lifecycle(%s, %s)"
URLS = ("https://x/mom", "https://x/pet")


@pytest.fixture
def shop(deployed: Shop) -> Shop:
    """Both tables live."""
    return deployed


def _create(shop: Shop, email: str = "ada@life.example") -> UUID:
    return shop.value(CREATE, email, *URLS)


def _move(shop: Shop, artwork: UUID, **changes: object) -> None:
    assert artwork == shop.value(MOVE, artwork, json.dumps(changes))


def _refused(shop: Shop, statement: str, *parameters: object) -> str | None:
    with pytest.raises(psycopg.Error) as refused:
        shop.sql.execute(statement, parameters)
    return refused.value.sqlstate


def test_create_artwork_makes_the_artwork_and_its_user(shop: Shop) -> None:
    """create_artwork for a new e-mail creates an anonymous user, a token of 64 hex digits valid 30 days, and the same legacy row."""
    artwork, token = shop.rows(CREATE, "ada@life.example", *URLS)[0]
    assert re.fullmatch("[0-9a-f]{64}", token)
    found = shop.rows(
        "SELECT u.email, u.is_anonymous, c.generation_status, c.upscale_status, c.access_token, a.access_token,"
        " c.token_expires_at = c.created_at + INTERVAL '30 days', a.user_id = c.user_id"
        " FROM public.artworks_v2 AS c JOIN public.users AS u ON c.user_id = u.id JOIN public.artworks AS a ON a.id = c.id WHERE c.id = %s",
        artwork,
    )
    assert [("ada@life.example", True, "pending", "not_started", token, token, True, True)] == found


def test_create_artwork_takes_the_user_that_is_there(shop: Shop) -> None:
    """create_artwork for a known e-mail takes its user, registered or not, and creates no second one."""
    user = add_user(shop, "ada@life.example")
    assert {user} == {clean(shop, _create(shop), "user_id") for _ in range(2)}
    assert not shop.value("SELECT is_anonymous FROM public.users WHERE id = %s", user)


def test_an_upload_at_the_moment_of_the_sign_up_finds_the_user(shop: Shop, steps: Steps) -> None:
    """create_artwork waits for a sign-up with its e-mail and then sees the user, because it takes two statements."""
    customer, uploader = shop.session(), shop.session(autocommit=True)
    row = customer.execute("INSERT INTO public.users (email) VALUES ('ada@life.example') RETURNING id").fetchone()
    upload = steps.statement(shop, uploader, CREATE, "ada@life.example", *URLS)
    upload.blocks()
    customer.commit()
    artwork = upload.result().fetchone()[0]
    assert row is not None
    assert row[0] == clean(shop, artwork, "user_id") == legacy(shop, artwork, "user_id")


def test_in_one_statement_the_upload_would_miss_the_user(shop: Shop, steps: Steps) -> None:
    """With both inserts in one statement create_artwork would not see a concurrent sign-up, and the artwork would have no owner."""
    customer, uploader = shop.session(), shop.session(autocommit=True)
    customer.execute("INSERT INTO public.users (email) VALUES ('ada@life.example')")
    upload = steps.statement(
        shop,
        uploader,
        "WITH u AS (INSERT INTO public.users (email) VALUES ('ada@life.example') ON CONFLICT (email) DO NOTHING RETURNING id)"
        " INSERT INTO public.artworks_v2 (user_id, customer_name, customer_email, pet_mom_image_url, pet_image_url, access_token)"
        " SELECT COALESCE((SELECT id FROM u), (SELECT id FROM public.users WHERE email = 'ada@life.example')),"
        " 'Ada', 'ada@life.example', 'https://x', 'https://x', 'token' RETURNING user_id",
    )
    upload.blocks()
    customer.commit()
    assert (None,) == upload.result().fetchone()


def test_an_upload_whose_sign_up_is_rolled_back_makes_its_own_user(shop: Shop, steps: Steps) -> None:
    """create_artwork creates an anonymous user if the sign-up it waited for is rolled back."""
    customer = shop.session()
    customer.execute("INSERT INTO public.users (email) VALUES ('ada@life.example')")
    upload = steps.statement(shop, shop.session(autocommit=True), CREATE, "ada@life.example", *URLS)
    upload.blocks()
    customer.rollback()
    owner = clean(shop, upload.result().fetchone()[0], "user_id")
    assert shop.value("SELECT is_anonymous FROM public.users WHERE id = %s", owner)


def test_an_older_snapshot_has_to_try_again(shop: Shop) -> None:
    """create_artwork in REPEATABLE READ fails with 40001 if its snapshot does not show the sign-up, and may be retried."""
    uploader = shop.session()
    uploader.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    uploader.execute("SELECT FROM public.users LIMIT 1")
    add_user(shop, "ada@life.example")
    with pytest.raises(psycopg.errors.SerializationFailure):
        uploader.execute(CREATE, ("ada@life.example", *URLS))


def test_create_artwork_wants_an_email(shop: Shop) -> None:
    """create_artwork without an e-mail is refused with 22023 and creates neither a user nor an artwork."""
    before = shop.value("SELECT COUNT(*) FROM public.users")
    for email in (None, "", " ", "ada", "ada@", "@life.example", "ada @life.example", "ada@life@example"):
        assert "22023" == _refused(shop, CREATE, email, *URLS), email
    assert (before, 0) == (shop.value("SELECT COUNT(*) FROM public.users"), shop.value("SELECT COUNT(*) FROM public.artworks_v2"))


def test_create_artwork_wants_both_names(shop: Shop) -> None:
    """create_artwork without a name is refused with 22023 and the argument, because the legacy table would reject the row."""
    for names, missing in (((None, "Rex"), "customer_name"), (("Ada", None), "pet_name")):
        with pytest.raises(psycopg.errors.InvalidParameterValue, match=f"{missing} must not be NULL"):
            shop.sql.execute("SELECT public.create_artwork(%s, 'ada@life.example', %s, %s, %s)", (*names, *URLS))


def test_create_artwork_wants_both_pictures(shop: Shop) -> None:
    """create_artwork with a missing or blank picture is refused with 22023 and the argument."""
    for urls, missing in (
        ((None, "https://x"), "pet_mom_image_url"),
        (("https://x", ""), "pet_image_url"),
        ((" ", "x"), "pet_mom_image_url"),
    ):
        with pytest.raises(psycopg.errors.InvalidParameterValue, match=f"create_artwork: {missing} must not be NULL or blank"):
            shop.sql.execute(CREATE, ("ada@life.example", *urls))


def test_an_unknown_id_or_key_is_an_error_and_not_silence(shop: Shop) -> None:
    """update_artwork_lifecycle is refused with P0002 for an unknown id and with 22023 for an unknown key, and writes nothing."""
    artwork = _create(shop)
    assert "P0002" == _refused(shop, MOVE, uuid4(), '{"generation_status": "processing"}')
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="unknown key customer_email, the keys are generation_status, "):
        shop.sql.execute(MOVE, (artwork, '{"generation_status": "processing", "customer_email": "x@y.example"}'))
    for changes in (None, "[]", "1", "null"):
        assert "22023" == _refused(shop, MOVE, artwork, changes)
    assert "22023" == _refused(shop, MOVE, None, '{"generation_status": "processing"}')
    assert "pending" == clean(shop, artwork, "generation_status")


def test_a_key_that_is_null_is_written(shop: Shop) -> None:
    """update_artwork_lifecycle writes a key that is null as SQL's NULL, also for jsonb."""
    artwork = _create(shop)
    _move(shop, artwork, fal_request_id="f1", generation_params={"seed": 1}, generated_image_url="https://x/1")
    _move(shop, artwork, fal_request_id=None, generation_params=None, generated_image_url=None)
    assert clean(shop, artwork, "fal_request_id IS NULL AND generation_params IS NULL AND generated_image_url IS NULL")


def test_a_customer_corrects_names_and_pictures_and_a_link_is_renewed(shop: Shop) -> None:
    """update_artwork_lifecycle sets names, pictures and the end of the link, legacy shows them at once, and what is not named stays."""
    artwork = _create(shop)
    _move(shop, artwork, customer_name="Ada L.", pet_name=None, pet_image_url="https://x/pet-2", token_expires_at="2031-01-01T00:00:00Z")  # noqa: S106 (a time)
    kept = "customer_name = 'Ada L.' AND pet_name IS NULL AND token_expires_at = '2031-01-01T00:00:00Z'"
    assert clean(shop, artwork, f"{kept} AND pet_image_url = 'https://x/pet-2' AND pet_mom_image_url = 'https://x/mom'")
    assert legacy(shop, artwork, f"{kept} AND original_pet_url = 'https://x/pet-2' AND original_pet_mom_url = 'https://x/mom'")


def test_a_link_keeps_its_end(shop: Shop) -> None:
    """update_artwork_lifecycle refuses an end of the link that is NULL with 22023: the link would work for ever."""
    artwork = _create(shop)
    assert "22023" == _refused(shop, MOVE, artwork, '{"token_expires_at": null}')
    assert clean(shop, artwork, "token_expires_at = created_at + INTERVAL '30 days'")


@pytest.mark.parametrize("picture", ["pet_mom_image_url", "pet_image_url"])
def test_a_picture_is_neither_removed_nor_blank(shop: Shop, picture: str) -> None:
    """update_artwork_lifecycle refuses a picture that is NULL or blank with 22023, and names it."""
    artwork = _create(shop)
    for nothing in (None, " "):
        with pytest.raises(psycopg.errors.InvalidParameterValue, match=f"{picture} must not be NULL or blank"):
            shop.sql.execute(MOVE, (artwork, json.dumps({picture: nothing, "pet_name": "Max"})))
    assert clean(shop, artwork, f"{picture} LIKE 'https://%%' AND pet_name = 'Rex'")


def test_the_table_may_get_another_column(shop: Shop) -> None:
    """The functions return the whole row, also with a column that the product adds later."""
    artwork, token = shop.rows(CREATE, "ada@life.example", *URLS)[0]
    shop.sql.execute("ALTER TABLE public.artworks_v2 ADD COLUMN frame text DEFAULT 'oak'")
    calls = {
        "create_artwork('Ada', 'ada@life.example', 'Rex', 'https://x', 'https://y')": "(artwork).frame",
        f"update_artwork_lifecycle('{artwork}', '{{\"generation_status\": \"completed\"}}')": "frame",
        f"request_artwork_upscale('{artwork}')": "frame",
        f"get_artwork_by_token('{token}')": "frame",
    }
    assert ["oak"] * 4 == [shop.value(f"SELECT {column} FROM public.{call}") for call, column in calls.items()]


def test_an_artwork_goes_through_its_life(shop: Shop) -> None:
    """Each step of the life cycle sets its time, and legacy shows each step at once."""
    artwork = _create(shop)
    _move(shop, artwork, generation_status="processing", fal_request_id="f1", generation_params={"style": "monalisa"})
    assert clean(shop, artwork, "generation_started_at IS NOT NULL AND generation_completed_at IS NULL")
    _move(shop, artwork, generation_status="completed", generated_image_url="https://x/1.jpg")
    _move(shop, artwork, upscale_status="pending")
    _move(shop, artwork, upscale_status="processing")
    _move(shop, artwork, upscale_status="completed", upscaled_image_url="https://x/1.png")
    times = "generation_started_at <= generation_completed_at AND generation_completed_at <= upscale_started_at"
    assert clean(shop, artwork, f"{times} AND upscale_started_at <= upscale_completed_at AND updated_at = upscale_completed_at")
    assert ("f1", {"style": "monalisa"}) == (clean(shop, artwork, "fal_request_id"), clean(shop, artwork, "generation_params"))
    seen = "generation_status || ' ' || generated_image_url || ' ' || upscale_status || ' ' || upscaled_image_url"
    assert "completed https://x/1.jpg completed https://x/1.png" == legacy(shop, artwork, seen)
    assert clean(shop, artwork, "upscale_completed_at") == legacy(shop, artwork, "upscaled_at")


def test_a_retry_forgets_the_times_of_the_first_try(shop: Shop) -> None:
    """A step from failed to pending clears the times of the first try."""
    artwork = _create(shop)
    for status in ("processing", "failed", "pending"):
        _move(shop, artwork, generation_status=status)
    assert clean(shop, artwork, "generation_started_at IS NULL AND generation_completed_at IS NULL")
    _move(shop, artwork, generation_status="processing")
    assert clean(shop, artwork, "generation_started_at IS NOT NULL")


GENERATION = ["pending", "processing", "completed", "failed"]
GENERATION_STEPS = {
    ("pending", "processing"), ("pending", "completed"), ("pending", "failed"), ("processing", "completed"), ("processing", "failed"),
    ("failed", "pending"), ("failed", "processing"),
}  # fmt: skip
UPSCALE = ["not_started", *GENERATION]
UPSCALE_STEPS = {
    ("not_started", "pending"), ("not_started", "processing"), ("pending", "processing"), ("pending", "completed"), ("pending", "failed"),
    ("processing", "completed"), ("processing", "failed"), ("failed", "pending"), ("failed", "processing"),
}  # fmt: skip


@pytest.mark.parametrize("column", ["generation_status", "upscale_status"])
def test_only_the_listed_steps_are_possible(shop: Shop, column: str) -> None:
    """Of all pairs of statuses the listed ones are allowed, the same status is no step, and any other pair is refused with 55000."""
    statuses, possible = (GENERATION, GENERATION_STEPS) if column == "generation_status" else (UPSCALE, UPSCALE_STEPS)
    for before in statuses:
        for after in statuses:
            artwork = add_clean(shop, **{"generation_status": "completed", column: before})
            if before == after or (before, after) in possible:
                _move(shop, artwork, **{column: after})
            else:
                assert "55000" == _refused(shop, MOVE, artwork, json.dumps({column: after})), (before, after)


def test_only_a_completed_generation_is_upscaled(shop: Shop) -> None:
    """Upscaling of an artwork that is not completed is refused with 55000."""
    assert "55000" == _refused(shop, MOVE, _create(shop), '{"upscale_status": "pending"}')


@pytest.mark.parametrize(("column", "known"), [("generation_status", GENERATION), ("upscale_status", UPSCALE)])
def test_an_unknown_status_is_refused_in_words_that_list_the_known(shop: Shop, column: str, known: list[str]) -> None:
    """An unknown status or NULL is refused with 22023 and the list of the table's own check."""
    artwork = add_clean(shop)
    update = f"UPDATE public.artworks_v2 SET {column} = %s WHERE id = %s"
    for status in ("done", None):
        for statement, parameters in ((MOVE, (artwork, json.dumps({column: status}))), (update, (status, artwork))):
            with pytest.raises(psycopg.errors.InvalidParameterValue, match=f"(?m){column} must be one of {', '.join(known)}$"):
                shop.sql.execute(statement, parameters)  # type: ignore[call-overload]  # made of this test's own names
    check = shop.value("SELECT PG_GET_CONSTRAINTDEF(oid) FROM pg_constraint WHERE conname = %s", f"artworks_v2_{column}_check")
    assert known == re.findall(r"'(\w+)'", check)


def test_the_life_cycle_steps_aside_for_our_own_writes(shop: Shop) -> None:
    """The life-cycle trigger changes and refuses nothing with apply = on; without it it would set a time of its own."""
    artwork = add_clean(shop, generation_status="pending")
    invented = "SELECT generation_completed_at IS NOT NULL FROM public.artworks_v2 WHERE id = %s"
    with shop.sql.transaction():
        shop.sql.execute("SET LOCAL artwork_migration.apply = 'on'")
        shop.sql.execute("UPDATE public.artworks_v2 SET generation_status = 'completed' WHERE id = %s", (artwork,))
    assert not shop.value(invented, artwork)
    assert shop.value(invented, add_clean(shop, generation_status="completed"))


def test_a_refusal_leaves_no_trace(shop: Shop) -> None:
    """A refused step is neither in the log nor in the legacy table."""
    artwork = _create(shop)
    catch_up_now(shop)
    assert "55000" == _refused(shop, MOVE, artwork, '{"upscale_status": "pending"}')
    assert ([], "pending") == (logged(shop), legacy(shop, artwork, "generation_status"))
