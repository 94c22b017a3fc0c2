"""Mistakes in the mapping itself, in place from the start: what the copy and the comparison share is found by what they do not share.

The mistakes are made from the lists: every mapped column, every disposition, every reason of quarantine.
"""

import itertools
import re
from uuid import UUID

import pytest

import sql
from migration.errors import DatabaseError
from migration.ledger.phases import MIGRATE_DATA
from migration.sync import reconcile
from tests.artworks import add_clean, add_legacy, add_order
from tests.databases import Shop, migrate, running
from tests.series import first, series

MAPPING = sql.load("legacy_artwork").statement
COLUMNS = sorted(set(re.findall(r"\((?:\n\s*)?\d+, '(\w+)'", sql.load("mapping").statement)) - {"id"})
DISPOSITIONS = sorted(set(re.findall(r"(?:THEN|ELSE) '(\w+)'", MAPPING.split("AS touched,")[1].split("AS disposition")[0])) - {"eligible"})
REASONS = sorted(set(re.findall(r"THEN '(\w+)'", MAPPING.split("AS disposition")[1].split("AS defect")[0])))

#: A wrong value for the columns that do not take any text.
WRONG = {
    "generation_status": "'failed'",
    "upscale_status": "'failed'",
    "token_expires_at": "timestamptz '2001-01-01'",
    "created_at": "timestamptz '2001-01-01'",
    "updated_at": "timestamptz '2001-01-01'",
    "upscale_completed_at": "timestamptz '2001-01-01'",
    "user_id": "(SELECT u.id FROM public.users AS u ORDER BY u.id LIMIT 1)",
}


def mutate(shop: Shop, **instead: str) -> None:
    """Give columns of the mapping view another expression, on `m`, the row as it should be."""
    view = shop.value("SELECT PG_GET_VIEWDEF('artwork_migration.legacy_artwork'::regclass)").rstrip(";")
    order = "SELECT attname FROM pg_attribute WHERE attrelid = 'artwork_migration.legacy_artwork'::regclass ORDER BY attnum"
    selected = ", ".join(f"{instead.get(name, 'm.' + name)} AS {name}" for (name,) in shop.rows(order))
    shop.sql.execute(f"CREATE OR REPLACE VIEW artwork_migration.legacy_artwork AS SELECT {selected} FROM ({view}) AS m")


def red(shop: Shop) -> dict[str, set[str]]:
    """The rules that are red in the newest look, each with what it is about."""
    results = "artwork_migration.rule_result"
    found = shop.rows(f"SELECT rule, about FROM {results} WHERE bad > 0 AND run = (SELECT MAX(run) FROM {results})")
    return {rule: set(about) for rule, about in found}


def test_the_lists_are_not_empty() -> None:
    """The lists that the mistakes are made from have the columns, dispositions and reasons of the files."""
    assert len(COLUMNS) >= 14
    assert {"test_data", "no_email", "no_access_token", "in_flight", "abandoned", "not_completed"} == set(DISPOSITIONS)
    assert {"no_email", "no_access_token", "too_long_to_index", "no_created_at", "no_updated_at", "unknown_status"} == set(REASONS)


@pytest.mark.parametrize("column", series(COLUMNS, {"pet_name", "user_id", "upscale_status", "created_at"}))
@first(2)
def test_a_column_mapped_wrongly_is_named(deployed: Shop, column: str) -> None:
    """A column mapped wrongly in copy and comparison alike is found and named, because written back it differs from legacy."""
    add_order(deployed, add_legacy(deployed, generation_status="pending"))
    mutate(deployed, **{column: WRONG.get(column, f"COALESCE(m.{column}, '') || 'x'")})
    migrate(deployed)
    assert {"round_trip": {column}} == red(deployed)


def test_an_id_mapped_wrongly_is_found(deployed: Shop) -> None:
    """A clean row under an id that legacy does not have is extra, and its legacy row is unexplained."""
    artwork = add_legacy(deployed)
    mutate(deployed, id=f"CASE WHEN m.id = '{artwork}' THEN MD5(m.id::text)::uuid ELSE m.id END")
    migrate(deployed)
    assert {"extra", "strategy_count"} <= set(red(deployed))


def one_of_each(shop: Shop, disposition: str) -> UUID:
    """A legacy row that stays behind for this reason, and that the clean table could take."""
    columns = {
        "test_data": {"original_image_url": "test-pending"},
        "no_email": {"customer_email": " "},
        "no_access_token": {"access_token": "\t"},
        "in_flight": {"generation_status": "pending"},
        "abandoned": {"generation_status": "pending", "updated_at": "2020-01-01"},
        "not_completed": {"generation_status": "failed"},
    }[disposition]
    return add_legacy(shop, **columns)


@pytest.mark.parametrize("disposition", DISPOSITIONS)
@first(2)
def test_a_rule_that_lets_a_row_in_is_named(deployed: Shop, disposition: str) -> None:
    """A row that should stay behind and is migrated is found by the strategy's own clause, with its disposition."""
    artwork = one_of_each(deployed, disposition)
    mutate(
        deployed,
        disposition=f"CASE WHEN m.id = '{artwork}' THEN 'eligible' ELSE m.disposition END",
        migratable=f"m.migratable OR m.id = '{artwork}'",
    )
    migrate(deployed)
    found = red(deployed)
    assert {"strategy_count"} == set(found)
    assert disposition in found["strategy_count"]
    assert [(artwork,)] == deployed.rows("SELECT id FROM artwork_migration.finding WHERE rule = 'strategy_count'")


def eligible(shop: Shop, why: str) -> UUID:
    """A legacy row that comes along for this reason."""
    match why:
        case "touched":
            return add_clean(shop, generation_status="failed")
        case "referenced":
            artwork = add_legacy(shop, generation_status="failed")
            add_order(shop, artwork)
            return artwork
        case "without original_image_url":
            shop.sql.execute("ALTER TABLE public.artworks ALTER original_image_url DROP NOT NULL")
            return add_legacy(shop, original_image_url=None)
        case _:
            return add_legacy(shop)


#: Why a row comes along; and one of these reasons for each disposition.
WHY = ("completed", "touched", "referenced", "without original_image_url")
EACH_ONCE = set(zip(DISPOSITIONS, itertools.cycle(WHY), strict=False))


@pytest.mark.parametrize(("disposition", "why"), series(itertools.product(DISPOSITIONS, WHY), EACH_ONCE))
@first(2)
def test_a_rule_that_keeps_a_row_out_is_named(deployed: Shop, disposition: str, why: str) -> None:
    """A row that should be migrated and stays behind is missing in the independent count, with the rule that kept it."""
    artwork = eligible(deployed, why)
    mutate(
        deployed,
        disposition=f"CASE WHEN m.id = '{artwork}' THEN '{disposition}' ELSE m.disposition END",
        migratable=f"m.migratable AND m.id <> '{artwork}'",
    )
    migrate(deployed)
    assert {"strategy_count": {disposition}} == red(deployed)


@pytest.mark.parametrize("reason", [*REASONS, "duplicate_access_token"])
@first(2)
def test_a_reason_of_quarantine_that_takes_a_good_row_is_named(deployed: Shop, reason: str) -> None:
    """A good row in quarantine exceeds max_quarantined, and the gate names its reason."""
    first, second = add_legacy(deployed), add_legacy(deployed)
    if reason == "duplicate_access_token":
        token = f"(SELECT a.access_token FROM public.artworks AS a WHERE a.id = '{first}')"
        mutate(deployed, access_token=f"CASE WHEN m.id = '{second}' THEN {token} ELSE m.access_token END")
    else:
        mutate(
            deployed,
            defect=f"CASE WHEN m.id = '{second}' THEN '{reason}' ELSE m.defect END",
            migratable=f"m.migratable AND m.id <> '{second}'",
        )
    migrate(deployed)
    assert {"quarantined": {reason}} == red(deployed)


@pytest.mark.parametrize(
    ("reason", "damage", "sqlstate"),
    [("no_created_at", {"created_at": None}, "23502"), ("unknown_status", {"generation_status": "odd"}, "23514")],
)
def test_a_reason_of_quarantine_that_misses_a_bad_row_stops_the_copy(
    deployed: Shop, reason: str, damage: dict[str, str | None], sqlstate: str
) -> None:
    """A bad row that quarantine missed is refused by the clean table's constraint, and the run fails with its SQLSTATE."""
    for (name,) in deployed.rows("SELECT conname FROM pg_constraint WHERE conrelid = 'public.artworks'::regclass AND contype = 'c'"):
        deployed.sql.execute(f"ALTER TABLE public.artworks DROP CONSTRAINT {name}")
    bad = add_legacy(deployed, **damage)
    add_order(deployed, bad)
    mutate(deployed, defect=f"NULLIF(m.defect, '{reason}')", migratable=f"m.migratable OR m.id = '{bad}'")
    with pytest.raises(DatabaseError) as failed:
        migrate(deployed)
    assert sqlstate == failed.value.sqlstate


def test_without_the_independent_checks_the_mistake_would_pass(deployed: Shop) -> None:
    """Without the independent checks a mistake in the mapping would pass: the comparison shares it and every row matches."""
    mutate(deployed, pet_name="COALESCE(m.pet_name, '') || 'x'")
    assert {"match", "excluded"} == set(migrate(deployed))
    assert {"round_trip"} == set(red(deployed))


def test_what_another_rule_has_found_is_looked_at_all_the_same(deployed: Shop) -> None:
    """A row with a warning of the gate before the copy is still checked by writing it back."""
    mutate(deployed, pet_name="COALESCE(m.pet_name, '') || 'x'")
    migrate(deployed)
    with running(deployed, MIGRATE_DATA) as run:
        run.begin()
        deployed.sql.execute(
            "INSERT INTO artwork_migration.finding (run, rule, id, about) SELECT %s, 'legacy_link_expires', id, '{}' FROM public.artworks",
            (run.epoch,),
        )
        reconcile.reconcile(run)
    assert {"round_trip"} == set(red(deployed))
