"""Errors are facts with fields. A message says what happened, what it means for the data, and what to do; none carries a value of a row."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

#: The longest message on Prefect's pages, in characters.
LONGEST_MESSAGE = 600
_ID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def shortened(text: str) -> str:
    """Return the text without ids of rows and, if it is too long, without its last sentences."""
    text = re.sub(_ID, "…", re.sub(f"[,:]? ids {_ID}(?:, {_ID})*(?: and [0-9,]+ more)?", "", text))
    if len(text) <= LONGEST_MESSAGE:
        return text
    rest = " … The log of the run has the rest."
    begin = text[: LONGEST_MESSAGE - len(rest)]
    sentences = [end.end() for end in re.finditer(r"\n|(?<!\b\d)\. |; ", begin)]  # the full stop behind a number in a list ends none
    return begin[: max(sentences, default=begin.rfind(" "))].rstrip() + rest


class MigrationError(Exception):
    """A verb was stopped. `end` is the kind of its end, `exit_code` that of the command line; to Prefect each is a failure."""

    end: ClassVar[str] = "Refused"
    exit_code: ClassVar[int] = 1

    @property
    def in_name(self) -> str:
        """Return the end as the name of a run has it."""
        return self.end.lower()

    @property
    def brief(self) -> str:
        """Return the message as Prefect shows it on its pages: of bounded length, without ids. The run's log has the whole one."""
        return shortened(str(self))


class BadInput(MigrationError):
    """The operator's input cannot be used; nothing was changed."""

    exit_code = 2


class Red(MigrationError):
    """A gate is not green, or the last check under the locks failed."""

    end = "Red"
    exit_code = 4


class OthersAtWork(MigrationError):
    """Another session, another run or a pause has blocked the verb. The same command succeeds once that has ended."""

    exit_code = 5


class DatabaseUnreachable(MigrationError):
    """No connection could be made: `what` happened, and the way to `fix` it. `state` is what that means for the data."""

    exit_code = 3

    def __init__(self, what: str, fix: str, state: str = "Nothing was changed.") -> None:
        self.what, self.fix = what, fix
        super().__init__(f"{what} {state} To fix: {fix}")


class ConnectionLost(DatabaseUnreachable):
    """The database could be reached before, and a connection to it was lost or can no longer be made. What was committed stays."""

    end = "Connection lost"

    def __init__(self, what: str, fix: str, state: str = "What was committed before stays.") -> None:
        super().__init__(what, fix, state)


class NotFinished(ConnectionLost):
    """The connection was lost after the commit that brings the phase."""

    end = "Committed – not finished"


class OutcomeUnknown(ConnectionLost):
    """The connection was lost while the server was asked to commit the phase, so the run cannot know whether it did."""

    end = "Outcome unknown"


@dataclass(frozen=True)
class Problem:
    """One thing that prevents a step: the `rule` that found it, the `subject` it is about, what is wrong, and how to fix it.

    `remedy` is the way in words. Where one statement or one decision is enough, it is here as well, so that it can be copied and tested:
    `statement` is SQL, `decision` is a name and a value.
    """

    rule: str
    subject: str
    problem: str
    remedy: str
    statement: str = ""
    decision: str = ""

    @classmethod
    def found(cls, rule: str, remedy: str, row: Mapping[str, str | None]) -> "Problem":
        """Return what a rule has found. Its row has `subject` and `problem`, and may have `statement`, `decision` and its own `remedy`."""
        return cls(rule=rule, **{"remedy": remedy, **{name: value for name, value in row.items() if value is not None}})

    def __str__(self) -> str:
        statement = f" Statement: `{self.statement}`" if self.statement else ""
        decision = f" Decision: `artwork-migration run decide {self.decision} --approved-by NAME --reason WHY`" if self.decision else ""
        return f"{self.subject}: {self.problem} To fix: {self.remedy}{statement}{decision}"


#: Problems of one rule that a message shows. A file has all of them.
PROBLEMS_SHOWN = 10


def shown(problems: Sequence[Problem]) -> list[Problem]:
    """Return the first problems of each rule."""
    seen: Counter[str] = Counter()
    return [problem for problem in problems if (seen.update([problem.rule]) or seen[problem.rule]) <= PROBLEMS_SHOWN]


def problem_lines(problems: Sequence[Problem], *, listed_in: str = "", mark: str = "- {}") -> str:
    """Return a line for each problem that is shown, in the form of `mark`, and a line for each rule that has more: how many, and where."""
    where = f"; all of them are in {listed_in}" if listed_in else ""
    counts = Counter(problem.rule for problem in problems)
    long = {rule: count for rule, count in counts.items() if count > PROBLEMS_SHOWN}
    more = [f"- {rule}: {count:,} in all, the first {PROBLEMS_SHOWN} here{where}." for rule, count in long.items()]
    return "\n".join([*(mark.format(problem, rule=problem.rule) for problem in shown(problems)), *more])


class Refused(MigrationError):
    """A verb that is stopped by a list of problems. `list_name` is the name of a file for all of them, `listed_in` its path."""

    def __init__(self, message: str, problems: Sequence[Problem], list_name: str) -> None:
        self.message, self.problems, self.list_name = message, tuple(problems), list_name
        self.listed_in = ""
        super().__init__(message)

    def __str__(self) -> str:
        return f"{self.message}\n{problem_lines(self.problems, listed_in=self.listed_in)}"


class PrerequisitesNotMet(Refused):
    """The database cannot be migrated as it is; nothing was created."""

    def __init__(self, verb: str, problems: Sequence[Problem]) -> None:
        super().__init__(f"{verb} is refused. Nothing was changed.", problems, f"{verb}-prerequisites.csv")


class WrongPhase(MigrationError):
    """A verb was started in a phase it does not fit."""

    def __init__(self, verb: str, found: str, wanted: Sequence[str], run_instead: Sequence[str]) -> None:
        self.found, self.wanted = found, tuple(wanted)
        done = "The migration is done: no rollback is possible, and no step is left."
        what_to_do = f"To fix: run {' or '.join(run_instead)} instead." if run_instead else done
        super().__init__(
            f"{verb} runs in phase {' or '.join(wanted)}, and this database is in phase {found}. Nothing was changed. {what_to_do}"
        )


class RunInProgress(OthersAtWork):
    """Another run holds the lock, or a statement of it is still running in the database. `state` is what that means for the data."""

    def __init__(self, holders: Sequence[str], *, state: str = "Nothing was changed.") -> None:
        self.holders = tuple(holders)
        super().__init__(
            f"{' and '.join(holders)} is running on this database. Only one run may write at a time. {state} "
            "To fix: wait for it to end, then start this run again."
        )


class NothingToJoin(MigrationError):
    """No run is copying, so none can be joined."""

    def __init__(self) -> None:
        super().__init__(
            "No run of migrate-data is copying chunks, so there is nothing to join. Nothing was changed. To fix: run migrate-data; start "
            "join-copy when `artwork-migration status` shows its step `copy chunks`."
        )


class Overtaken(MigrationError):
    """A newer run has begun, so this run may no longer write."""

    end = "Failed"


class PlanOutdated(MigrationError):
    """The plan of now differs from the one that was approved."""

    def __init__(self, verb: str, number: str, current: str, changes: Sequence[str], *, chosen: bool = False) -> None:
        self.number, self.current, self.changes = number, current, tuple(changes)
        without, with_it = ("with the same choice", "its number") if chosen else ("without a number", f"plan={current}")
        super().__init__(
            f"{verb}: plan {number} is outdated; the plan is now {current}. Nothing was changed. To fix: start {verb} {without}, "
            f"read the new plan, then start it with {with_it}. Why: {'; '.join(changes)}."
        )


class Blocked(Refused):
    """The plan has blockers. `state` is what that means for the data, `hint` the last line of the message."""

    end = "Blocked"

    def __init__(self, verb: str, number: str, blockers: Sequence[Problem], *, state: str = "Nothing was changed.", hint: str = "") -> None:
        self.blockers, self.hint = tuple(blockers), hint
        super().__init__(f"{verb}: plan {number} has blockers. {state}", blockers, blockers_file(number))

    def __str__(self) -> str:
        return "\n".join(filter(None, [super().__str__(), self.hint]))


def blockers_file(number: str) -> str:
    """Return the name of the file with all blockers of a plan."""
    return f"plan-{number}-blockers.csv"


class NewBlocker(MigrationError):
    """A recheck under the locks, `found`, failed that held when the plan was made; everything of the plan was rolled back."""

    def __init__(self, verb: str, action: str, found: str) -> None:
        self.found = found
        super().__init__(
            f"{verb}: the check {found} failed after {action} was made. The plan changed nothing. "
            f"To fix: start {verb} without a number and read the new plan."
        )


class DependentsChanged(NewBlocker):
    """An object that depends on artworks was created, dropped or changed after the plan was made. It need not block the next plan."""

    def __init__(self, verb: str, number: str, changes: Sequence[str]) -> None:
        super().__init__(verb, f"plan {number}", "dependents")
        self.changes = tuple(changes)
        what = "; ".join(changes) or "an object that depends on artworks was changed, and is as before by now"
        self.args = (
            f"{verb}: plan {number} is outdated. The plan changed nothing. To fix: start {verb} without a number, read the new plan, then "
            f"start it with the new number. Why: objects changed after it was made: {what}.",
        )


class WrongUnderLock(Red):
    """The last check under the locks found rows that differ; everything was rolled back."""

    def __init__(self, verb: str, found: str) -> None:
        self.found = found
        super().__init__(
            f"{verb}: the last check under the locks is red. The plan changed nothing. Found: {found}. "
            f"To fix: run migrate-data, which compares every row and names what differs; then start {verb} with the same plan number."
        )


class OrphanReferences(MigrationError):
    """A key cannot be validated after the commit: rows that reference artworks which do not exist appeared since the plan was made."""

    end = "Failed"

    def __init__(self, verb: str, key: str) -> None:
        super().__init__(
            f"{verb}: the step `{key}` failed. Rows reference artworks that do not exist; they appeared since the plan was made. "
            "What was committed before stays, and the key checks every new row. To fix: 1. Find the ids and their tables with `SELECT r.* "
            "FROM artwork_migration.referenced_artwork AS r WHERE NOT EXISTS (SELECT FROM public.artworks AS a WHERE a.id = r.id)`. "
            f"2. Give these rows an artwork that exists, or delete them. 3. Run {verb} again; it does the steps that are left."
        )


class NotAccepted(Red):
    """The acceptance test failed under the locks, before the commit; everything was rolled back."""

    def __init__(self, verb: str, found: str) -> None:
        self.found = found
        super().__init__(
            f"{verb}: the acceptance test on the clean table failed before the commit. The plan changed nothing, and the legacy table "
            f"serves. Found: {found}. To fix: correct what it names, usually a function of a trigger that does not fit the clean table, "
            f"then start {verb} again without a number."
        )


class NoReport(MigrationError):
    """There is nothing to report yet."""


class ReportNotWritten(NoReport):
    """The report cannot be written to its folder. The verb may have committed its phase before."""

    end = "Failed"

    def __init__(self, folder: str, reason: str) -> None:
        super().__init__(
            f"The report could not be written: {reason}. The folder is {folder}. What was committed before stays. "
            "To fix: set ARTWORK_REPORTS to a folder that can be written, then run it again; it resumes."
        )


class WaitedTooLong(OthersAtWork):
    """A run was paused, or waited for the server, for longer than the setting allows. `problems` are what it last waited for."""

    end = "Waited too long"

    def __init__(self, verb: str, seconds: float, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(
            f"{verb} waited longer than {seconds:,.0f} s (ARTWORK_LONGEST_WAIT_SECONDS) and has ended. A pause has ended too. What was "
            f"committed before stays; nothing is half done. Run {verb} again; it resumes. It waited for:\n{problem_lines(problems)}"
        )


class UsersRefused(MigrationError):
    """The table users refuses nearly every anonymous user; the copy was not begun."""

    end = "Failed"

    def __init__(self, failed: int, created: int, refusal: str) -> None:
        self.failed, self.created, self.refusal = failed, created, refusal
        why = f"the last SQLSTATE was {refusal}" if refusal else "it stores their e-mails in another spelling, or has another spelling"
        super().__init__(
            f"users refused {failed} anonymous users, and only {created} were created. Why: {why}. No artwork was copied; the users "
            "that were created stay. To fix: correct the constraint or trigger on users that refuses them, then run migrate-data again."
        )


class DatabaseError(MigrationError):
    """A statement failed. Only the SQLSTATE and the names of objects are kept: the driver's text carries values of rows.

    `reason` is what a gate says of a rule that could not be judged because of it.
    """

    end = "Failed"

    def __init__(self, sqlstate: str, condition: str, objects: str, action: str, *, meaning: str = "", fix: str = "") -> None:
        self.sqlstate, self.objects, self.action = sqlstate, objects, action
        self.reason = f"failed with SQLSTATE {sqlstate}"
        where = f" on {objects}" if objects else ""
        why = f": {meaning}" if meaning else ""
        super().__init__(
            f"{action} failed with SQLSTATE {sqlstate} ({condition}){where}{why}. What was committed before stays; the rest was rolled "
            f"back. To fix: {fix or 'remove the cause'}, then run the verb again; it resumes."
        )


class HiddenRows(DatabaseError):
    """Row level security hides rows of a table from our role, so what we read is not all there is. `objects` names the table."""

    def __init__(self, objects: str, action: str) -> None:
        super().__init__("42501", "InsufficientPrivilege", objects, action)
        self.reason = f"could not see every row: row level security hides some from the role ({objects})"
        self.args = (
            f"{action}: row level security hides rows from the role ({objects}). What was committed before stays; the rest was rolled "
            "back, because hidden rows would count as absent. To fix: run the verb again; it names each table and the way to fix it.",
        )
