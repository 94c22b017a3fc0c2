"""A shop in each phase that an application meets the lifecycle functions in, and who reads what there."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

from sample.build import Variant
from sample.server import EmbeddedServer
from tests.conftest import MakeShop
from tests.databases import Shop, execute_clean_up, finish_clean_up, make_ready, roll_back

#: In the order of the life cycle; ROLLED_BACK is MIGRATED again, after a switch and the way back from it.
PHASES = ("DEPLOYED", "MIGRATED", "SWITCHED", "ROLLED_BACK", "CLEANED")


def in_phase(
    make_shop: MakeShop, phase: str, folder: Path, *, variant: Variant = Variant.CURRENT, on: EmbeddedServer | None = None
) -> Shop:
    """A shop of the sample's in that phase; what the clean-up exports goes into the folder."""
    shop = make_shop(variant, phase="SWITCHED" if phase in ("ROLLED_BACK", "CLEANED") else phase, on=on)
    if phase == "ROLLED_BACK":
        roll_back(shop)
    elif phase == "CLEANED":
        make_ready(shop)
        execute_clean_up(shop)
        finish_clean_up(shop, folder)
    return shop


def clean_table(phase: str) -> str:
    """What the clean table is called."""
    return "artworks" if phase in ("SWITCHED", "CLEANED") else "artworks_v2"


def readable(shop: Shop, user: UUID, table: str) -> set[Any]:
    """The ids that row level security shows to somebody who has signed in."""
    with shop.session(role="authenticated") as session:
        session.execute("SELECT SET_CONFIG('request.jwt.claims', %s, TRUE)", (json.dumps({"role": "authenticated", "sub": str(user)}),))
        return {row[0] for row in session.execute(f"SELECT id FROM public.{table}")}  # type: ignore[call-overload]  # made of this test's own names
