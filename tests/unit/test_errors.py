"""Errors are facts with fields: the message says what happened, to which object, and what to do next."""

import inspect
import re
from dataclasses import replace

import pytest

from migration import errors, gate_errors, lock_errors
from migration.database import LOCK_NOT_AVAILABLE, RETRIED, backoff
from migration.errors import (
    BadInput,
    Blocked,
    ConnectionLost,
    DatabaseError,
    DatabaseUnreachable,
    DependentsChanged,
    HiddenRows,
    MigrationError,
    NewBlocker,
    NoReport,
    NotAccepted,
    NotFinished,
    NothingToJoin,
    OrphanReferences,
    OthersAtWork,
    OutcomeUnknown,
    Overtaken,
    PlanOutdated,
    PrerequisitesNotMet,
    Problem,
    Red,
    Refused,
    ReportNotWritten,
    RunInProgress,
    UsersRefused,
    WaitedTooLong,
    WrongPhase,
    WrongUnderLock,
    shortened,
)
from migration.gate_errors import CheckFailed, GateBroken, GateFailed, RedGate, RedRule, VerificationFailed, VerificationRed
from migration.lock_errors import LockHolder, LockNotObtained, OldTransactions, RowsLocked, WriteBlocked

PROBLEM = Problem("name_taken", "public.artworks_v2", "the name is taken.", "Rename it.")
RED = RedRule("users", "user_email_is_unique", ("email",), 1, ("id-3",), "Merge the users.")
VERIFICATION_RED = RedRule("verification", "live_differs", ("pet_name",), 1, ("id-3",), "Correct the wrong row.")
HOLDER = LockHolder(42, "webshop", "shop", "idle in transaction", 7, "artworks")
HIDDEN = LockHolder(7, "", "other", "not visible", None, "orders")
PREPARED = LockHolder(None, "", "shop", "prepared", 7, "users", "sign'up")

EXAMPLES: list[tuple[MigrationError, str]] = [
    (BadInput("The value cannot be used."), "The value cannot be used."),
    (
        DatabaseUnreachable("The database shop cannot be reached: no server listens there.", "check host and port."),
        "The database shop cannot be reached: no server listens there. Nothing was changed. To fix: check host and port.",
    ),
    (
        ConnectionLost("copying a chunk: the connection to shop was lost.", "start it again."),
        "copying a chunk: the connection to shop was lost. What was committed before stays. To fix: start it again.",
    ),
    (
        PrerequisitesNotMet("deploy-schema", [PROBLEM]),
        "deploy-schema is refused. Nothing was changed.\n- public.artworks_v2: the name is taken. To fix: Rename it.",
    ),
    (
        WrongPhase("migrate-data", "NOT_STARTED", ["DEPLOYED", "MIGRATED"], ["deploy-schema"]),
        "migrate-data runs in phase DEPLOYED or MIGRATED, and this database is in phase NOT_STARTED. Nothing was changed. "
        "To fix: run deploy-schema instead.",
    ),
    (
        RunInProgress(["migrate-data run brave-otter"]),
        "migrate-data run brave-otter is running on this database. Only one run may write at a time. Nothing was changed. "
        "To fix: wait for it to end, then start this run again.",
    ),
    (Overtaken("run 3 was overtaken by run 4"), "run 3 was overtaken by run 4"),
    (
        PlanOutdated("deploy-schema", "0ld0ld0l", "newnewne", ["a decision has changed", "the phase has changed"]),
        "deploy-schema: plan 0ld0ld0l is outdated; the plan is now newnewne. Nothing was changed. To fix: start deploy-schema without a "
        "number, read the new plan, then start it with plan=newnewne. Why: a decision has changed; the phase has changed.",
    ),
    (
        Blocked("deploy-schema", "newnewne", [PROBLEM]),
        "deploy-schema: plan newnewne has blockers. Nothing was changed.\n- public.artworks_v2: the name is taken. To fix: Rename it.",
    ),
    (
        NewBlocker("switch-over", "plan newnewne", "new_dependent"),
        "switch-over: the check new_dependent failed after plan newnewne was made. The plan changed nothing. "
        "To fix: start switch-over without a number and read the new plan.",
    ),
    (
        WrongUnderLock("switch-over", "missing: ids id-1, id-2"),
        "switch-over: the last check under the locks is red. The plan changed nothing. Found: missing: ids id-1, id-2. To fix: run "
        "migrate-data, which compares every row and names what differs; then start switch-over with the same plan number.",
    ),
    (
        NotAccepted("switch-over", "SQLSTATE 42703, in function audit()"),
        "switch-over: the acceptance test on the clean table failed before the commit. The plan changed nothing, and the legacy table "
        "serves. Found: SQLSTATE 42703, in function audit(). To fix: correct what it names, usually a function of a trigger that does not "
        "fit the clean table, then start switch-over again without a number.",
    ),
    (
        CheckFailed("", [VERIFICATION_RED]),
        "gate verification is red: live_differs (pet_name): 1 bad, ids id-3. "
        "The clean table serves as `artworks`. To fix:\n- live_differs: Correct the wrong row.\n"
        "Then run `switch-over` again, which does the remaining steps. Or run `roll-back --to MIGRATED`, which carries back "
        "every write. All ids are in artwork_migration.finding; docs/validation.md explains each rule.",
    ),
    (
        VerificationFailed("live_missing failed with SQLSTATE 42P01", []),
        "gate verification could not be judged: live_missing failed with SQLSTATE 42P01. A gate that did not check everything counts as "
        "red. The clean table serves as `artworks`. To fix:\n- not judged: Remove what kept the rule from "
        "checking, usually an empty table, a dropped column or a missing privilege.\nThen run `verify` again. Or run "
        "`roll-back --to MIGRATED`, which carries back what was captured. All ids are in artwork_migration.finding; docs/validation.md "
        "explains each rule.",
    ),
    (NoReport("There is nothing to report yet."), "There is nothing to report yet."),
    (
        ReportNotWritten("/reports", "No space left on device"),
        "The report could not be written: No space left on device. The folder is /reports. What was committed before stays. To fix: set "
        "ARTWORK_REPORTS to a folder that can be written, then run it again; it resumes.",
    ),
    (
        DependentsChanged("switch-over", "newnewne", ["view public.late was created", "index public.early was dropped"]),
        "switch-over: plan newnewne is outdated. The plan changed nothing. To fix: start switch-over without a number, read the new plan, "
        "then start it with the new number. Why: objects changed after it was made: view public.late was created; index public.early was "
        "dropped.",
    ),
    (
        OldTransactions("migrate-data", "index artworks_v2_user_id_idx", [replace(HOLDER, table=""), PREPARED]),
        "migrate-data: index artworks_v2_user_id_idx waits for older transactions, and they are still open. What was done before stays "
        "done. Blocked by: pid 42 (webshop, idle in transaction, open for 7 s); the prepared transaction 'sign''up' (role shop, open for "
        "7 s) on users. To fix: wait until these sessions end, or end one with SELECT pg_terminate_backend(PID); run COMMIT PREPARED "
        "'sign''up' or ROLLBACK PREPARED 'sign''up', as its transaction manager decides; then run migrate-data again; it resumes.",
    ),
    (
        LockNotObtained("deploy-schema", 3, [HOLDER]),
        "deploy-schema: could not acquire the locks after 3 attempts. The plan changed nothing. Blocked by: "
        "pid 42 (webshop, idle in transaction, open for 7 s) on artworks. "
        "To fix: wait until these sessions end, or end one with SELECT pg_terminate_backend(PID); then start deploy-schema with the same "
        "plan number.",
    ),
    (
        LockNotObtained("deploy-schema", 3, []),
        "deploy-schema: could not acquire the locks after 3 attempts. The plan changed nothing. Blocked by: sessions that have finished by "
        "now. To fix: start deploy-schema with the same plan number.",
    ),
    (
        LockNotObtained("deploy-schema", 3, [HIDDEN]),
        "deploy-schema: could not acquire the locks after 3 attempts. The plan changed nothing. Blocked by: pid 7 (role other, no "
        "application_name, not visible) on orders. To fix: wait until these sessions end, which pg_read_all_stats would let this role see "
        "better, or end one with SELECT pg_terminate_backend(PID); then start deploy-schema with the same plan number.",
    ),
    (
        WriteBlocked(DatabaseError("55P03", "LockNotAvailable", "", "catching up"), 20, [PREPARED]),
        "catching up: could not lock the rows in 20 attempts (SQLSTATE 55P03). What was committed before stays; the rest was rolled back. "
        "Blocked by: the prepared transaction 'sign''up' (role shop, open for 7 s) on users. To fix: run COMMIT PREPARED 'sign''up' or "
        "ROLLBACK PREPARED 'sign''up', as its transaction manager decides; then run the verb again; it resumes.",
    ),
    (
        DatabaseError("53100", "DiskFull", "", "copying a chunk", meaning="the disk of the server is full", fix="make room on it"),
        "copying a chunk failed with SQLSTATE 53100 (DiskFull): the disk of the server is full. What was committed before stays; "
        "the rest was rolled back. To fix: make room on it, then run the verb again; it resumes.",
    ),
    (
        DatabaseError("23505", "UniqueViolation", "public.users.users_email_key", "creating users"),
        "creating users failed with SQLSTATE 23505 (UniqueViolation) on public.users.users_email_key. What was committed before stays; the "
        "rest was rolled back. To fix: remove the cause, then run the verb again; it resumes.",
    ),
    (
        DatabaseError("57014", "QueryCanceled", "", "reconciling"),
        "reconciling failed with SQLSTATE 57014 (QueryCanceled). What was committed before stays; the rest was rolled back. "
        "To fix: remove the cause, then run the verb again; it resumes.",
    ),
]


@pytest.mark.parametrize(("error", "message"), EXAMPLES, ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "")
def test_the_message_says_what_which_and_what_next(error: MigrationError, message: str) -> None:
    """The message of each error is exactly this: what happened, to which object, and what to do."""
    assert message == str(error)


ID = "76b0aea0-9619-1ba7-077e-0630c14f76d0"
MANY = [Problem("rejected", f"artwork {ID}", "a long explanation. " * 5, "a long remedy. " * 5)] * 40
LONG_RED = [
    RedRule("verification", f"rule_{n}", ("pet_name", "user_id"), n, (ID, ID), "Correct the row, then look again. " * 3) for n in range(9)
]
LONG: list[MigrationError] = [
    BadInput("The value cannot be used. Nothing was changed."),
    DatabaseUnreachable("The database shop cannot be reached: no server listens there.", "check host and port."),
    ConnectionLost("copying a chunk: the connection to shop was lost.", "start it again."),
    NotFinished("copying a chunk: the connection to shop was lost.", "start it again."),
    OutcomeUnknown("copying a chunk: the connection to shop was lost.", "start it again."),
    Refused("verify is refused. Nothing was changed.", MANY, "list.csv"),
    PrerequisitesNotMet("roll-back --to NOT_STARTED", MANY),
    WrongPhase("roll-back --to NOT_STARTED", "CLEANED", ["DEPLOYED", "MIGRATED"], ["roll-back --to MIGRATED", "clean-up", "verify"]),
    RunInProgress(["artwork-migration migrate-data run brave-otter of the second shop", "another run"]),
    NothingToJoin(),
    Overtaken("migrate-data: run 3 was overtaken by run 4."),
    PlanOutdated("roll-back --to NOT_STARTED", "deadbeef", "dabadabe", ["view public.late was created"] * 40),
    Blocked("roll-back --to NOT_STARTED", "deadbeef", MANY, hint="Plan again."),
    NewBlocker("roll-back --to NOT_STARTED", "plan deadbeef", "dependents"),
    DependentsChanged("roll-back --to NOT_STARTED", "deadbeef", ["view public.late was created"] * 40),
    WrongUnderLock("switch-over", f"missing: ids {ID}, {ID}"),
    OrphanReferences("roll-back --to MIGRATED", "key orders_artwork_id_fkey on public.orders"),
    NotAccepted("switch-over", "SQLSTATE 42703, in function audit()"),
    NoReport("There is nothing to report yet."),
    ReportNotWritten("/a/long/path" * 20, "No space left on device"),
    WaitedTooLong("roll-back --to NOT_STARTED", 14_400, MANY),
    UsersRefused(12_000, 3, ""),
    DatabaseError("53100", "DiskFull", "", "copying a chunk", meaning="the disk of the server is full", fix="make room on it"),
    HiddenRows("public.artworks", "reconciling"),
    RedGate(LONG_RED, {}, found="gates are red.", serves="The legacy table serves.", then="run it again."),
    GateFailed(LONG_RED),
    GateBroken({"users": "a reason. " * 90, "clean_artworks": "it has no rules"}, LONG_RED),
    VerificationFailed("live_missing failed with SQLSTATE 42P01", LONG_RED),
    CheckFailed("", LONG_RED),
    LockNotObtained("roll-back --to NOT_STARTED", 3, [HOLDER, HIDDEN, PREPARED] * 5),
    RowsLocked("roll-back --to MIGRATED", [ID] * 40, [HOLDER, HIDDEN, PREPARED] * 5),
    OldTransactions("roll-back --to MIGRATED", "index artworks_v2_user_id_idx", [HOLDER, HIDDEN, PREPARED] * 5),
    WriteBlocked(DatabaseError("55P03", "LockNotAvailable", "", "catching up"), 20, [HOLDER, HIDDEN, PREPARED] * 5),
]


@pytest.mark.parametrize("error", LONG, ids=lambda error: type(error).__name__)
def test_what_prefect_shows_is_short_and_has_no_id(error: MigrationError) -> None:
    """However much an error has to say, its first sentence has at most 120 characters, what Prefect shows 600, and no id of a row."""
    first = re.split(r"\.\s|\n", error.brief)[0]
    assert 0 < len(first) <= 120
    assert len(error.brief) <= 600
    assert ID not in error.brief
    assert ("To fix" in error.brief) == ("To fix" in str(error))


def test_a_message_is_cut_behind_a_sentence_or_a_word() -> None:
    """The full stop behind the number in a list ends no sentence, and one sentence that is too long is cut behind a word."""
    assert "It has failed. … The log of the run has the rest." == shortened(f"It has failed. 1. {'word ' * 130}")
    assert re.fullmatch(r"(word )+… The log of the run has the rest\.", shortened("word " * 130))


@pytest.mark.parametrize("rule", ["capture_in_place", "live_extra"])
def test_what_was_not_captured_is_not_promised(rule: str) -> None:
    """While a rule says that writes were not captured, the message does not say that a rollback carries back every write."""
    red = RedRule("verification", rule, (), 7, (), "Create it again.")
    assert "which carries back what was captured." in str(VerificationFailed("", [red]))


def test_each_error_is_tried_for_its_length() -> None:
    """The list of long errors has each class of them, except the parents that are never raised."""
    assert {type(error) for error in LONG} == _kinds() - {MigrationError, Red, OthersAtWork, VerificationRed}


def test_a_gate_names_its_rules_and_ids() -> None:
    """A red gate reports each rule with its ids, that the legacy table serves, and how to fix each rule."""
    differs = RedRule("reconciliation", "differs", ("pet_name", "user_id"), 2, ("id-1", "id-2"), "Compare the rows.")
    missing = RedRule("reconciliation", "missing", (), 1, (), "Copy again.")
    failed = str(GateFailed([differs, missing, RED]))
    assert "gate reconciliation is red: differs (pet_name, user_id): 2 bad, ids id-1, id-2; missing: 1 bad. gate users is red: " in failed
    assert "The legacy table still serves. To fix:\n- differs: Compare the rows.\n- missing: Copy again.\n" in failed
    assert "- user_email_is_unique: Merge the users.\nThen run `migrate-data` again." in failed


def test_a_gate_that_could_not_be_judged_says_why_and_what_the_others_found() -> None:
    """One message has the reason of each broken gate, the red rules of the others, and how to fix both."""
    broken = str(GateBroken({"reconciliation": "missing checked nothing", "clean_artworks": "it has no rules"}, [RED]))
    assert "gate reconciliation could not be judged: missing checked nothing. gate clean_artworks could not be judged: it has" in broken
    assert "The other rules were judged: gate users is red: user_email_is_unique (email): 1 bad, ids id-3." in broken
    assert "To fix:\n- not judged: Remove what kept the rule from checking" in broken
    assert "\n- user_email_is_unique: Merge the users.\nThen run the verb again." in broken


def test_the_fields_are_there_for_programs() -> None:
    """Each error has its facts as fields, so that a program does not parse its message."""
    assert ("0ld", "new", ("x",)) == _fields(PlanOutdated("verb", "0ld", "new", ["x"]), "number", "current", "changes")
    assert ("A", ("B", "C")) == _fields(WrongPhase("verb", "A", ["B", "C"], ["d"]), "found", "wanted")
    assert (3, (HOLDER,)) == _fields(LockNotObtained("verb", 3, [HOLDER]), "attempts", "holders")
    assert ((RED,),) == _fields(GateFailed([RED]), "red")
    assert ({"users": "why"}, (RED,)) == _fields(GateBroken({"users": "why"}, [RED]), "broken", "red")
    assert (("run",),) == _fields(RunInProgress(["run"]), "holders")
    assert ((PROBLEM,),) == _fields(Blocked("verb", "new", [PROBLEM]), "blockers")
    assert ((PROBLEM,),) == _fields(PrerequisitesNotMet("verb", [PROBLEM]), "problems")
    assert ("23505", "doing") == _fields(DatabaseError("23505", "x", "", "doing"), "sqlstate", "action")


def _fields(error: MigrationError, *names: str) -> tuple[object, ...]:
    return tuple(getattr(error, name) for name in names)


def _kinds() -> set[type[MigrationError]]:
    modules = (errors, gate_errors, lock_errors)
    return {kind for module in modules for _, kind in inspect.getmembers(module, inspect.isclass) if issubclass(kind, MigrationError)}


def test_every_error_has_a_kind_of_end_and_an_exit_code() -> None:
    """Every error has a kind of end that the docs describe, and an exit code that is not 0."""
    kinds = _kinds()
    assert len(kinds) > 10
    lost = {"Connection lost", "Committed – not finished", "Outcome unknown"}
    ends = {"Refused", "Blocked", "Red", "Lock not obtained", "Switched – check failed", "Failed", "Waited too long"}
    assert ends | lost == {kind.end for kind in kinds}
    assert lost == {kind.end for kind in kinds if issubclass(kind, ConnectionLost)}
    assert {1, 2, 3, 4, 5} == {kind.exit_code for kind in kinds}
    assert {4} == {kind.exit_code for kind in kinds if kind.end in {"Red", "Switched – check failed"}}
    assert {5} == {kind.exit_code for kind in kinds if kind.end in {"Lock not obtained", "Waited too long"}}
    assert (2, 3) == (BadInput.exit_code, DatabaseUnreachable.exit_code)
    assert [] == [kind.__name__ for kind in kinds if not (kind.__doc__ or "").strip()]


# Trying again


def test_backoff_grows_within_bounds() -> None:
    """The pause between attempts doubles from 50 ms, is never above 2 s and never 0, and jitters by half."""
    for attempt in range(1, 2000):
        longest = min(2.0, 0.05 * 2 ** min(attempt, 8))
        for _ in range(3):
            assert longest / 2 <= backoff(attempt) <= longest <= 2.0


def test_backoff_has_jitter() -> None:
    """Two pauses of the same attempt differ, so that two that collided do not collide again."""
    assert len({backoff(5) for _ in range(50)}) > 40


def test_only_what_is_safe_to_repeat_is_retried() -> None:
    """Retried are lost locks, deadlocks, serialization failures, and a user or token that changed hands; no error about data is."""
    assert {LOCK_NOT_AVAILABLE, "40P01", "40001", "23503", "23505"} == set(RETRIED)
