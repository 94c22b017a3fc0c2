"""Figures for the report, counted in the snapshot of the reconciliation so that all of them speak of one database."""

from sqlalchemy import Connection

import sql
from migration import database
from migration.ledger.runs import Run


def count(run: Run, connection: Connection) -> None:
    """Write every figure of `sql/reconcile/figures`, in its order; a file of rows returns statements, one for each thing that it counts."""
    for file in sql.folder("reconcile/figures"):
        if file.name.endswith(".rows"):
            for row in database.rows(connection, file.name, run=run.epoch):
                # without parameters, or a % in a name would be taken for one
                connection.exec_driver_sql(row["do"], execution_options={"no_parameters": True})
        else:
            database.run(connection, file.name, run=run.epoch)
