"""What a statement that reads a whole table has done by now: counted in a second session, from numbers that only the server has."""

from contextlib import suppress
from functools import partial

from sqlalchemy import Connection, text

from migration import database
from migration.errors import MigrationError
from migration.ledger.runs import Run

#: The tables whose rows are counted.
LEGACY, CLEAN, RETIRED = "public.artworks", "public.artworks_v2", "public.artworks_old"


def expect_rows(run: Run, table: str, *, share: float = 1.0) -> None:
    """Expect one statement that reads this table once and counts each row with `row_counter`, in this share of its time."""
    with suppress(MigrationError):  # the run does not depend on its progress
        _expect(run, _rows(run, table), "rows_read", share=share, since=_row_counter(run))


def expect_copy(run: Run) -> None:
    """Expect the rows of the legacy table, chunk by chunk; the rows of chunks that are copied are done."""
    with suppress(MigrationError):
        known = _rows(run, LEGACY)
        done = int(known * run.database.read("progress/chunks_copied")[0]["copied"])
        _expect(run, known, "rows_read", done=done, since=_row_counter(run) - done)


def expect_counted(run: Run, query: str) -> None:
    """Expect one statement over the clean table whose rows the server counts: `rows_indexed` or `rows_vacuumed`."""
    with suppress(MigrationError):
        known = _rows(run, CLEAN)
        _expect(run, known, query, known=known)


def _rows(run: Run, table: str) -> int:
    """Return how many rows the table has. They are counted once in a run: the number serves only the estimate."""
    if table not in run.progress.known:
        with run.database.transaction(f"counting the rows of {table}", transaction_read_only="on") as connection:
            run.progress.known[table] = int(connection.execute(text(f"SELECT COUNT(*) FROM {table}")).scalar_one())
    return run.progress.known[table]


def _row_counter(run: Run) -> int:
    return int(run.database.read("progress/rows_read", since=0)[0]["done"])


def _expect(run: Run, total: int, query: str, *, done: int = 0, share: float = 1.0, **parameters: int) -> None:
    run.progress.expect(total, done=done, share=share, count=partial(_count, query=query, parameters=parameters))


def _count(connection: Connection, *, query: str, parameters: dict[str, int]) -> int | None:
    found = database.rows(connection, f"progress/{query}", **parameters)
    return int(found[0]["done"]) if found else None
