"""The gate `live`: what no single query can measure of the tables after the switch. Each look writes the rule results of its rules."""

from collections.abc import Callable, Sequence

from sqlalchemy import Connection

import sql
from migration import database
from migration.checks import acceptance, gates
from migration.errors import DatabaseError
from migration.ledger import ledger
from migration.ledger.runs import Run
from migration.sync import carry_back

SUITE = "live"
#: What stays to do after the switch's commit until the gate is green.
GATE = "gate live"
#: The rules of the comparison of every row, by which their findings are called.
COMPARED = ("live_missing", "live_extra", "live_differs", "live_refused", "identity_changed", "email_or_token_changed")
#: Batches of a rehearsal: each day it leaves as many dead rows as it carries.
DRY_RUN_BATCHES = 20


class CannotLook(Exception):
    """Why a look is not possible as things stand, to be read after the names of its rules."""


def measure(run: Run) -> dict[str, str]:
    """Take every look; why, for the rules of those that failed. Locks ACCESS SHARE, and for a moment what each look says."""
    failed: dict[str, str] = {}
    for look, rules in LOOKS.items():
        try:
            look(run)
        except DatabaseError as error:
            failed |= dict.fromkeys(rules, f"failed with SQLSTATE {error.sqlstate}")
        except CannotLook as why:
            failed |= dict.fromkeys(rules, str(why))
    return failed


def compare(run: Run) -> None:
    """Give every row of the retired and the serving table its verdict, in one snapshot. Locks ACCESS SHARE."""
    with run.database.transaction("comparing retired and serving table", isolation="REPEATABLE READ") as connection:
        for rule in (*COMPARED, "live_sum"):
            database.run(connection, "gates/forget", run=run.epoch, rule=rule)
        for step in ("forget", "compare", "log"):
            database.run(connection, f"verify/{step}", run=run.epoch)
        compared = database.rows(connection, "verify/compared", run=run.epoch)[0]
        for rule in COMPARED:
            gates.note_measured(connection, run.epoch, SUITE, rule, looked_at=compared["looked_at"])
        adds_up = compared["in_sum"] == compared["retired_rows"]
        _note(run, connection, "live_sum", looked_at=compared["retired_rows"], objects=[] if adds_up else ["artworks_old"])


def hold_against_fingerprint(run: Run) -> None:
    """Take the fingerprint of the retired table and hold it against the one kept. Locks ACCESS SHARE.

    While rows were carried back after that one, it cannot say whether somebody else has written too: that is a rule of its own.
    Raises CannotLook where a switch was killed before it took one.
    """
    with run.database.transaction("looking at the retired table", isolation="REPEATABLE READ") as connection:
        switch_run = ledger.phase(connection).run
        kept = database.rows(connection, "verify/fingerprint_kept", step=acceptance.FINGERPRINT, switch_run=switch_run)
        if not kept:
            raise CannotLook("could not look: no fingerprint was taken, run switch_over again")
        carried_back = bool(kept[0]["carried_back_since"])
        now = acceptance.fingerprint(connection)
        untouched = kept[0]["details"] == now or carried_back
        looked_at = 0 if carried_back else now["row_count"]
        _note(run, connection, "retired_untouched", looked_at=looked_at, objects=[] if untouched else ["artworks_old"])
        _note(run, connection, "roll_back_not_begun", looked_at=1, objects=["artworks_old"] if carried_back else [])


def ask_product_queries(run: Run) -> None:
    """See checks.slow_queries."""
    queries = sql.folder("verify/queries")
    slow = acceptance.slow_queries(run, queries)
    _write(run, "queries_on_index", looked_at=len(queries), objects=slow)


def walk(run: Run) -> None:
    """See checks.accept."""
    walked = acceptance.accept(run)
    _write(run, "acceptance_test", looked_at=1, objects=walked.ended_with)
    _write(run, "references_tried", looked_at=1, objects=walked.not_tried)


def rehearse(run: Run) -> None:
    """Carry back what fits into some batches, in a transaction that is rolled back. Locks retired rows alone."""
    rehearsed = carry_back.dry_run(run, batches=DRY_RUN_BATCHES)

    def note(connection: Connection) -> None:
        database.run(connection, "gates/forget", run=run.epoch, rule="roll_back_open")
        database.run(connection, "gates/found", run=run.epoch, rule="roll_back_open", ids=list(rehearsed.rejected_ids), about=[])
        gates.note_measured(connection, run.epoch, SUITE, "roll_back_open", looked_at=rehearsed.logged)

    run.database.write("noting the rehearsal", note)


#: Each look, and the rules whose results it writes.
LOOKS: dict[Callable[[Run], None], Sequence[str]] = {
    compare: (*COMPARED, "live_sum"),
    hold_against_fingerprint: ("retired_untouched", "roll_back_not_begun"),
    ask_product_queries: ("queries_on_index",),
    walk: ("acceptance_test", "references_tried"),
    rehearse: ("roll_back_open",),
}


def _write(run: Run, rule: str, *, looked_at: int, objects: Sequence[str]) -> None:
    run.database.write(f"noting {rule}", lambda connection: _note(run, connection, rule, looked_at=looked_at, objects=objects))


def _note(run: Run, connection: Connection, rule: str, *, looked_at: int, objects: Sequence[str] = ()) -> None:
    database.run(connection, "gates/forget", run=run.epoch, rule=rule)
    gates.note_measured(connection, run.epoch, SUITE, rule, looked_at=looked_at, objects=objects)
