"""The decision carry_columns: legacy columns beyond the mapping that go along as they are, on every way between the tables."""

import re

import pytest

from migration.errors import BadInput
from migration.ledger import decisions, ledger
from migration.ledger.decisions import DecisionName
from migration.verbs.decide import apply_at_once
from reporting.plans import plan_markdown
from tests.artworks import add_clean, add_legacy, clean, legacy, verdict
from tests.databases import Shop, catch_up_now, deploy, migrate, planned_deployment, reconcile_now
from tests.series import LONG, series

CARRIED = "mockup_urls, Mock-up of, mockup_generated_at"

#: Types whose values cannot be compared, because of a json somewhere in them.
TYPES = """
CREATE DOMAIN raw AS json; CREATE DOMAIN raw_list AS json[];
CREATE TYPE pair AS (name text, value json); CREATE TYPE nested AS (pairs pair[])
"""


def decide(shop: Shop, value: str, name: DecisionName = DecisionName.CARRY_COLUMNS) -> None:
    """What the verb does, without a flow around it."""
    with shop.database.transaction("deciding") as connection:
        checked = decisions.checked_value(connection, name, value)
        if not ledger.exists(connection):
            ledger.create(connection)
        apply_at_once(connection, name, checked)
        ledger.decide(connection, name, checked, approved_by="test", reason="test", run_name="test")


@pytest.fixture
def carrying(shop: Shop) -> Shop:
    """Deployed with two jsonb and timestamptz columns carried over, and one with an awkward name and a default."""
    shop.sql.execute("""ALTER TABLE public.artworks ADD COLUMN "Mock-up of" text DEFAULT 'nobody''s % :x'""")
    decide(shop, CARRIED)
    deploy(shop)
    return shop


def test_values_are_copied_as_they_are(carrying: Shop) -> None:
    """Every migrated row has the legacy values of the carried columns, and the comparison includes them."""
    assert {"match", "excluded"} == set(migrate(carrying))
    differing = """
        SELECT COUNT(*) FROM public.artworks AS a JOIN public.artworks_v2 AS c USING (id)
        WHERE (a.mockup_urls, a."Mock-up of", a.mockup_generated_at) IS DISTINCT FROM (c.mockup_urls, c."Mock-up of", c.mockup_generated_at)
    """
    assert (0, True) == (
        carrying.value(differing),
        carrying.value("SELECT COUNT(mockup_urls) > 100 FROM public.artworks_v2"),
    )


@LONG
def test_later_writes_reach_both_sides(carrying: Shop) -> None:
    """A legacy write to a carried column is caught up, a clean one is written through, and a new clean row gets the default on both
    sides."""
    migrate(carrying)
    old, born = add_legacy(carrying), add_clean(carrying)
    catch_up_now(carrying)
    carrying.sql.execute("""UPDATE public.artworks SET mockup_urls = '["a"]', "Mock-up of" = 'Rex' WHERE id = %s""", (old,))
    catch_up_now(carrying)
    assert (["a"], "Rex") == (clean(carrying, old, "mockup_urls"), clean(carrying, old, '"Mock-up of"'))
    carrying.sql.execute("""UPDATE public.artworks_v2 SET "Mock-up of" = 'Bello' WHERE id = %s""", (old,))
    assert "Bello" == legacy(carrying, old, '"Mock-up of"')
    assert "nobody's % :x" == clean(carrying, born, '"Mock-up of"') == legacy(carrying, born, '"Mock-up of"')
    catch_up_now(carrying)
    assert ["match"] * 2 == [verdict(carrying, artwork) for artwork in (old, born)]


@LONG
def test_a_wrong_carried_value_is_named(carrying: Shop) -> None:
    """The comparison finds a wrong value of a carried column and names the column."""
    migrate(carrying)
    with carrying.sql.transaction():
        carrying.sql.execute("SET LOCAL artwork_migration.apply = 'on'")
        carrying.sql.execute("UPDATE public.artworks_v2 SET mockup_urls = '[1]' WHERE ctid = '(0,1)'")
    reconcile_now(carrying)
    assert [(["mockup_urls"],)] == carrying.rows("SELECT about FROM artwork_migration.finding WHERE rule = 'differs'")


@LONG
def test_the_plan_leaves_it_out_of_what_stays_behind(shop: Shop) -> None:
    """The plan does not count the values of a carried column among those that stay behind, unless the decision is withdrawn."""
    stays = {"original_image_url", "mockup_urls", "mockup_generated_at"}
    assert stays == set(planned_deployment(shop).facts["columns_not_carried"])
    decide(shop, "mockup_urls")
    assert stays - {"mockup_urls"} == set(planned_deployment(shop).facts["columns_not_carried"])
    decide(shop, "none")
    assert stays == set(planned_deployment(shop).facts["columns_not_carried"])


@LONG
def test_the_plan_says_what_takes_them_along(shop: Shop) -> None:
    """The plan has the command that carries exactly the columns it accepts, and says why the others stay behind."""
    shop.sql.execute(f"{TYPES}; ALTER TABLE artworks ADD COLUMN given pair[] DEFAULT '{{}}'")
    told = plan_markdown(planned_deployment(shop))
    (columns,) = re.findall(
        r"`artwork-migration run decide carry_columns (\S+) --approved-by NAME --reason WHY`. Do it before you run this plan", told
    )
    assert "mockup_urls,mockup_generated_at" == columns
    assert "`given` stays in the retired table: values of its type cannot be compared." in told
    assert "`original_image_url` stays in the retired table: the mapping reads it already, and carries over what it says." in told
    decide(shop, columns)
    assert "decide carry_columns" not in plan_markdown(planned_deployment(shop))


@pytest.mark.parametrize(
    ("added", "value", "told"),
    [
        ("", "", "takes columns of artworks"),
        ("", "nonsense", "nonsense: artworks has no such column"),
        ("", "mockup_urls, pet_name", "pet_name: the mapping reads it already"),
        ("fal_request_id text", "fal_request_id", "fal_request_id: the clean table or the mapping has a column of that name"),
        ("disposition text", "disposition", "disposition: the clean table or the mapping has a column of that name"),
        ("raw json", "raw", "raw: values of its type cannot be compared"),
        ("raws json[]", "raws", "raws: values of its type cannot be compared"),
        ('"a@b" text', "a@b", "a@b: its name contains one of the signs"),
        ('":b" text', ":b", ":b: its name contains one of the signs"),
        ("c text", "c", "c: the clean table or the mapping has a column of that name"),
        ("place point", "place", "place: values of its type cannot be compared"),
        ("given raw", "given", "given: values of its type cannot be compared"),
        ("given raw_list", "given", "given: values of its type cannot be compared"),
        ("given pair", "given", "given: values of its type cannot be compared"),
        ("given pair[]", "given", "given: values of its type cannot be compared"),
        ("given nested", "given", "given: values of its type cannot be compared"),
        ("number bigint GENERATED ALWAYS AS IDENTITY", "number", "number: its values are generated by the database"),
        ("twice text GENERATED ALWAYS AS (pet_name || pet_name) STORED", "twice", "twice: its values are generated by the database"),
    ],
)
def test_what_cannot_be_carried_is_refused_when_it_is_decided(shop: Shop, added: str, value: str, told: str) -> None:
    """A decision for a column that cannot be carried is refused with the reason; nothing is decided and no ledger created."""
    shop.sql.execute(TYPES)
    if added:
        shop.sql.execute(f"ALTER TABLE public.artworks ADD COLUMN {added}")
    with pytest.raises(BadInput, match=told):
        decide(shop, value)
    assert shop.value("SELECT TO_REGNAMESPACE('artwork_migration')") is None


def test_after_deploy_schema_it_is_too_late(deployed: Shop) -> None:
    """The clean table has its columns by then; the refusal says to roll back first."""
    with pytest.raises(BadInput, match="roll back first"):
        decide(deployed, "mockup_urls")


@pytest.mark.parametrize(
    "name",
    series(
        ["created", "ids", "judged", "moved", "logged", "removed", "written", "copied", "changes", "first_tid", "x'y", 'q"r', "p%d"],
        {"x'y"},
    ),
)
@LONG
def test_a_column_may_be_called_like_a_variable_of_ours(shop: Shop, name: str) -> None:
    """Columns named like variables of our functions, and with awkward names, are carried all the way."""
    quoted = '"' + name.replace('"', '""') + '"'
    shop.sql.execute(f"ALTER TABLE public.artworks ADD COLUMN {quoted} text DEFAULT 'was there'")
    decide(shop, name)
    deploy(shop)
    assert {"match", "excluded"} == set(migrate(shop))
    artwork = add_clean(shop)
    escaped = quoted.replace("%", "%%")
    shop.sql.execute(f"UPDATE public.artworks_v2 SET {escaped} = 'new' WHERE id = %s", (artwork,))
    shop.sql.execute('SELECT public.update_artwork_lifecycle(%s, \'{"generated_image_url": "https://x.example/y"}\')', (artwork,))
    catch_up_now(shop)
    assert ("new", "new", "https://x.example/y") == (
        legacy(shop, artwork, escaped),
        clean(shop, artwork, escaped),
        clean(shop, artwork, "generated_image_url"),
    )


@LONG
def test_an_array_a_composite_and_a_range_that_can_be_compared_are_carried(shop: Shop) -> None:
    """Types of types are carried over if the types in them can be compared."""
    shop.sql.execute("CREATE TYPE pair AS (name text, value jsonb); CREATE DOMAIN words AS text[]")
    shop.sql.execute("ALTER TABLE artworks ADD COLUMN given pair[], ADD COLUMN days daterange, ADD COLUMN said words")
    decide(shop, "given, days, said")
    deploy(shop)
    artwork = add_legacy(shop)
    shop.sql.execute(
        """UPDATE artworks SET given = ARRAY[('a', '{"b": 1}')::pair], days = '[2026-01-01,2026-02-01)', said = '{x,y}' WHERE id = %s""",
        (artwork,),
    )
    assert {"match", "excluded"} == set(migrate(shop))
    assert legacy(shop, artwork, "(given, days, said)::text") == clean(shop, artwork, "(given, days, said)::text")


def test_a_type_that_our_functions_cannot_compare_is_refused(shop: Shop) -> None:
    """A column whose type has its equality in another schema is refused, because an empty search_path does not find it."""
    # one release of the test dependencies comes without hstore, and with vector
    kind = shop.value("SELECT name FROM pg_available_extensions WHERE name IN ('hstore', 'vector') ORDER BY name LIMIT 1")
    shop.sql.execute(f"CREATE EXTENSION {kind} SCHEMA public; ALTER TABLE public.artworks ADD COLUMN tags public.{kind}")
    with pytest.raises(BadInput, match="tags: values of its type cannot be compared"):
        decide(shop, "tags")
