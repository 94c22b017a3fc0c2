"""A name that a trigger gets as an argument, or that a function below it uses: said on the first day, or found before the commit."""

import pytest

from migration.errors import NotAccepted
from tests.artworks import add_legacy
from tests.databases import Shop, deploy, execute_switch, migrate, planned_deployment, planned_switch, roll_back, switch
from tests.series import LONG

#: The column is in no text, only in the argument.
BY_ARGUMENT = """
CREATE FUNCTION audit_column() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE seen text;
BEGIN
  EXECUTE FORMAT('SELECT ($1).%I::text', TG_ARGV[0]) INTO seen USING NEW;
  RETURN NEW;
END
$$;
CREATE TRIGGER audit BEFORE INSERT OR UPDATE ON artworks FOR EACH ROW EXECUTE FUNCTION audit_column('original_image_url')
"""
#: The column is in the text of a function that the trigger's function calls.
BELOW = """
CREATE FUNCTION count_mockups() RETURNS bigint LANGUAGE plpgsql AS $$BEGIN RETURN (SELECT COUNT(mockup_urls) FROM artworks); END$$;
CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM count_mockups(); RETURN NEW; END$$;
CREATE TRIGGER audit BEFORE INSERT OR UPDATE ON artworks FOR EACH ROW EXECUTE FUNCTION audit()
"""


@LONG
def test_a_column_name_in_an_argument_is_said_on_the_first_day(shop: Shop) -> None:
    """The plan of deploy_schema says that the trigger names what vanishes; rewritten for a column of both tables, it goes over."""
    shop.sql.execute(BY_ARGUMENT)
    (said,) = (one for one in planned_deployment(shop).facts["dependents"] if one["object"] == "trigger audit")
    assert ("blocks the switch", "it names original_image_url, which the clean table does not have.") == (said["action"], said["problem"])
    deploy(shop)
    migrate(shop)
    assert ["trigger audit"] == [blocker.subject for blocker in planned_switch(shop).blockers]
    shop.sql.execute(
        "DROP TRIGGER audit ON artworks;"
        "CREATE TRIGGER audit BEFORE INSERT OR UPDATE ON artworks FOR EACH ROW EXECUTE FUNCTION audit_column('pet_name')"
    )
    switch(shop)
    assert can_write(shop)
    roll_back(shop)


@LONG
def test_what_fails_when_a_trigger_fires_is_found_before_the_commit(shop: Shop) -> None:
    """The acceptance test under the locks fails with SQLSTATE and function; nothing was changed, and once corrected the switch goes on."""
    shop.sql.execute(BELOW)
    deploy(shop)
    migrate(shop)
    before = shop.schema_dump()
    with pytest.raises(NotAccepted) as failed:
        execute_switch(shop)
    assert 'SQLSTATE 42703, in function count_mockups(), column "mockup_urls" does not exist' == failed.value.found
    assert before == shop.schema_dump()
    add_legacy(shop)
    shop.sql.execute(
        "CREATE OR REPLACE FUNCTION count_mockups() RETURNS bigint LANGUAGE plpgsql"
        " AS $$BEGIN RETURN (SELECT COUNT(*) FROM artworks); END$$"
    )
    switch(shop)
    assert can_write(shop)
    assert 0 == shop.value("SELECT COUNT(*) FROM artworks WHERE customer_email LIKE '%.invalid'")
    assert 0 == shop.value("SELECT COUNT(*) FROM users WHERE email LIKE '%.invalid'")
    roll_back(shop)


def can_write(shop: Shop) -> bool:
    """Whether the application can create an artwork and change every one while the clean table serves."""
    shop.sql.execute("SELECT create_artwork('Ann', 'ann@example.com', 'Rex', 'https://a.example/1', 'https://a.example/2')")
    return shop.sql.execute("UPDATE artworks SET pet_name = 'Bello' WHERE customer_email = 'ann@example.com'").rowcount == 1
