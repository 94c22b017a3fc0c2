"""Transactions of the application that are older than a step of the migration and write after it."""

from typing import Any

import psycopg
import pytest

from tests.artworks import clean, legacy
from tests.databases import Shop, deploy, migrate, roll_back, switch
from tests.series import first

CREATE = "SELECT (c.artwork).id FROM create_artwork('Ada', 'older@example.com', 'Rex', 'https://a.example/1', 'https://a.example/2') AS c"
INSERT = "INSERT INTO artworks_v2 (customer_name, customer_email, access_token, pet_mom_image_url, pet_image_url)" \
    " VALUES ('Ada', 'older@example.com', 'token of an older one', 'mom', 'pet')"  # fmt: skip


def older(shop: Shop) -> psycopg.Connection[Any]:
    """Return a session of the application with a transaction whose snapshot is taken."""
    session = shop.session(role="service_role")
    session.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    session.execute("SELECT 1")
    return session


@pytest.mark.parametrize("statement", [CREATE, INSERT], ids=["function", "table"])
@first(1)
def test_a_transaction_older_than_the_deployment_writes_on_both_sides_or_is_repeated(shop: Shop, statement: str) -> None:
    """A write to the clean table by a transaction older than the deployment ends with 40001; repeated, it is on both sides."""
    session = older(shop)
    deploy(shop)
    with pytest.raises(psycopg.errors.SerializationFailure):
        session.execute(statement)  # type: ignore[call-overload]  # a text of this file
    session.rollback()
    session.execute(statement)  # type: ignore[call-overload]
    session.commit()
    assert 1 == shop.value(
        "SELECT COUNT(*) FROM artworks AS a JOIN artworks_v2 AS v USING (id) WHERE a.customer_email = 'older@example.com'"
    )
    assert set(migrate(shop)) == {"match", "excluded"}


def test_a_transaction_older_than_the_rollback_writes_on_both_sides_or_is_repeated(migrated: Shop) -> None:
    """A write by a transaction that does not see what was carried back ends with 40001; repeated, it is on both sides."""
    switch(migrated)
    artwork = migrated.value(CREATE)
    # as an earlier artwork of that id leaves it, which was deleted and carried back; without it another conflict would end the write
    migrated.sql.execute("INSERT INTO artwork_migration.clean_modified (id) VALUES (%s)", (artwork,))
    session = older(migrated)
    roll_back(migrated)
    change = "UPDATE artworks_v2 SET pet_name = 'Lassie' WHERE id = %s"
    with pytest.raises(psycopg.errors.SerializationFailure):
        session.execute(change, (artwork,))
    session.rollback()
    session.execute(change, (artwork,))
    session.commit()
    assert ("Lassie", "Lassie") == (legacy(migrated, artwork, "pet_name"), clean(migrated, artwork, "pet_name"))
