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
#: What Prefect keeps in place of the e-mails of a run. A run that is started again from its page has it as its `emails`.
NOT_KEPT = "(not kept)"


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
        if emails.strip() == NOT_KEPT:
            raise _bad("The e-mails were not kept", "fill in the form again")
        listed = _listed(emails.strip())
        if to is None:
            raise _bad("It is missing which table is to serve the customers", "give `to`: clean or legacy")
        if emails.strip() and not listed:
            raise _bad("The list of e-mails is empty", "give at least one e-mail, or a share (`percent`)")
        if any("\0" in email or not email.isprintable() for email in listed):
            raise _bad("The list of e-mails has a character that no e-mail has", "save it as text in UTF-8, one e-mail a line")
        if bool(listed) == (percent is not None):
            raise _bad("A move is for e-mails or for a share of all customers", "give one of `emails` and `percent`")
        if percent is not None and not (0 < percent <= 100 and math.isclose(percent * 100, round(percent * 100))):
            raise _bad("percent is no share", "give a number above 0 and up to 100, with two decimals at most")
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


def _listed(emails: str) -> tuple[str, ...]:
    """Return the single e-mails: those that were typed, with blanks or commas between, or the lines of a file."""
    if not emails.startswith("@"):
        return tuple(filter(None, re.split(r"[\s,;]+", emails)))
    path = Path(emails[1:]).expanduser()
    if not path.is_file():  # a pipe could be read only once
        raise _bad("There is no such file of e-mails", "give `@` and the path of a text file on this machine, one e-mail a line")
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeError) as error:
        raise _bad(
            f"The file of e-mails could not be read ({type(error).__name__})", "save it as text in UTF-8, readable for you"
        ) from None
    return tuple(filter(None, map(str.strip, lines)))


def plan_move_customers(connection: Connection, choice: Choice | None, number: str = "") -> Plan:
    """Return the plan of a move: of this choice, or of that of the plan with this number. MIGRATED → MIGRATED; takes ACCESS SHARE only.

    A share of p percent is that of the 10,000 buckets: for the clean table the first, for the legacy table the last. Raises BadInput if
    there is neither a choice nor such a plan.
    """
    catalog = Catalog(_parameters(move := _chosen(connection, choice) if choice else _planned(connection, number)))
    blockers = [file.given(_given()) for file in sql.folder("move_customers/blockers")]
    return Plan(
        verb=MOVE_CUSTOMERS,
        database=database_mark(connection),
        phase=plan.move_mark(connection),
        decisions=plan.decisions_in_force(connection),
        statements=tuple(statements_of(connection, catalog, sql.load("move_customers/move"))),
        blockers=tuple(problem for file in blockers for problem in problems_found(connection, catalog, file)),
        facts={
            "served_by_afterwards": move.served_by,
            **catalog.rows(connection, sql.load("move_customers/facts").given(_given()))[0],
            MOVE: asdict(move),
        },
    )


def _parameters(move: Move) -> dict[str, Any]:
    return {**asdict(move), "keys": list(move.keys)}


def _given() -> dict[str, str]:
    """What the plan reads in place of the table that the run fills."""
    return {"moving_artwork": sql.load("move_customers/moving_artwork").statement}


def _chosen(connection: Connection, choice: Choice) -> Move:
    if choice.percent is not None:
        covered = round(choice.percent * 100)
        return Move(choice.to, *((0, covered) if choice.to == "clean" else (BUCKETS - covered, BUCKETS)), ())
    question = text(
        "SELECT ENCODE(artwork_migration.customer_key(e.email), 'hex')"
        " FROM UNNEST(CAST(:emails AS text[])) WITH ORDINALITY AS e (email, place) ORDER BY e.place"
    )
    keys = connection.execute(question, {"emails": list(choice.emails)}).scalars()
    return Move(choice.to, 0, 0, tuple(keys))


def _planned(connection: Connection, number: str) -> Move:
    stored: dict[str, Any] = (ledger.plan_content(connection, number) or {"facts": {}})["facts"].get(MOVE, {})
    if not stored:
        raise _bad("No move was chosen", "give `to`, and `emails` or `percent`; or the number of a plan of move-customers")
    return Move(**{**stored, "keys": tuple(stored["keys"])})


def find_moving(run: Run, approved: Plan) -> None:
    """Keep the artworks whose customers move, for the gate, and mark those in flight, so that the next catch-up migrates them.

    Locks ACCESS SHARE on both tables and public.users.
    """
    found = sql.load("move_customers/moving_artwork").statement

    def work(connection: Connection) -> None:
        runs.enter_fence(connection, run.epoch, exclusively=False)
        connection.execute(text("DELETE FROM artwork_migration.moving_artwork"))
        statement = text(f"INSERT INTO artwork_migration.moving_artwork (id, is_clean, key, moved_to, moves, single)\n{found}")
        connection.execute(statement, {**approved.facts[MOVE], "keys": list(approved.facts[MOVE]["keys"])})
        connection.execute(text("ANALYZE artwork_migration.moving_artwork"))
        database.run(connection, "move_customers/in_flight")

    run.database.write("finding the artworks to move", work)


@dataclass(frozen=True)
class Moved:
    """How many customers a run has moved, with how many artworks."""

    customers: int
    artworks: int


def put_in_force(run: Run, approved: Plan) -> Moved:
    """Execute the plan and end the run in one transaction: from its commit on `artwork_schema_for` answers for all of them. No lock.

    If the same run has committed before, it only counts.
    """

    def work(connection: Connection) -> Moved:
        runs.enter_fence(connection, run.epoch, exclusively=False)
        (row,) = database.rows(connection, "move_customers/moved")
        if not ledger.brought_a_phase(connection, run.epoch):
            connection.execute(text("SELECT SET_CONFIG('artwork_migration.run', :run, TRUE)"), {"run": str(run.epoch)})
            for statement in approved.statements:
                database.run_literally(connection, statement.do)
            ledger.end_run(connection, run.epoch, outcome="Completed", phase_after=MOVE_CUSTOMERS.brings, details=dict(row))
            run.brought = None
        return Moved(**row)

    moved = run.database.write("moving the customers", work)
    run.brought = True
    return moved
