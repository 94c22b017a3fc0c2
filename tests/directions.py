"""The switch and the rollback from it, with the same methods: plan, execute, or only the transaction with the locks."""

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection

from migration.checks import acceptance
from migration.ledger import ledger
from migration.ledger.phases import ROLL_BACK_TO_MIGRATED, SWITCH_OVER, Phase, Verb
from migration.plans import execution, plan
from migration.plans.plan import Plan, Statement
from tests.artworks import add_clean, add_legacy
from tests.databases import (
    Shop,
    execute_roll_back,
    execute_switch,
    finish_roll_back,
    finish_switch,
    planned_roll_back,
    planned_switch,
    switch,
)
from tests.series import series
from tests.waiting import BOUND

#: Both of them, as parameters of a fixture.
DIRECTIONS = (SWITCH_OVER, ROLL_BACK_TO_MIGRATED)

#: How many orders reference no artwork of the serving table.
POINTING_NOWHERE = "SELECT COUNT(*) FROM orders WHERE artwork_id NOT IN (SELECT id FROM artworks)"

#: The catalogs that an object of the application or of ours may stand in, each with the column that tells those from the server's own.
_CATALOGS = {
    **dict.fromkeys(
        (
            *("pg_attrdef", "pg_class", "pg_constraint", "pg_default_acl", "pg_namespace", "pg_policy", "pg_proc", "pg_publication"),
            *("pg_publication_rel", "pg_rewrite", "pg_trigger", "pg_type"),
        ),
        "oid",
    ),
    "pg_attribute": "attrelid",
    "pg_depend": "objid",
    "pg_description": "objoid",
    "pg_index": "indexrelid",
}
#: What vacuum and analyze write in them.
_VACUUMED = "relpages,reltuples,relallvisible,relallfrozen,relfrozenxid,relminmxid,relhasindex,relhasrules,relhastriggers"


def each_row(step: int, all_of_them: int, verb: Verb) -> pytest.MarkDecorator:
    """Every so many rows of a plan, in both directions: `make test` takes this step in one direction, the exhaustive series the rest."""
    cases = series(product([step, all_of_them], DIRECTIONS), {(step, verb)})
    return pytest.mark.parametrize(("nth", "direction"), cases, indirect=["direction"], ids=str)


class Direction:
    """The switch, or the rollback to MIGRATED: how it is planned and done, and where it leads."""

    def __init__(self, shop: Shop, verb: Verb) -> None:
        self.shop, self.verb, self.leads_to = shop, verb, verb.brings

    @classmethod
    def ready(cls, shop: Shop, verb: Verb) -> "Direction":
        """On a migrated shop, which is switched first if the verb is the rollback."""
        if verb.goes_back:
            switch(shop)
        return cls(shop, verb)

    def add(self, **columns: object) -> UUID:
        """An artwork as the application adds it on the side that serves before; returns its id."""
        return add_clean(self.shop, **columns) if self.verb.goes_back else add_legacy(self.shop, **columns)

    def plan(self) -> Plan:
        """Its plan as things stand."""
        return planned_roll_back(self.shop) if self.verb.goes_back else planned_switch(self.shop)

    def commit(self, made: Plan | None = None, *, patience: float = BOUND, meanwhile: Callable[[], object] | None = None) -> None:
        """All of it up to the commit, and nothing that follows; `meanwhile` happens before the locks, behind what is done without them."""
        execute = execute_roll_back if self.verb.goes_back else execute_switch
        execute(self.shop, made, patience=patience, meanwhile=meanwhile)

    def finish(self, *, patience: float = BOUND) -> list[str]:
        """What is left to do after the commit; the steps that were done."""
        finish = finish_roll_back if self.verb.goes_back else finish_switch
        return finish(self.shop, patience=patience)

    def do(self, made: Plan | None = None, *, patience: float = BOUND) -> None:
        """All of it."""
        self.commit(made, patience=patience)
        self.finish()

    def steps_left(self) -> list[str]:
        """What `finish` has still to do, in the order in which it will be done; the gate `verification` comes after it."""
        with self.shop.database.transaction("asking") as connection:
            left = ledger.steps_left(connection, self.verb.name)
            after = [done.object for done in plan.executed_statements(connection, SWITCH_OVER) if done.stage == "after"]
        return [step for step in (*after, acceptance.FINGERPRINT) if step in left]

    def phase(self) -> Phase:
        """The phase in force."""
        with self.shop.database.transaction("asking") as connection:
            return ledger.phase(connection).phase

    def execute(
        self,
        made: Plan,
        *,
        before_commit: Callable[[Connection], None] = lambda connection: None,
        on_attempt: Callable[[str], None] = lambda message: None,
        patience: float = BOUND,
    ) -> int:
        """Only the transaction with the plan's statements; nothing is caught up before it, and no phase comes of it."""
        return execution.execute(
            self.shop.database,
            made.statements,
            verb=str(made.verb),
            action="the plan",
            patience=patience,
            before_commit=before_commit,
            on_attempt=on_attempt,
        )


def with_row(made: Plan, place: int, do: str) -> Plan:
    """The plan with one more row behind the one at `place`, in the same stage."""
    extra = Statement(made.statements[place].stage, "a row of the test's", do, None, "")
    return replace(made, statements=(*made.statements[: place + 1], extra, *made.statements[place + 1 :]))


def places(made: Plan, *stages: str) -> list[int]:
    """Where the statements of these stages stand in the plan."""
    return [place for place, statement in enumerate(made.statements) if statement.stage in stages]


def under_the_locks(made: Plan) -> int:
    """The place of the last row that takes a lock."""
    return max(place for place, statement in enumerate(made.statements) if statement.do.startswith("LOCK TABLE"))


def digest(shop: Shop) -> dict[str, str]:
    """A checksum for each catalog and each table with rows, the ledger's included: equal only if nothing at all has changed."""
    tables = shop.rows(
        "SELECT c.oid::regclass::text FROM pg_class AS c"
        " WHERE c.relkind IN ('r', 'm') AND c.relnamespace::regnamespace::text IN ('public', 'artwork_migration')"
    )
    asked = [
        *((name, f"x.{key} >= 16384") for name, key in _CATALOGS.items()),
        *((name, "TRUE") for (name,) in tables),
    ]
    return dict(shop.rows(" UNION ALL ".join(_checksum(name, condition) for name, condition in asked)))


def _checksum(name: str, condition: str) -> str:
    row = f"(TO_JSONB(x) - '{{{_VACUUMED}}}'::text[])::text" if name == "pg_class" else "x::text"
    return f"SELECT '{name}', MD5(COALESCE(STRING_AGG({row}, E'\\n' ORDER BY {row} COLLATE \"C\"), '')) FROM {name} AS x WHERE {condition}"


def locks_left(shop: Shop) -> list[tuple[Any, ...]]:
    """Locks on relations of this database, and ours by advice, that a session other than the one who asks holds."""
    return shop.rows(
        "SELECT l.pid, l.relation::regclass::text, l.mode FROM pg_locks AS l WHERE l.pid <> PG_BACKEND_PID()"
        " AND l.locktype IN ('relation', 'advisory')"
        " AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = CURRENT_DATABASE())"
        " AND NOT EXISTS (SELECT FROM pg_stat_activity AS a WHERE a.pid = l.pid AND a.backend_type = 'autovacuum worker')"
    )
