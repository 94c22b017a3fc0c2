"""Findings: by rule for the page, with a query that shows their rows, and all of them as CSV."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, text

import sql
from migration import database
from migration.database import Database

#: Ids of a rule on the page; the CSV has all.
IDS_SHOWN = 20
#: Findings in memory at a time.
ROWS_AT_A_TIME = 50_000


@dataclass(frozen=True)
class Finding:
    """The findings of one rule: how many ids, the first of them, and what they are about; `switched` if the clean table served."""

    rule: str
    suite: str
    id_count: int
    about: list[str]
    ids: list[str]
    switched: bool

    @property
    def query(self) -> str:
        """The query that shows these rows in psql; the report has only their ids. With our comment it does not block the clean-up."""
        of_users = self.suite == "users" or self.rule == "customer_left_with_nothing"
        rows = "users" if of_users else "retired_artworks" if self.switched else "artworks"
        statement = sql.load(f"report/show_{rows}").statement
        lines = [", ".join(self.ids[first : first + 2]) for first in range(0, len(self.ids), 2)]
        ids = ",\n  ".join(lines)
        return statement.replace(":ids", f"'{{\n  {ids}\n}}'") + database.OURS + " \\gx"


def read_findings(connection: Connection, run: int, *, switched: bool) -> list[Finding]:
    """Read the findings of a run by rule, those of red rules first."""
    return [Finding(**row, switched=switched) for row in database.rows(connection, "report/findings", run=run, shown=IDS_SHOWN)]


def write_findings(target: Database, run: int, path: Path) -> None:
    """Write every finding of a run to a CSV file: rule, severity, id and subject, but no value of a row."""
    import pandas as pd  # a third of a second, which every verb would wait for

    with target.transaction("exporting the findings", transaction_read_only="on") as connection:
        query = text(sql.load("report/finding_rows").statement).bindparams(run=run)
        parts = pd.read_sql(query, connection.execution_options(stream_results=True), chunksize=ROWS_AT_A_TIME)
        with path.open("w", encoding="utf-8", newline="") as file:
            for number, part in enumerate(parts):
                part.to_csv(file, index=False, header=number == 0)
