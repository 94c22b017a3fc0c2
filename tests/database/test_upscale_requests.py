"""request_artwork_upscale: asked for once or often, of what can be upscaled and of what cannot."""

from uuid import uuid4

import psycopg
import pytest

from tests.artworks import add_clean, clean, legacy
from tests.database.conftest import Steps
from tests.databases import Shop

REQUEST = "SELECT id, upscale_status FROM public.request_artwork_upscale(artwork_id => %s)"


def test_it_waits_once_however_often_it_is_asked_for(deployed: Shop) -> None:
    """A second request changes nothing, not even updated_at, and the legacy table has the request at once."""
    for before in ("not_started", "failed", "pending", "processing", "completed"):
        after = before if before in ("processing", "completed") else "pending"
        artwork = add_clean(deployed, upscale_status=before)
        assert [(artwork, after)] == deployed.rows(REQUEST, artwork)
        row = clean(deployed, artwork, "xmin::text")
        assert [(artwork, after)] == deployed.rows(REQUEST, artwork)
        assert row == clean(deployed, artwork, "xmin::text")
        assert after == legacy(deployed, artwork, "upscale_status")


def test_only_a_completed_generation_is_upscaled(deployed: Shop) -> None:
    """A request for an artwork that is not completed is refused with 55000 and changes nothing."""
    for status in ("pending", "processing", "failed"):
        artwork = add_clean(deployed, generation_status=status)
        with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match=f"only a completed generation .*, this one is {status}"):
            deployed.sql.execute(REQUEST, (artwork,))
        assert "not_started" == clean(deployed, artwork, "upscale_status")


def test_an_unknown_or_missing_id_is_an_error(deployed: Shop) -> None:
    """A request for an unknown id is refused with P0002, one without an id with 22023."""
    for artwork, sqlstate in ((uuid4(), "P0002"), (None, "22023")):
        with pytest.raises(psycopg.Error) as refused:
            deployed.sql.execute(REQUEST, (artwork,))
        assert sqlstate == refused.value.sqlstate


def test_two_clicks_at_once_are_one_request(deployed: Shop, steps: Steps) -> None:
    """Of two requests at the same moment the second waits for the first and changes nothing."""
    artwork = add_clean(deployed)
    first = deployed.session()
    first.execute(REQUEST, (artwork,))
    second = steps.statement(deployed, deployed.session(autocommit=True), REQUEST, artwork)
    second.blocks()
    first.commit()
    assert (artwork, "pending") == second.result().fetchone()
