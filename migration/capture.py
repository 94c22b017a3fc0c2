"""Noticing a lapse of the capture before anything is built on it."""

from migration import database, ledger
from migration.errors import Obstacle, ObstaclesFound
from migration.runs import Run


def require_capture(run: Run) -> None:
    """Refuse unless every trigger of the capture and the write-through is there and always fires. Raises ObstaclesFound."""
    with run.database.transaction("looking at the capture") as connection:
        made = [row["do"] for row in ledger.deployed_statements(connection) if "ENABLE ALWAYS TRIGGER" in row["do"]]
        found = database.rows(connection, "migrate/lapsed_triggers", statements=made)
    if found:
        raise ObstaclesFound(
            run.verb,
            [
                Obstacle(
                    "capture_lapsed",
                    row["subject"],
                    "it is missing or disabled, so writes may have gone unseen.",
                    "ALTER TABLE … ENABLE ALWAYS TRIGGER it (if it is gone: roll_back, deploy_schema) and run this again: it compares all.",
                )
                for row in found
            ],
        )
