"""The clean-up: what goes, what stays, and that the product goes on without us."""

import json
from pathlib import Path

import pytest

from reporting.plans import plan_markdown
from reporting.report import read_report
from reporting.status import read_status, status_lines
from migration.errors import NoReport
from sample.build import Variant
from sample.server import EmbeddedServer
from tests.conftest import MakeShop
from tests.shops import Shop, decide, execute_clean_up, finish_clean_up, make_ready, planned_clean_up, switch


@pytest.fixture
def ready(make_shop: MakeShop) -> Shop:
    """The production-like sample, switched, with nothing that speaks against the clean-up."""
    shop = make_shop(phase="SWITCHED")
    make_ready(shop)
    return shop


@pytest.mark.parametrize("variant", list(Variant))
def test_nothing_of_ours_is_left_but_the_record(make_shop: MakeShop, either_server: EmbeddedServer, variant: Variant, tmp_path: Path) -> None:
    """Nothing in the schema public names the migration; of our schema the ledger's own tables are left; every serving row is there."""
    shop = make_shop(variant, phase="SWITCHED", on=either_server)
    make_ready(shop)
    serving = shop.rows("SELECT a::text FROM artworks AS a ORDER BY a.id")
    assert () == planned_clean_up(shop).blockers
    execute_clean_up(shop)
    finish_clean_up(shop, tmp_path)
    assert serving == shop.rows("SELECT a::text FROM artworks AS a ORDER BY a.id")
    assert [] == [line for line in shop.schema_dump("--schema=public") if "artwork_migration" in line or "_old" in line]
    left = shop.rows("SELECT relname FROM pg_class WHERE relnamespace = 'artwork_migration'::regnamespace AND relkind IN ('r', 'v', 'm')")
    assert {"phase_history", "step", "decision", "plan", "verification"} == {name for (name,) in left}
    assert shop.value("SELECT COUNT(*) FROM pg_proc WHERE pronamespace = 'artwork_migration'::regnamespace") == 0
