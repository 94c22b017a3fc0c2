"""The figures of the report against queries of our own, in every kind of deployment."""

from collections import Counter
from decimal import Decimal

import pytest

from migration.ledger.phases import MIGRATE_DATA
from migration.sync import reconcile
from sample.build import Variant
from tests.artworks import add_legacy, add_order, add_user
from tests.conftest import MakeShop
from tests.databases import Shop, catch_up_now, reconcile_now, running

NEWEST = "(SELECT MAX(run) FROM artwork_migration.reconciliation)"
BLANK = "E' \\t\\r\\n'"


@pytest.fixture(params=list(Variant))
def shop(make_shop: MakeShop, request: pytest.FixtureRequest) -> Shop:
    """Each variant of the sample, migrated."""
    return make_shop(request.param, phase="MIGRATED")


def figures(shop: Shop, name: str) -> dict[tuple[str, str], Decimal]:
    """The figures of one name in the newest look, by label and detail."""
    rows = shop.rows(f"SELECT label, detail, value FROM artwork_migration.statistic WHERE name = %s AND run = {NEWEST}", name)
    return {(label, detail): value for label, detail, value in rows}


def test_the_rows_left_behind_are_those_of_the_sum(shop: Shop) -> None:
    """The rows left behind per month and reason add up to the reconciliation's count of each reason."""
    by_reason: Counter[str] = Counter()
    for (reason, _), value in figures(shop, "left_behind").items():
        by_reason[reason] += int(value)
    expected = shop.rows(
        f"SELECT CASE verdict WHEN 'excluded' THEN reason ELSE verdict END, SUM(row_count)::int FROM artwork_migration.reconciliation"
        f" WHERE run = {NEWEST} AND verdict <> 'match' GROUP BY 1"
    )
    assert dict(expected) == by_reason


def test_the_months_are_those_of_the_rows(shop: Shop) -> None:
    """Each month counts the legacy rows of that month without a clean row, and rows without a time are counted too."""
    by_month: Counter[str] = Counter()
    for (_, month), value in figures(shop, "left_behind").items():
        by_month[month] += int(value)
    expected = shop.rows(
        "SELECT COALESCE(LEFT((created_at AT TIME ZONE 'UTC')::text, 7), 'unknown'), COUNT(*)::int FROM artworks"
        " WHERE id NOT IN (SELECT id FROM artworks_v2) GROUP BY 1"
    )
    assert dict(expected) == by_month


def test_customers_are_counted_by_their_artworks(shop: Shop) -> None:
    """Customers are counted on both sides by the number of their artworks, each e-mail once, ten standing for ten or more."""
    expected: Counter[tuple[str, str]] = Counter()
    for side, table in (("legacy", "artworks"), ("clean", "artworks_v2")):
        emails = [email for (email,) in shop.rows(f"SELECT customer_email FROM {table} WHERE BTRIM(customer_email, {BLANK}) <> ''")]
        for artworks in Counter(emails).values():
            expected[side, str(min(artworks, 10))] += 1
    assert expected == figures(shop, "artworks_per_customer")


def test_customers_left_with_nothing_are_found(shop: Shop) -> None:
    """The user ids of customers without any clean artwork are findings, as many as e-mails that the clean table lacks."""
    gone = f"""
        SELECT DISTINCT a.customer_email AS email FROM artworks AS a
        WHERE BTRIM(a.customer_email, {BLANK}) <> '' AND a.customer_email NOT IN (SELECT customer_email FROM artworks_v2)
    """
    rule = f"rule = 'customer_left_with_nothing' AND run = {NEWEST}"
    found = {row[0] for row in shop.rows(f"SELECT id FROM artwork_migration.finding WHERE {rule}")}
    assert {row[0] for row in shop.rows(f"SELECT u.id FROM users AS u JOIN ({gone}) AS g ON u.email = g.email")} == found
    assert found
    assert shop.value(f"SELECT COUNT(*) FROM ({gone}) AS g") == sum(figures(shop, "customer_left_with_nothing").values())


def test_a_customer_has_the_reason_that_all_of_their_artworks_have(make_shop: MakeShop) -> None:
    """A customer without any clean artwork has the reason of the artworks, or several; one with a migrated artwork is none of these."""
    shop = make_shop(phase="MIGRATED")
    catch_up_now(shop)
    reconcile_now(shop)
    before = figures(shop, "customer_left_with_nothing")
    customers = {"one@x.example": ["failed", "failed"], "two@x.example": ["failed", "test"], "three@x.example": ["failed", "done"]}
    for email, statuses in customers.items():
        add_user(shop, email)
        for status in statuses:
            url = {"original_image_url": "test-1"} if status == "test" else {}
            add_legacy(shop, customer_email=email, generation_status="failed" if status == "failed" else "completed", **url)
    catch_up_now(shop)
    reconcile_now(shop)
    after = figures(shop, "customer_left_with_nothing")
    more = {key: after[key] - before.get(key, 0) for key in after if after[key] != before.get(key, 0)}
    assert {("not_completed", "with a user"): 1, ("several reasons", "with a user"): 1} == more


def test_orders_and_their_sum_are_the_same_before_and_after(shop: Shop) -> None:
    """The number and the sum of orders are the same for the legacy and the clean table."""
    orders, cents = shop.rows("SELECT COUNT(*)::int, SUM(amount_cents)::int FROM orders")[0]
    key = "public.orders.artwork_id"
    assert {(key, "legacy"): orders, (key, "clean"): orders} == figures(shop, "reference_rows")
    assert {(key, "legacy"): cents, (key, "clean"): cents} == figures(shop, "reference_sum of amount_cents")
    assert orders > 0


def test_an_order_that_would_point_nowhere_is_counted(migrated: Shop) -> None:
    """An order whose artwork is not in the clean table makes the two numbers differ."""
    artwork = add_legacy(migrated)
    add_order(migrated, artwork)
    catch_up_now(migrated)
    with migrated.sql.transaction():
        migrated.sql.execute("SET LOCAL artwork_migration.apply = 'on'")
        migrated.sql.execute("DELETE FROM artworks_v2 WHERE id = %s", (artwork,))
    reconcile_now(migrated)
    rows = figures(migrated, "reference_rows")
    assert 1 == rows["public.orders.artwork_id", "legacy"] - rows["public.orders.artwork_id", "clean"]
    sums = figures(migrated, "reference_sum of amount_cents")
    assert 100 == sums["public.orders.artwork_id", "legacy"] - sums["public.orders.artwork_id", "clean"]


def test_an_order_for_an_artwork_on_its_way_is_counted_on_neither_side(migrated: Shop) -> None:
    """While the artwork's id stands in the log, its order makes no difference."""
    catch_up_now(migrated)
    reconcile_now(migrated)
    before = figures(migrated, "reference_rows")
    add_order(migrated, add_legacy(migrated))
    with running(migrated, MIGRATE_DATA) as run:
        run.begin()
        reconcile._compare(run)  # without the catch-up that follows it
    assert before == figures(migrated, "reference_rows")


def test_two_foreign_keys_over_one_column_are_counted_once(migrated: Shop) -> None:
    """The same reference under two names has the figures of one."""
    before = figures(migrated, "reference_rows")
    migrated.sql.execute("ALTER TABLE public.orders ADD CONSTRAINT another FOREIGN KEY (artwork_id) REFERENCES public.artworks (id)")
    reconcile_now(migrated)
    assert before == figures(migrated, "reference_rows")


def test_whatever_references_artworks_is_counted_whatever_its_name(migrated: Shop) -> None:
    """A table of an odd name, without an amount, has its rows counted and nothing summed."""
    migrated.sql.execute('CREATE TABLE public."Odd: %s" ("the artwork" uuid REFERENCES public.artworks (id))')
    migrated.sql.execute('INSERT INTO public."Odd: %%s" SELECT id FROM artworks_v2 LIMIT 3', ())
    migrated.sql.execute('INSERT INTO public."Odd: %%s" VALUES (NULL)', ())
    reconcile_now(migrated)
    key = 'public."Odd: %s".the artwork'
    rows = {detail: value for (label, detail), value in figures(migrated, "reference_rows").items() if label == key}
    assert {"legacy": 3, "clean": 3} == rows


def test_a_repeated_comparison_counts_anew(migrated: Shop) -> None:
    """A run's statistics are those of its last reconciliation."""
    first = figures(migrated, "left_behind")
    reconcile_now(migrated)
    assert first == figures(migrated, "left_behind")
