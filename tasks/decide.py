"""The step of `decide`, which checks a decision and adds it to the ledger."""

from prefect.runtime import flow_run
from sqlalchemy import Connection

from migration.errors import WrongPhase
from migration.ledger import ledger
from migration.ledger.decisions import DecisionName, checked_value, nothing_rejected, require_name_and_reason
from migration.ledger.phases import Phase
from migration.ledger.runs import require_layout
from migration.plans.statements import require_prerequisites
from migration.verbs.decide import apply_at_once
from tasks.artifacts import publish_status
from tasks.verbs import open_database


def keep_decision(name: DecisionName, value: str, approved_by: str, reason: str) -> str:
    """Check a decision and add it to the ledger, which is created for the first one. Returns the sentence that reports it.

    Raises BadInput (an unusable value, no name, no reason), WrongPhase (after the clean-up), or PrerequisitesNotMet for the first decision
    and for a ledger of another version.
    """
    require_name_and_reason(approved_by, reason)
    database, _ = open_database("decide")

    def keep(connection: Connection) -> str:
        require_layout(connection, "decide")
        checked = checked_value(connection, name, value)
        if not ledger.exists(connection):
            require_prerequisites(connection, "decide")
            if name is DecisionName.CLEAR_REJECTED_WRITE:
                raise nothing_rejected()
            ledger.create(connection)
        if (phase := ledger.phase(connection).phase) is Phase.CLEANED:
            raise WrongPhase("decide", phase, [other for other in Phase if other is not phase], [])
        apply_at_once(connection, name, checked)
        ledger.decide(connection, name, checked, approved_by=approved_by.strip(), reason=reason.strip(), run_name=flow_run.name or "decide")
        return f"{name} is {checked}, decided by {approved_by.strip()}."

    try:
        return database.write(f"deciding {name}", keep)
    finally:
        publish_status(database)
        database.dispose()
