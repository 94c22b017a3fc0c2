"""The move of customers before the switch: who is chosen, its plan, and what comes before its gate."""

import math
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

import sql
from migration import database
from migration.errors import BadInput
from migration.ledger import ledger, runs
from migration.ledger.phases import MOVE_CUSTOMERS
from migration.ledger.runs import Run
from migration.plans import plan
from migration.plans.plan import MOVE, Plan
from migration.plans.statements import Catalog, database_mark, problems_found, statements_of

#: The buckets into which the keys of customers fall: a share has two decimals.
BUCKETS = 10_000


@dataclass(frozen=True)
class Choice:
    """What an operator has chosen: the table that is to serve, and single e-mails or a share of all customers in percent."""

    to: str
    emails: tuple[str, ...]
    percent: float | None

    @classmethod
    def given(cls, to: str | None, emails: str, percent: float | None) -> "Choice | None":
        """Return the choice from the verb's parameters; None if all are empty. `emails` is a list, or `@` and the path of a file.

        Raises BadInput, without an address, if it is none or a part is missing.
        """
        if to is None and not emails.strip() and percent is None:
            return None
        listed = tuple(filter(None, re.split(r"[\s,;]+", _read(emails.strip()))))
        if to is None:
            raise _bad("It is missing which table is to serve the customers", "give `to`: clean or legacy")
        if emails.strip() and not listed:
            raise _bad("The list of e-mails is empty", "give at least one e-mail, or a share (`percent`)")
        if bool(listed) == (percent is not None):
            raise _bad("A move is for e-mails or for a share of all customers", "give one of `emails` and `percent`")
        if percent is not None and not (0 < percent <= 100 and math.isclose(percent * 100, round(percent * 100))):
            raise _bad("percent is out of range", "give a number above 0 and up to 100, with two decimals at most")
        return cls(to, listed, percent)


@dataclass(frozen=True)
class Move:
    """A choice as the ledger keeps it: the table that is to serve, a range of buckets, and the keys of single customers in their order."""

    served_by: str
    first_bucket: int
    past_bucket: int
    keys: tuple[str, ...]


def _bad(what: str, fix: str) -> BadInput:
    return BadInput(f"{what}. Nothing was changed. To fix: {fix}.")


def _read(emails: str) -> str:
    if not emails.startswith("@"):
        return emails
    try:
        return Path(emails[1:]).read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise _bad(f"The file of e-mails could not be read ({type(error).__name__})", "give `@` and the path of a text file") from None


def plan_move_customers(connection: Connection, choice: Choice | None, number: str = "") -> Plan:
    """Return the plan of a move: of this choice, or of that of the plan with this number. MIGRATED → MIGRATED; takes ACCESS SHARE only.

    A share of p percent to a table means that at least p percent of all customers are served by it afterwards: to the clean table the
    first p percent, to the legacy table the last. Raises BadInput if there is neither a choice nor such a plan.
    """
    move = _chosen(connection, choice) if choice else _planned(connection, number)
    catalog = Catalog({**asdict(move), "keys": list(move.keys)})
    files = [sql.load("move_customers/move"), sql.load("move_customers/in_force")]
    return Plan(
        verb=MOVE_CUSTOMERS,
        database=database_mark(connection),
        phase=plan.phase_mark(connection),
        decisions=plan.decisions_in_force(connection),
        statements=tuple(statement for file in files for statement in statements_of(connection, catalog, file)),
        blockers=tuple(problem for file in sql.folder("move_customers/blockers") for problem in problems_found(connection, catalog, file)),
        facts={
            "served_by_afterwards": move.served_by,
            **catalog.rows(connection, sql.load("move_customers/facts"))[0],
            MOVE: asdict(move),
        },
    )


def _chosen(connection: Connection, choice: Choice) -> Move:
    if choice.percent is not None:
        covered = round(choice.percent * 100)
        return Move(choice.to, *((0, covered) if choice.to == "clean" else (BUCKETS - covered, BUCKETS)), ())
    question = text(
        "SELECT ENCODE(artwork_migration.customer_key(s.salt, e.email), 'hex')"
        " FROM artwork_migration.customer_salt AS s CROSS JOIN UNNEST(CAST(:emails AS text[])) WITH ORDINALITY AS e (email, place)"
        " ORDER BY e.place"
    )
    keys = connection.execute(question, {"emails": list(choice.emails)}).scalars()
    return Move(choice.to, 0, 0, tuple(keys))


def _planned(connection: Connection, number: str) -> Move:
    stored: dict[str, Any] = (ledger.plan_content(connection, number) or {"facts": {}})["facts"].get(MOVE, {})
    if not stored:
        raise _bad("No move was chosen", "give `to`, and `emails` or `percent`; or the number of a plan of move-customers")
    return Move(**{**stored, "keys": tuple(stored["keys"])})


def propose(run: Run, approved: Plan) -> None:
    """Record whom the approved plan moves, so that the gate can judge just their artworks. The move is not in force by that."""

    def work(connection: Connection) -> None:
        runs.enter_fence(connection, run.epoch, exclusively=False)
        for statement in approved.statements:
            if statement.stage == "prepare":
                database.run_literally(connection, statement.do)

    run.database.write("recording the customers to move", work)


@dataclass(frozen=True)
class Moved:
    """How many customers the newest move concerns, how many artworks of theirs, and the table that serves them."""

    customers: int
    artworks: int
    served_by: str


def moved(run: Run) -> Moved:
    """Return what the newest move concerns, counted now. Locks ACCESS SHARE on both tables."""
    (row,) = run.database.read("move_customers/moved")
    return Moved(**row)
