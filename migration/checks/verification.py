"""The gate `verification`: what no single query can measure after the switch. Each check saves the results of its rules."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

import sql
from migration import database
from migration.checks import acceptance, gates
from migration.errors import DatabaseError
from migration.ledger.runs import Run
from migration.sync import carry_back
from migration.sync.counted import RETIRED, expect_rows
from migration.sync.reconcile import save_differences

SUITE = "verification"
#: The step after the switch's commit that is open until the gate is green.
GATE = f"gate {SUITE}"
#: The rules of the comparison of every row; findings carry these names.
COMPARED = ("live_missing", "live_extra", "live_differs", "live_refused", "identity_changed", "email_or_token_changed")
#: Batches of the dry run: each day it leaves as many dead rows as it carries.
DRY_RUN_BATCHES = 20


class CannotCheck(Exception):
    """Why a check is not possible at the moment, to be read after the names of its rules."""


@dataclass(frozen=True)
class _Comparison:
    """Rows with a verdict, those of them that are retired rows, and a plain count of the retired table."""

    checked: int
    in_sum: int
    retired_rows: int


def measure(run: Run) -> dict[str, str]:
    """Run every check. Returns the reason for each rule that could not be measured. Locks ACCESS SHARE, briefly what each check says."""
    failed: dict[str, str] = {}
    for check, rules in CHECKS.items():
        try:
            with run.progress.step(check.__name__.replace("_", " ")):
                check(run)
        except DatabaseError as error:
            failed |= dict.fromkeys(rules, error.reason)
        except CannotCheck as reason:
            failed |= dict.fromkeys(rules, str(reason))
        run.progress.add(len(rules))
    return failed


def compare_every_row(run: Run) -> None:
    """Give every row of the retired and the serving table its verdict, in one snapshot. Locks ACCESS SHARE."""
    expect_rows(run, RETIRED)
    run.database.in_snapshot("comparing retired and serving table", lambda connection: _compare_every_row(run, connection))


def _compare_every_row(run: Run, connection: Connection) -> None:
    for rule in COMPARED:
        database.run(connection, "gates/delete_findings", run=run.epoch, rule=rule)
    for step in ("forget", "compare", "log"):
        database.run(connection, f"verify/{step}", run=run.epoch)
    save_differences(run, connection, "live_differs")
    comparison = _Comparison(**database.rows(connection, "verify/compared", run=run.epoch)[0])
    for rule in COMPARED:
        gates.save_result(connection, run.epoch, SUITE, rule, checked=comparison.checked)
    adds_up = comparison.in_sum == comparison.retired_rows
    _replace(run, connection, "live_sum", checked=comparison.retired_rows, objects=[] if adds_up else ["artworks_old"])


def compare_fingerprint(run: Run) -> None:
    """Compare the retired table with its newest fingerprint. Locks ACCESS SHARE.

    If rows were carried back after that fingerprint, it cannot show whether another session has written too: a rule of its own reports
    that. Neither can it once rows were written through legacy_names, as they may be. Raises CannotCheck if a switch was killed before it
    took a fingerprint.
    """
    expect_rows(run, RETIRED)
    with run.database.transaction("comparing the retired table's fingerprint", isolation="REPEATABLE READ") as connection:
        kept = acceptance.kept_fingerprint(connection)
        if kept is None:
            raise CannotCheck("could not be checked: no fingerprint was taken, run `switch-over` again")
        current = acceptance.fingerprint(connection)
        untouched = kept.fingerprint == current or kept.outdated
        checked = 0 if kept.outdated else current["row_count"]
        _replace(run, connection, "retired_untouched", checked=checked, objects=[] if untouched else ["artworks_old"])
        _replace(run, connection, "roll_back_not_begun", checked=1, objects=["artworks_old"] if kept.carried_back_since else [])


def check_product_queries(run: Run) -> None:
    """Check that each query of the product can use an index. See `acceptance.slow_queries`."""
    queries = sql.folder("verify/queries")
    slow = acceptance.slow_queries(run, queries)
    _save(run, "queries_on_index", checked=len(queries), objects=slow)


def run_acceptance_test(run: Run) -> None:
    """Use one artwork as the product does. See `acceptance.acceptance_test`."""
    result = acceptance.acceptance_test(run)
    _save(run, "acceptance_test", checked=1, objects=result.failed_with)
    _save(run, "references_tried", checked=1, objects=result.not_tried)


def dry_run_roll_back(run: Run) -> None:
    """Carry back some batches and take them back. Locks rows of the retired table only."""
    carried = carry_back.dry_run(run, batches=DRY_RUN_BATCHES)

    def save(connection: Connection) -> None:
        database.run(connection, "gates/delete_findings", run=run.epoch, rule="roll_back_open")
        for about, ids in carried.rejected_ids.items():
            database.run(connection, "gates/save_findings", run=run.epoch, rule="roll_back_open", ids=ids, about=list(about))
        gates.save_result(connection, run.epoch, SUITE, "roll_back_open", checked=carried.logged)

    run.database.write("saving the dry run", save)


#: Each check, and the rules whose results it saves.
CHECKS: dict[Callable[[Run], None], Sequence[str]] = {
    compare_every_row: (*COMPARED, "live_sum"),
    compare_fingerprint: ("retired_untouched", "roll_back_not_begun"),
    check_product_queries: ("queries_on_index",),
    run_acceptance_test: ("acceptance_test", "references_tried"),
    dry_run_roll_back: ("roll_back_open",),
}


def _save(run: Run, rule: str, *, checked: int, objects: Sequence[str]) -> None:
    run.database.write(f"saving {rule}", lambda connection: _replace(run, connection, rule, checked=checked, objects=objects))


def _replace(run: Run, connection: Connection, rule: str, *, checked: int, objects: Sequence[str]) -> None:
    database.run(connection, "gates/delete_findings", run=run.epoch, rule=rule)
    gates.save_result(connection, run.epoch, SUITE, rule, checked=checked, objects=objects)
