"""The rules of legacy columns hold for the clean ones: types, collations, defaults, NOT NULLs and checks. What does not is named."""

import psycopg
import pytest

from tests.artworks import add_clean, clean, legacy
from tests.databases import Shop, accept_exposure, decide, deploy, migrate, planned_deployment, planned_switch, roll_back, switch
from tests.series import LONG

TYPES = """
DROP VIEW artwork_gallery;
ALTER TABLE artworks ALTER pet_name TYPE varchar(255), ALTER customer_email TYPE text COLLATE "C", ALTER upscaled_at TYPE timestamptz(3);
CREATE DOMAIN person AS text CHECK (VALUE <> 'nobody');
ALTER TABLE artworks ALTER customer_name TYPE person;
CREATE VIEW pets AS SELECT id, pet_name, customer_name, customer_email FROM artworks;
CREATE MATERIALIZED VIEW pet_names AS SELECT pet_name, COUNT(*) AS pets FROM artworks GROUP BY 1;
CREATE PUBLICATION pets FOR TABLE artworks (id, pet_name, customer_email);
CREATE POLICY by_pet ON orders USING (EXISTS (SELECT FROM artworks AS a WHERE a.id = orders.artwork_id AND a.pet_name <> ''));
"""
#: No new status has room in it, so the clean column stays text.
SHORT_STATUS = """
DROP VIEW artwork_gallery;
DROP MATERIALIZED VIEW artwork_sales;
UPDATE artworks SET generation_status = 'pending' WHERE generation_status = 'processing';
ALTER TABLE artworks ALTER generation_status TYPE varchar(9);
CREATE VIEW statuses AS SELECT generation_status FROM artworks;
CREATE MATERIALIZED VIEW by_status AS SELECT generation_status, COUNT(*) AS artworks FROM artworks GROUP BY 1;
"""
CARRIED = """
ALTER TABLE artworks ADD COLUMN price_variant text NOT NULL DEFAULT 'A' CHECK (price_variant IN ('A', 'B'));
ALTER TABLE artworks ADD CONSTRAINT "No %:x" CHECK (pet_name <> '%:x');
ALTER TABLE artworks ADD CHECK (pet_name <> customer_name OR generation_status <> 'failed');
UPDATE artworks SET pet_name = 'Rex' WHERE pet_name IS NULL;
ALTER TABLE artworks ALTER pet_name SET NOT NULL;
ALTER TABLE artworks ADD CONSTRAINT tidy CHECK (customer_name = BTRIM(customer_name)) NOT VALID;
"""

#: One of them, as plans call it.
CARRIED_CHECK = 'check "No %:x"'


def actions(shop: Shop) -> dict[str, str]:
    """What the plan of deploy_schema says of each dependent, by its object."""
    return {one["object"]: one["problem"] or one["action"] for one in planned_deployment(shop).facts["dependents"]}


def lines(shop: Shop) -> set[str]:
    """The lines of the schema's dump, without what follows a column."""
    return {line.rstrip(",") for line in shop.schema_dump("--exclude-schema=artwork_migration")}


def columns_of(shop: Shop, relation: str) -> list[tuple[str, str, str]]:
    """Name, type and collation of each column."""
    return shop.rows(
        "SELECT attname, FORMAT_TYPE(atttypid, atttypmod), attcollation::regcollation::text FROM pg_attribute"
        " WHERE attrelid = %s::regclass AND attnum > 0 ORDER BY attname",
        relation,
    )


@LONG
def test_types_and_collations_are_taken_over_and_nothing_is_in_the_way(shop: Shop) -> None:
    """With a length, a collation, a precision and a domain the views, policies and publications that read them go over and come back."""
    shop.sql.execute(TYPES)
    before = lines(shop)
    deploy(shop)
    assert {"match", "excluded"} == set(migrate(shop))
    for column in ("pet_name", "customer_name", "customer_email"):
        of_legacy, of_clean = columns_of(shop, "artworks"), columns_of(shop, "artworks_v2")
        assert [one for one in of_legacy if one[0] == column] == [one for one in of_clean if one[0] == column]
    assert ("upscale_completed_at", "timestamp(3) with time zone", "-") in columns_of(shop, "artworks_v2")
    assert () == planned_switch(shop).blockers
    switch(shop)
    assert shop.value("SELECT COUNT(*) FROM artworks") == shop.value("SELECT COUNT(*) FROM pets")
    with pytest.raises(psycopg.errors.StringDataRightTruncation):
        shop.sql.execute("UPDATE artworks SET pet_name = REPEAT('x', 256)")
    with pytest.raises(psycopg.errors.CheckViolation):
        shop.sql.execute("UPDATE artworks SET customer_name = 'nobody'")
    roll_back(shop)
    assert set() == before - lines(shop)


@LONG
def test_a_type_that_differs_is_called_so_and_blocks_only_a_view(shop: Shop) -> None:
    """Where our statuses have no room the clean column stays text: a view cannot be recreated and says why, a materialized view can."""
    shop.sql.execute(SHORT_STATUS)
    said = actions(shop)
    assert "it reads generation_status, whose type differs: character varying(9) and text." == said["view public.statuses"]
    assert said["materialized view public.by_status"].startswith("built anew on the clean table")
    shop.sql.execute("DROP VIEW statuses")
    deploy(shop)
    migrate(shop)
    assert () == planned_switch(shop).blockers
    switch(shop)
    roll_back(shop)


@LONG
def test_a_default_of_a_mapped_column_holds_after_the_switch(shop: Shop) -> None:
    """A token that is inserted without an end expires after the switch as it did before, and only where the clean column has a default
    of its own the plan says so."""
    shop.sql.execute("ALTER TABLE artworks ALTER token_expires_at SET DEFAULT NOW() + INTERVAL '30 days'")
    said = actions(shop)
    assert "the clean table gets it at deploy-schema" == said["default of column token_expires_at"]
    assert "stays with the retired table; the clean column has its own" == said["default of column created_at"]
    deploy(shop)
    born = add_clean(shop)
    assert clean(shop, born, "token_expires_at") == legacy(shop, born, "token_expires_at")
    assert shop.value("SELECT token_expires_at > NOW() + INTERVAL '29 days' FROM artworks_v2 WHERE id = %s", born)


@LONG
def test_checks_and_not_nulls_hold_after_the_switch_and_the_others_are_marked(shop: Shop) -> None:
    """Checks of columns with the same values hold on the clean table, under their names after the switch; what is not carried is marked."""
    shop.sql.execute(CARRIED)
    accept_exposure(shop)
    decide(shop, "carry_columns", "price_variant")
    said = actions(shop)
    kept = ["check artworks_price_variant_check", CARRIED_CHECK, "default of column price_variant"]
    assert {"the clean table gets it at deploy-schema"} == {said[name] for name in kept}
    assert "⚠ it reads a column that the clean table does not have or that has other values there" in said["check artworks_check"]
    assert "⚠ it is NOT VALID" in said["check tidy"]
    deploy(shop)
    assert {"match", "excluded"} == set(migrate(shop))
    switch(shop)
    for wrong in ("price_variant = 'Z'", "price_variant = NULL", "pet_name = '%:x'", "pet_name = NULL"):
        with pytest.raises(psycopg.errors.IntegrityError):
            shop.session().execute(f"UPDATE artworks SET {wrong}".encode())
    names = {name for (name,) in shop.rows("SELECT conname FROM pg_constraint WHERE conrelid = 'artworks'::regclass AND contype = 'c'")}
    assert {"artworks_price_variant_check", "No %:x"} <= names
    assert 0 == roll_back(shop).rejected
    switch(shop)


@LONG
def test_a_check_of_a_long_name_or_a_name_of_ours_is_carried_over(shop: Shop) -> None:
    """A name of 63 bytes, and one that a check of the clean table has, get another name and hold."""
    long = "artworks_" + "é" * 27
    shop.sql.execute(
        f"ALTER TABLE artworks ADD CONSTRAINT \"{long}\" CHECK (pet_name <> 'a');"
        "ALTER TABLE artworks DROP CONSTRAINT artworks_upscale_status_check;"
        "ALTER TABLE artworks ADD CONSTRAINT artworks_upscale_status_check CHECK (pet_name <> 'b')"
    )
    deploy(shop)
    migrate(shop)
    switch(shop)
    for name in ("a", "b"):
        with pytest.raises(psycopg.errors.CheckViolation):
            shop.sql.execute("UPDATE artworks SET pet_name = %s", (name,))
    roll_back(shop)
