"""get_customer_artworks and get_artwork_by_token: what a customer sees, and what they are told when they may not."""

import re
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from psycopg.errors import Diagnostic, UndefinedFile

from tests.artworks import add_clean, add_legacy, clean
from tests.databases import Shop, catch_up_now
from tests.series import EXHAUSTIVE

VIEW = "SELECT id, title, stage, minutes_remaining FROM public.get_customer_artworks(customer_email => %s)"
LINK = "SELECT id FROM public.get_artwork_by_token(access_token => %s)"
EMAIL = "jane@view.example"
URL = "https://images.example/1.jpg"
PAST = "2020-01-01"
GUIDE = (Path(__file__).parents[2] / "docs" / "application.md").read_text(encoding="utf-8")


def add(shop: Shop, **columns: object) -> UUID:
    """An artwork of Jane's, its times as they are given: no trigger sets them."""
    with shop.sql.transaction():
        shop.sql.execute("SET LOCAL session_replication_role = replica")
        return add_clean(shop, **{"customer_email": EMAIL, "generated_image_url": URL, **columns})


def add_generations(shop: Shop, *minutes: float) -> None:
    """Generations of somebody else that took so long, the first of them completed last."""
    with shop.sql.transaction():
        shop.sql.execute("SET LOCAL session_replication_role = replica")
        shop.sql.execute(
            "INSERT INTO public.artworks_v2 (customer_email, access_token, pet_mom_image_url, pet_image_url, generation_status,"
            " generation_completed_at, generation_started_at)"
            " SELECT 'other@view.example', 'other' || m.place, 'https://x', 'https://y', 'completed',"
            " NOW() - m.place * INTERVAL '1 hour', NOW() - m.place * INTERVAL '1 hour' - m.took * INTERVAL '1 minute'"
            " FROM UNNEST(%s::float[]) WITH ORDINALITY AS m (took, place)",
            (list(minutes),),
        )


def add_processing(shop: Shop, minutes_ago: float) -> UUID:
    """A generation that was started so long ago."""
    artwork = add(shop, generation_status="processing", generated_image_url=None)
    started = "UPDATE public.artworks_v2 SET generation_started_at = NOW() - %s * INTERVAL '1 minute' WHERE id = %s"
    shop.sql.execute(started, (minutes_ago, artwork))
    return artwork


def seen(shop: Shop, artwork: UUID) -> tuple[str, int | None]:
    """The stage of one artwork, and the minutes that are left of it."""
    return next((stage, minutes) for identity, _, stage, minutes in shop.rows(VIEW, EMAIL) if identity == artwork)


def test_the_strategy_s_own_example(deployed: Shop) -> None:
    """A customer's list shows the newest artwork first, each with its stage and the minutes left."""
    add_generations(deployed, 3, 3, 3)
    luna = add(deployed, pet_name="Luna", created_at="2026-01-01", upscale_status="completed", upscaled_image_url=URL)
    max_ = add_processing(deployed, 1)
    deployed.sql.execute("UPDATE public.artworks_v2 SET pet_name = 'Max', created_at = '2026-01-02' WHERE id = %s", (max_,))
    buddy = add(deployed, pet_name="Buddy", created_at="2026-01-03")
    add(deployed, customer_email="Jane@view.example")
    assert [
        (buddy, "Buddy's MonaLisa", "completed, ready for prints", None),
        (max_, "Max's MonaLisa", "processing, about 2 min remaining", 2),
        (luna, "Luna's MonaLisa", "completed, high-res available", None),
    ] == deployed.rows(VIEW, EMAIL)


def test_a_pet_without_a_name_has_a_title_too(deployed: Shop) -> None:
    """An artwork of a pet without a name has a title."""
    for name in (None, "", "  "):
        add(deployed, pet_name=name)
    assert ["MonaLisa"] * 3 == [title for _, title, _, _ in deployed.rows(VIEW, EMAIL)]


STAGES = {
    "waiting to start": {"generation_status": "pending", "generated_image_url": None},
    "failed": {"generation_status": "failed", "generated_image_url": None},
    "processing": {"generation_status": "processing", "generated_image_url": None},
    "completed, ready for prints": {},
    "completed, high-res requested": {"upscale_status": "pending"},
    "completed, high-res in progress": {"upscale_status": "processing"},
    "completed, high-res available": {"upscale_status": "completed", "upscaled_image_url": URL},
    "completed, ready for prints, high-res failed": {"upscale_status": "failed"},
    "completed, but its image is missing": {"generated_image_url": None},
}


def test_every_stage_has_its_words(deployed: Shop) -> None:
    """Each stage has its own text; an artwork that was never timed has no estimate, and one without a high-res image does not claim one."""
    made = {add(deployed, **columns): stage for stage, columns in STAGES.items()}
    made[add(deployed, upscale_status="completed")] = "completed, ready for prints"
    assert made == {artwork: stage for artwork, _, stage, minutes in deployed.rows(VIEW, EMAIL) if minutes is None}


#: How long generations took, the newest first; since when one is at work; what is said of it.
ESTIMATES: list[tuple[list[float], float, tuple[str, int | None]]] = [
    ([], 1, ("processing", None)),
    ([2, 4, 60], 1, ("processing, about 3 min remaining", 3)),
    ([2, 4], 1, ("processing, about 2 min remaining", 2)),
    ([3], 2.5, ("processing, about 1 min remaining", 1)),
    ([3], 3, ("processing, taking longer than usual", None)),
    ([3], 300, ("processing, taking longer than usual", None)),
    # the last fifty: what was slow before that says nothing of today
    ([2] * 26 + [20] * 60, 0, ("processing, about 2 min remaining", 2)),
    ([20] * 26 + [2] * 60, 0, ("processing, about 20 min remaining", 20)),
]


def test_the_estimate_is_the_median_and_never_a_lie(deployed: Shop) -> None:
    """The estimate is the median of timed artworks; without any there is none, and an overdue artwork is called late."""
    for took, minutes_ago, expected in ESTIMATES:
        # in one transaction it is the same moment
        with deployed.sql.transaction(force_rollback=True):
            add_generations(deployed, *took)
            assert expected == seen(deployed, add_processing(deployed, minutes_ago)), took


def test_who_has_none_gets_none(deployed: Shop) -> None:
    """An e-mail without artworks, NULL or blank gets an empty list."""
    for email in ("nobody@view.example", "jane", "jane view@x.example"):
        assert [] == deployed.rows(VIEW, email)
    for nothing in (None, "", " "):
        with pytest.raises(
            psycopg.errors.InvalidParameterValue, match=r"(?m)get_customer_artworks: customer_email must not be NULL or blank$"
        ):
            deployed.sql.execute(VIEW, (nothing,))


def test_an_e_mail_is_looked_up_as_it_is_stored(deployed: Shop) -> None:
    """An e-mail with a blank behind it gets its own list, as the legacy data has it."""
    artwork = add(deployed, customer_email=f"{EMAIL} ")
    assert [artwork] == [identity for identity, *_ in deployed.rows(VIEW, f"{EMAIL} ")]
    assert [] == deployed.rows(VIEW, EMAIL)


def test_the_list_holds_no_token(deployed: Shop) -> None:
    """The list of a customer holds no token, so it does not give the links away."""
    artwork = add(deployed)
    row = deployed.value("SELECT v::text FROM public.get_customer_artworks(%s) AS v", EMAIL)
    assert str(artwork) in row
    assert clean(deployed, artwork, "access_token") not in row


@EXHAUSTIVE
def test_the_list_and_its_estimate_stand_on_indexes(migrated: Shop) -> None:
    """On a large table the list takes two index scans, and only one if no artwork is at work."""
    migrated.sql.execute("SET session_replication_role = replica")
    migrated.sql.execute(
        "INSERT INTO public.artworks_v2 (customer_email, access_token, pet_mom_image_url, pet_image_url, generation_status,"
        " generation_started_at, generation_completed_at) SELECT n || '@many.example', 't' || n, 'https://x', 'https://y', 'completed',"
        " NOW() - n * INTERVAL '2 minutes', NOW() - n * INTERVAL '1 minute' FROM GENERATE_SERIES(1, 20000) AS n"
    )
    migrated.sql.execute("SET session_replication_role = DEFAULT; ANALYZE public.artworks_v2")
    add(migrated)
    assert {"artworks_v2_customer_email_created_at_idx"} == scans(migrated)
    add_processing(migrated, 1)
    assert {"artworks_v2_customer_email_created_at_idx", "artworks_v2_generation_recent_idx"} == scans(migrated)


def scans(shop: Shop) -> set[str]:
    """What was really read when Jane's list was asked for: the indexes, or the table where it was read as a whole."""
    told: list[str] = []

    def listen(notice: Diagnostic) -> None:
        told.append(notice.message_primary or "")

    try:
        shop.sql.execute("LOAD 'auto_explain'")
    except UndefinedFile:
        pytest.skip("the programs of this release come without auto_explain")
    settings = {"log_min_duration": "0", "log_nested_statements": "on", "log_analyze": "on", "log_timing": "off"}
    for name, value in settings.items():
        shop.sql.execute(f"SET auto_explain.{name} = {value}")  # type: ignore[call-overload]  # made of this test's own names
    shop.sql.add_notice_handler(listen)
    shop.sql.execute("SET client_min_messages = log")
    shop.sql.execute(VIEW, (EMAIL,))
    shop.sql.execute("RESET client_min_messages; SET auto_explain.log_min_duration = -1")
    shop.sql.remove_notice_handler(listen)
    nodes = [line for notice in told for line in notice.splitlines() if "never executed" not in line]
    return {
        found[1] for line in nodes if (found := re.search(r"(?:Index (?:Only )?Scan using|Bitmap Index Scan on|Seq Scan on) (\w+)", line))
    }


def test_a_link_leads_to_its_artwork(deployed: Shop) -> None:
    """A link finds its artwork while its token is valid, and always if it has no end."""
    for ends in (None, "2999-01-01"):
        artwork = add(deployed, token_expires_at=ends)
        assert artwork == deployed.value(LINK, clean(deployed, artwork, "access_token"))


def test_an_expired_link_is_made_valid_again(deployed: Shop) -> None:
    """The guide's call makes an expired link valid at once; what old code sets in the legacy table does with the next catch-up."""
    (renew,) = re.findall(r"^SELECT token_expires_at > .*?;$", GUIDE, re.MULTILINE | re.DOTALL)
    old_code = "UPDATE artworks SET token_expires_at = NOW() + interval '30 days' WHERE id = :artwork_id"
    for artwork in (add_legacy(deployed, token_expires_at=PAST), add(deployed, token_expires_at=PAST)):
        catch_up_now(deployed)
        for statement, caught_up in ((renew, False), (old_code, True)):
            deployed.sql.execute("UPDATE artworks_v2 SET token_expires_at = %s WHERE id = %s", (PAST, artwork))
            deployed.sql.execute(statement.replace(":artwork_id", "%s"), (artwork,))
            if caught_up:
                catch_up_now(deployed)
            assert artwork == deployed.value(LINK, clean(deployed, artwork, "access_token"))


def test_an_unknown_and_an_expired_link_are_two_errors(deployed: Shop) -> None:
    """An unknown link is P0002, an expired one PT410, NULL and blank are 22023, and no message holds the token."""
    expired = clean(deployed, add(deployed, token_expires_at=PAST), "access_token")
    for token, sqlstate in ((expired, "PT410"), (f"{expired}x", "P0002"), (None, "22023"), ("", "22023"), (" ", "22023")):
        with pytest.raises(psycopg.Error) as refused:
            deployed.sql.execute(LINK, (token,))
        assert sqlstate == refused.value.sqlstate
        assert expired not in str(refused.value)
