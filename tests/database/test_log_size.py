"""The log of changed ids is small on disk again once it is drained, however much was in it."""

import psycopg
import pytest

from migration.ledger.phases import MIGRATE_DATA
from migration.sync import catch_up
from sample.server import EmbeddedServer
from tests.artworks import add_clean, add_legacy, add_order, clean, empty_log, logged
from tests.conftest import MakeShop
from tests.databases import Shop, catch_up_now, deploy, migrate, reconcile_now, roll_back, running, switch
from tests.series import LONG, series

SIZE = "SELECT PG_TOTAL_RELATION_SIZE('artwork_migration.legacy_change')"
#: As single writes log them: one row each.
LOG = "INSERT INTO artwork_migration.legacy_change (ids) SELECT ARRAY[GEN_RANDOM_UUID()] FROM GENERATE_SERIES(1, 20000)"
#: As one statement over many rows logs them: one array, in the TOAST table.
LOG_AT_ONCE = (
    "INSERT INTO artwork_migration.legacy_change (ids) SELECT ARRAY_AGG(x.id)"
    " FROM (SELECT GEN_RANDOM_UUID() AS id FROM GENERATE_SERIES(1, 20000)) AS x"
)


def drained(shop: Shop) -> int:
    """Bytes on disk after a drain."""
    with running(shop, MIGRATE_DATA) as run:
        run.begin()
        catch_up.drain(run)
    return int(shop.value(SIZE))


@pytest.mark.parametrize("log", [LOG, LOG_AT_ONCE])
def test_a_drained_log_is_small(deployed: Shop, log: str) -> None:
    """A drained log is small because the drain vacuums it; without VACUUM it keeps its size."""
    deployed.sql.execute(log)
    deployed.sql.execute("ALTER TABLE artwork_migration.legacy_change SET (autovacuum_enabled = off, toast.autovacuum_enabled = off)")
    catch_up_now(deployed)
    full = deployed.value(SIZE)
    assert full > 300_000
    assert drained(deployed) < full / 4


@LONG
def test_an_open_write_does_not_stop_the_drain(deployed: Shop) -> None:
    """A drain skips the truncation while a transaction holds the log, and the next drain truncates it."""
    deployed.sql.execute(LOG)
    writer = deployed.session()
    artwork = add_legacy(deployed)
    writer.execute("UPDATE public.artworks SET pet_name = 'Rexa' WHERE id = %s", (artwork,))
    full = deployed.value(SIZE)
    assert drained(deployed) >= full
    writer.commit()
    assert drained(deployed) < full / 4
    assert "Rexa" == clean(deployed, artwork, "pet_name")


def test_what_is_emptied_again_is_vacuumed_by_its_amount(deployed: Shop) -> None:
    """The tables that are emptied again have autovacuum settings by amount, because a share of their former size comes too late."""
    assert [("indirect_change",), ("key_change",), ("legacy_change",), ("quarantine",), ("waiting_email",)] == deployed.rows(
        "SELECT relname FROM pg_class WHERE relnamespace = 'artwork_migration'::regnamespace"
        " AND 'autovacuum_vacuum_scale_factor=0' = ANY(reloptions) ORDER BY relname"
    )


@pytest.mark.parametrize("of", series(["ALL TABLES", "TABLES IN SCHEMA public, artwork_migration"], {"ALL TABLES"}))
@LONG
def test_a_publication_of_everything_stands_in_nobodys_way(make_shop: MakeShop, either_server: EmbeddedServer, of: str) -> None:
    """Every verb and the capture work with every table published, also the logs without a key, on both releases."""
    shop = make_shop(on=either_server)
    shop.sql.execute("CREATE PUBLICATION everything FOR ALL TABLES" if of == "ALL TABLES" else "CREATE PUBLICATION everything")
    deploy(shop)
    if of != "ALL TABLES":
        shop.sql.execute(f"ALTER PUBLICATION everything ADD {of}")
    migrate(shop)
    artwork, other = add_legacy(shop), add_clean(shop)
    add_order(shop, artwork)
    catch_up_now(shop)
    switch(shop)
    shop.sql.execute("UPDATE public.artworks SET pet_name = 'Rexa' WHERE id = ANY(%s)", ([artwork, other],))
    roll_back(shop)
    catch_up_now(shop)
    assert {"match", "excluded"} == set(reconcile_now(shop))
    assert 2 == shop.value("SELECT COUNT(*) FROM public.artworks WHERE pet_name = 'Rexa' AND id = ANY(%s)", [artwork, other])


def test_without_its_replica_identity_a_published_log_could_not_be_emptied(deployed: Shop) -> None:
    """Without REPLICA IDENTITY FULL a published log could not be emptied."""
    deployed.sql.execute("CREATE PUBLICATION everything FOR ALL TABLES")
    add_legacy(deployed)
    empty_log(deployed)
    deployed.sql.execute("ALTER TABLE artwork_migration.legacy_change REPLICA IDENTITY DEFAULT")
    add_legacy(deployed)
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
        empty_log(deployed)
    assert 1 == len(logged(deployed))


@pytest.mark.parametrize("phase", ["DEPLOYED", "MIGRATED", "SWITCHED"])
def test_every_table_of_ours_can_be_published(make_shop: MakeShop, phase: str) -> None:
    """Each of our tables has a primary key or publishes whole rows: a publication FOR ALL TABLES stops no DELETE in them.

    Not the mapping: it is written once, and anew as a whole.
    """
    shop = make_shop(phase=phase)
    without = """
        SELECT c.relname FROM pg_class AS c
        WHERE c.relnamespace = 'artwork_migration'::regnamespace AND c.relkind = 'r' AND c.relreplident <> 'f'
          AND c.relname <> 'column_mapping'
          AND NOT EXISTS (SELECT FROM pg_index AS i WHERE i.indrelid = c.oid AND i.indisprimary)
        """
    assert [] == shop.rows(without)
