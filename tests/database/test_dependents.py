"""What hangs on artworks stands in the plans, by kind and with its action; nothing hangs unlisted, and what is said is what happens."""

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from migration.ledger.phases import SWITCH_OVER
from migration.plans import dependents
from migration.plans.plan import Plan
from reporting.plans import plan_markdown
from sample.build import Variant, build_sample
from sample.server import EmbeddedServer
from tests.conftest import MakeShop
from tests.databases import Shop, deploy, migrate, planned_deployment, planned_switch
from tests.dependents import BLOCKING, KEPT
from tests.directions import Direction
from tests.series import LONG

#: Everything that depends on the table, its row type or the type's array, with the name that tells it; but for what is part of these.
DEPENDS = """
    SELECT DISTINCT
      PG_DESCRIBE_OBJECT(d.classid, d.objid, 0),
      COALESCE(
        CASE w.rulename WHEN '_RETURN' THEN v.relname ELSE w.rulename END,
        k.conname, g.tgname, p.polname, u.pubname, f.proname, s.stxname, a.attname, c.relname, t.typname, o.oprname,
        PG_DESCRIBE_OBJECT(d.classid, d.objid, 0)
      )
    FROM pg_depend AS d
    LEFT JOIN pg_rewrite AS w ON d.classid = 'pg_rewrite'::regclass AND w.oid = d.objid
    LEFT JOIN pg_class AS v ON v.oid = w.ev_class
    LEFT JOIN pg_constraint AS k ON d.classid = 'pg_constraint'::regclass AND k.oid = d.objid
    LEFT JOIN pg_trigger AS g ON d.classid = 'pg_trigger'::regclass AND g.oid = d.objid
    LEFT JOIN pg_policy AS p ON d.classid = 'pg_policy'::regclass AND p.oid = d.objid
    LEFT JOIN pg_publication_rel AS m ON d.classid = 'pg_publication_rel'::regclass AND m.oid = d.objid
    LEFT JOIN pg_publication AS u ON u.oid = m.prpubid
    LEFT JOIN pg_proc AS f ON d.classid = 'pg_proc'::regclass AND f.oid = d.objid
    LEFT JOIN pg_statistic_ext AS s ON d.classid = 'pg_statistic_ext'::regclass AND s.oid = d.objid
    LEFT JOIN pg_attrdef AS e ON d.classid = 'pg_attrdef'::regclass AND e.oid = d.objid
    LEFT JOIN pg_attribute AS a ON a.attrelid = e.adrelid AND a.attnum = e.adnum
    LEFT JOIN pg_class AS c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid
    LEFT JOIN pg_type AS t ON d.classid = 'pg_type'::regclass AND t.oid = d.objid
    LEFT JOIN pg_operator AS o ON d.classid = 'pg_operator'::regclass AND o.oid = d.objid
    JOIN pg_type AS r ON r.typrelid = 'public.artworks'::regclass
    WHERE
      (
        d.refclassid = 'pg_class'::regclass AND d.refobjid = r.typrelid
        OR d.refclassid = 'pg_type'::regclass AND d.refobjid IN (r.oid, r.typarray)
      )
      AND (d.classid <> 'pg_type'::regclass OR d.objid NOT IN (r.oid, r.typarray)) AND c.relkind IS DISTINCT FROM 't'
"""


def made(shop: Shop, things: dict[str, tuple[str, str, str, str]]) -> Shop:
    """The shop with these things."""
    for statement, _, _, _ in things.values():
        shop.sql.execute(statement)  # type: ignore[call-overload]  # made of the tests' own names
    return shop


def listing(plan: Plan) -> list[dict[str, Any]]:
    """What hangs on artworks, as the plan says."""
    found: list[dict[str, Any]] = plan.facts[dependents.FACT]
    return found


def unlisted(found: list[dict[str, Any]], things: dict[str, tuple[str, str, str, str]], told_by: str) -> list[str]:
    """Those of the things that the listing does not have, or not with that action or problem."""
    return [
        name
        for name, (_, kind, thing, words) in things.items()
        if not any(one["kind"] == kind and one["object"].startswith(thing) and words in one[told_by] for one in found)
    ]


@contextmanager
def cloned(server: EmbeddedServer, name: str, template: str | None = None) -> Iterator[Shop]:
    """A database of this file's own, gone at the end."""
    server.create_database(name, template=template)
    shop = Shop(server, name)
    try:
        yield shop
    finally:
        shop.close()
        server.drop_database(name)


@pytest.fixture(scope="module")
def everything(either_server: EmbeddedServer) -> Iterator[Shop]:
    """The template: the sample with one of each kind, on each release in turn."""
    with cloned(either_server, "everything") as shop:
        build_sample(either_server.conninfo(shop.name), Variant.CURRENT, rows=1)
        made(made(shop, KEPT), BLOCKING).close()
        yield shop


@pytest.fixture(scope="module")
def hung(everything: Shop) -> Iterator[Shop]:
    """One of each kind, not started; only looked at."""
    with cloned(everything.server, "hung", everything.name) as shop:
        yield shop


@pytest.fixture(scope="module")
def listed(hung: Shop) -> list[dict[str, Any]]:
    """What its plan of deploy_schema lists."""
    return listing(planned_deployment(hung))


def test_each_kind_is_listed_with_its_action(listed: list[dict[str, Any]]) -> None:
    """The plan of deploy_schema lists each kind of dependent with what happens to it, and none as blocking."""
    assert [] == unlisted(listed, KEPT, "action")
    assert [] == [
        one["object"] for one in listed if one["problem"] and any(one["object"].startswith(thing) for _, _, thing, _ in KEPT.values())
    ]


def test_what_would_block_the_switch_is_listed_with_what_to_do(listed: list[dict[str, Any]]) -> None:
    """The plan of deploy_schema lists exactly what would block the switch, each with a remedy."""
    assert [] == unlisted(listed, BLOCKING, "problem")
    assert [] == [one for one in listed if bool(one["problem"]) != bool(one["remedy"])]


def test_each_object_has_one_line(listed: list[dict[str, Any]]) -> None:
    """Each dependent has one line: one that blocks is not listed as carried over too, and no rule is repeated."""
    assert [] == [thing for thing, lines in Counter(one["object"] for one in listed).items() if lines > 1]
    assert ["rule nothing on artworks"] == [one["object"] for one in listed if "rule" in one["object"]]


def test_nothing_that_depends_on_the_table_is_unlisted(hung: Shop, listed: list[dict[str, Any]]) -> None:
    """Whatever the catalog binds to the table, its row type or the type's array is listed."""
    asking = hung.session()
    asking.execute("SET search_path = ''")
    depends = asking.execute(DEPENDS).fetchall()
    assert len(KEPT) <= len(depends)
    assert [] == [described for described, name in depends if not any(name in one["object"] for one in listed)]


def test_who_is_no_object_of_the_table_is_listed_too(hung: Shop) -> None:
    """A slot of the database and a prepared transaction with a lock on the table are listed."""
    hung.sql.execute("SELECT PG_CREATE_LOGICAL_REPLICATION_SLOT('hung', 'pgoutput')")
    try:
        hung.sql.execute("BEGIN; LOCK TABLE artworks IN ROW EXCLUSIVE MODE; PREPARE TRANSACTION 'left behind'")
        found = {(one["kind"], one["object"]): bool(one["problem"]) for one in listing(planned_deployment(hung))}
    finally:
        hung.sql.execute("ROLLBACK PREPARED 'left behind'")
        hung.sql.execute("SELECT PG_DROP_REPLICATION_SLOT('hung')")
    (prepared,) = [blocks for (kind, _), blocks in found.items() if kind == "prepared transaction"]
    assert (True, False) == (prepared, found["logical slots", "hung"])


def test_the_plan_shows_it_as_a_section(hung: Shop) -> None:
    """The plan has a section with one line per dependent, those that block first."""
    shown = plan_markdown(planned_deployment(hung))
    section = shown.split("## Dependents of artworks\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")][1:]
    blocking = ["**blocks the switch**" in line for line in lines]
    assert sorted(blocking, reverse=True) == blocking
    assert f"{len(lines)} objects; {sum(blocking)} of them would block the switch." in section
    assert {4} == {line.replace("\\|", "").count("|") - 1 for line in lines}
    assert "hangs_on_artworks" not in shown


def test_the_switch_lists_the_same_and_is_blocked_by_what_was_said_to_block_it(everything: Shop, listed: list[dict[str, Any]]) -> None:
    """The plan of the switch lists and is blocked by exactly what the plan of deploy_schema announced."""
    with cloned(everything.server, "hung_deployed", everything.name) as shop:
        deploy(shop)
        plan = planned_switch(shop)
    told = [{key: one[key] for key in ("kind", "object", "action", "problem")} for one in listed]
    assert told == [{key: one[key] for key in ("kind", "object", "action", "problem")} for one in listing(plan)]
    section = plan_markdown(plan).split("## Dependents of artworks\n", 1)[1].split("\n## ", 1)[0]
    shown = [one for one in listing(plan) if one["lock"] or one["problem"]]
    assert 2 + len(shown) == sum(line.startswith("|") for line in section.splitlines())
    assert f"\nThe plan of deploy-schema lists {len(listed) - len(shown)} more." in section
    blocked = {blocker.subject for blocker in plan.blockers if blocker.rule in {one["kind"].replace(" ", "_") for one in listed}}
    assert {one["object"] for one in listed if one["problem"]} == blocked


#: What was said to be given to the clean table, or to stay with the retired one, asked of the catalog: the answer for a table.
CARRIED = {
    "storage parameters": "SELECT reloptions::text FROM pg_class WHERE oid = %s::regclass",
    "those of its toast table": "SELECT t.reloptions::text FROM pg_class AS c JOIN pg_class AS t ON t.oid = c.reltoastrelid"
    " WHERE c.oid = %s::regclass",
    "replica identity": "SELECT relreplident FROM pg_class WHERE oid = %s::regclass",
    "comment": "SELECT OBJ_DESCRIPTION(%s::regclass, 'pg_class')",
    "owner": "SELECT relowner FROM pg_class WHERE oid = %s::regclass",
    "row level security": "SELECT relrowsecurity FROM pg_class WHERE oid = %s::regclass",
    "how columns are stored": "SELECT STRING_AGG(CONCAT_WS(' ', attname, attstattarget, attstorage, attcompression), ',' ORDER BY attname)"
    " FROM pg_attribute WHERE attrelid = %s::regclass AND attname IN ('customer_email', 'generated_image_url', 'pet_name')",
    "policies": "SELECT STRING_AGG(polname, ',' ORDER BY polname) FROM pg_policy WHERE polrelid = %s::regclass",
    "triggers": "SELECT STRING_AGG(CONCAT_WS(' ', tgname, tgenabled), ',' ORDER BY tgname) FROM pg_trigger WHERE tgrelid = %s::regclass"
    " AND tgname IN ('hook', 'checked')",
    "publications": "SELECT STRING_AGG(p.pubname, ',') FROM pg_publication_rel AS r JOIN pg_publication AS p ON p.oid = r.prpubid"
    " WHERE r.prrelid = %s::regclass AND p.pubname = 'feed'",
    "keys to it": "SELECT STRING_AGG(CONCAT_WS(' ', conname, confdeltype, condeferrable, convalidated), ',') FROM pg_constraint"
    " WHERE confrelid = %s::regclass AND conname = 'gifts_artwork'",
    "views": "SELECT STRING_AGG(DISTINCT w.ev_class::regclass::text, ',') FROM pg_depend AS d JOIN pg_rewrite AS w ON w.oid = d.objid"
    " WHERE d.refobjid = %s::regclass AND w.ev_class::regclass::text IN ('named', 'sales')",
}
STAYS = {
    "indexes": "SELECT STRING_AGG(indexrelid::regclass::text, ',' ORDER BY indexrelid) FROM pg_index WHERE indrelid = %s::regclass"
    " AND indexrelid::regclass::text IN ('idx_artworks_customer_email', 'by_lower')",
    "statistics objects": "SELECT STRING_AGG(stxname, ',') FROM pg_statistic_ext WHERE stxrelid = %s::regclass",
    "other constraints": "SELECT STRING_AGG(conname, ',' ORDER BY conname) FROM pg_constraint WHERE conrelid = %s::regclass"
    " AND conname IN ('one_a_moment', 'no_nameless', 'apart')",
    "cluster": "SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = %s::regclass AND indisclustered",
    "other columns": "SELECT STRING_AGG(attname, ',' ORDER BY attname) FROM pg_attribute WHERE attrelid = %s::regclass"
    " AND attname IN ('price (net)', 'label', 'number')",
}


@LONG
def test_what_was_listed_is_what_happens(make_shop: MakeShop) -> None:
    """After the switch each dependent is where the list said: carried over, retired, or found by name."""
    # a label without its provider cannot be said again by anybody
    shop = made(make_shop(), {name: thing for name, thing in KEPT.items() if name != "a security label"})
    before = {name: shop.value(asked, "artworks") for name, asked in (CARRIED | STAYS).items()}
    assert [] == [name for name, answer in before.items() if not answer]
    actions = " ".join(one["action"] for one in listing(planned_deployment(shop)))
    deploy(shop)
    migrate(shop)
    covering = re.findall(r"covered by (\w+) of the clean one", actions)
    assert covering
    assert [] == [name for name in covering if not shop.value("SELECT TO_REGCLASS(%s) IS NOT NULL", name)]
    Direction(shop, SWITCH_OVER).do()
    assert {name: before[name] for name in CARRIED} == {name: shop.value(asked, "artworks") for name, asked in CARRIED.items()}
    assert {name: before[name] for name in STAYS} == {name: shop.value(asked, "artworks_old") for name, asked in STAYS.items()}
    assert set(STAYS) == {name for name, asked in STAYS.items() if shop.value(asked, "artworks") is None}
    serving = shop.value("SELECT COUNT(*) FROM artworks")
    assert serving != shop.value("SELECT COUNT(*) FROM artworks_old")
    assert [(serving, serving)] == shop.rows("SELECT shop.by_name(), c.count FROM counted AS c")
    with pytest.raises(psycopg.errors.UndefinedColumn):
        shop.sql.execute("CALL shop.mend()")
