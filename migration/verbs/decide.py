"""What a decision does at once, beside being read by later verbs."""

from sqlalchemy import Connection, text

from migration import database
from migration.ledger import ledger
from migration.ledger.decisions import ALL, DecisionName, nothing_rejected, undecided
from migration.ledger.phases import Phase

#: Decisions that only deploy_schema reads, and how to get their effect after it has run.
_READ_BY_DEPLOY = {
    DecisionName.FUNCTION_ROLES: "GRANT EXECUTE on the functions yourself, or roll back first.",
    DecisionName.CARRY_COLUMNS: "roll back first: the clean table gets its columns when it is created.",
    DecisionName.SERVE_OLD_NAMES: "roll back first: the schema legacy_names is created with the clean table.",
}


def apply_at_once(connection: Connection, name: DecisionName, value: str) -> None:
    """Do what takes effect with the decision itself: a cleared rejected write is logged again, for catch-up or for carry-back.

    Raises BadInput if the decision has no effect any more, if clearing would delete the only copy of the artwork, or without a report.
    """
    if name in _READ_BY_DEPLOY and ledger.phase(connection).phase is not Phase.NOT_STARTED:
        raise undecided(f"{name} is read by deploy-schema, and that has run.", _READ_BY_DEPLOY[name])
    if name is DecisionName.CLEAR_REJECTED_WRITE:
        _clear_rejected(connection, value)
    if name is DecisionName.ORDERED_TEST_DATA:
        _log_ordered_test_data(connection)
    if name is DecisionName.REVIEWED:
        _require_report(connection, value)


def _require_report(connection: Connection, run: str) -> None:
    """Raise BadInput unless this is the run of the newest report, which is the one that can be written again."""
    deployed = connection.execute(text("SELECT TO_REGCLASS('artwork_migration.reconciliation') IS NOT NULL")).scalar_one()
    newest = [str(row["run"]) for row in database.rows(connection, "report/reported_run")] if deployed else []
    if newest != [run]:
        there = f"The newest report is that of run {newest[0]}, not {run}." if newest else "There is no report yet."
        raise undecided(there, "read the newest report, and give the number of the run in its heading.")


def _clear_rejected(connection: Connection, value: str) -> None:
    """Clear the rejected writes that the value names: by id, or all that one object rejected."""
    if connection.execute(text("SELECT TO_REGCLASS('artwork_migration.rejected_write') IS NULL")).scalar_one():
        raise nothing_rejected()
    # A rollback that is under its locks ends first: it reads these rows, and drops the log that this would write to.
    connection.execute(text("LOCK TABLE artwork_migration.rejected_write IN ROW EXCLUSIVE MODE"))
    ids = _rejected_ids(connection, value)
    switched = ledger.phase(connection).phase is Phase.SWITCHED
    if not switched:
        _refuse_only_copies(connection, ids)
    connection.execute(text("DELETE FROM artwork_migration.rejected_write WHERE id = ANY(CAST(:ids AS uuid[]))"), {"ids": ids})
    connection.execute(text("INSERT INTO artwork_migration.legacy_change (ids) VALUES (CAST(:ids AS uuid[]))"), {"ids": ids})
    if switched:
        # a rejected write counts as carried back, so the rollback tries it again only if it is logged again
        connection.execute(text("INSERT INTO artwork_migration.clean_change (ids) VALUES (CAST(:ids AS uuid[]))"), {"ids": ids})


def _rejected_ids(connection: Connection, value: str) -> list[str]:
    """Return the ids of the rejected writes that a value names. Raises BadInput for an id, or an object, that has none."""
    everything, _, rule = value.partition(" ")
    of_rule = text("SELECT r.id::text FROM artwork_migration.rejected_write AS r WHERE :rule IN (r.object, 'rejected_write') ORDER BY r.id")
    if everything == ALL:
        if ids := list(connection.execute(of_rule, {"rule": rule}).scalars()):
            return ids
        raise undecided(f"{rule} has rejected no write.", "give the name as the message has it behind the SQLSTATE, or rejected_write.")
    ids = value.split(",")
    known = text("SELECT r.id::text FROM artwork_migration.rejected_write AS r WHERE r.id = ANY(CAST(:ids AS uuid[]))")
    found = set(connection.execute(known, {"ids": ids}).scalars())
    if unknown := [artwork for artwork in ids if artwork not in found]:
        problem = f"These artworks have no rejected write: {', '.join(unknown)}."
        raise undecided(problem, "give ids that are in artwork_migration.rejected_write.")
    return ids


def _refuse_only_copies(connection: Connection, ids: list[str]) -> None:
    """Raise BadInput if legacy rejected an artwork as a whole and has no row of it: catch-up would delete or overwrite the only copy."""
    only_copy = text(
        "SELECT c.id::text FROM public.artworks_v2 AS c WHERE c.id = ANY(CAST(:ids AS uuid[]))"
        " AND (artwork_migration.is_only_clean(c.id) OR artwork_migration.is_foreign_id(c.id)) ORDER BY c.id"
    )
    if found := list(connection.execute(only_copy, {"ids": ids}).scalars()):
        raise undecided(
            f"These artworks are on the clean side only and would be lost if they were cleared: {', '.join(found)}.",
            "correct the clean row so that the legacy table accepts it, which resolves the rejected write. Or insert the legacy row by hand"
            " and clear it then. Or delete the clean row if nobody needs it, or if the legacy table has another artwork under its id: then"
            " create it anew under a new id first.",
        )


def _log_ordered_test_data(connection: Connection) -> None:
    """Log the test data that other tables reference, so that catch-up decides about it anew. Before the deployment there is no log."""
    phase = ledger.phase(connection).phase
    if phase in (Phase.SWITCHED, Phase.CLEANED):
        raise undecided("ordered_test_data is read until the switch, and that has happened.", "roll back to MIGRATED first.")
    if phase is not Phase.NOT_STARTED:
        database.run(connection, "migrate_data/log_ordered_test_data")
