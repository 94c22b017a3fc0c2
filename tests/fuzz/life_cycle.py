"""One database through the whole life cycle, by the flows' own functions. Remedies are followed to the letter."""

import logging
import os
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import psycopg

from flows.clean_up import clean_up
from flows.deploy_schema import deploy_schema
from flows.migrate_data import migrate_data
from flows.move_customers import move_customers
from flows.roll_back import roll_back
from flows.switch_over import switch_over
from flows.verify import verify
from migration.errors import Blocked, ConnectionLost, MigrationError, PrerequisitesNotMet, Problem
from migration.gate_errors import GateBroken, GateFailed, VerificationRed
from migration.ledger.decisions import DecisionName
from migration.lock_errors import LockNotObtained
from reporting.plans import plan_markdown
from tasks.decide import keep_decision
from tasks.plans import OnlyPlanned
from tests.fuzz.application import Application
from tests.fuzz.catalogue import Change, Moment
from tests.fuzz.fuzzed import OWNER, ROWS, Bench, Fuzzed
from tests.fuzz.oracle import ROWS_VISITED, look, rows_read

#: How often a verb is started again after a remedy.
PATIENCE = 5
#: Customers of whom a share is neither none nor all.
MANY = 50
#: What a decision accepts, so that the oracle does not call it a breach.
EXCUSES: dict[str, set[str]] = {
    "accept_exposure": set(),
    "carry_columns": set(),
    "no_archive": set(),
    "serve_old_names": set(),
    "waive_readiness": set(),
    "accept_drift": set(),
    "max_quarantined": {"rows"},
    "max_left_behind": {"rows"},
    "allow_empty": {"rows"},
    "ordered_test_data": {"rows"},
    "accept_references_without_key": {"references"},
    "accept_rejected_artworks": {"writes"},
    "accept_rejected_writes": {"writes"},
    "clear_rejected_write": {"writes"},
    "accept_users_access": {"users"},
    "accept_chosen_emails": {"users"},
    "accept_users_triggers": {"side effects"},
}


class Stopped(Exception):
    """A verb was refused, blocked or red, and no remedy was left to follow."""

    def __init__(self, verb: str, kind: str, rules: Sequence[str], subjects: Sequence[str] = ()) -> None:
        super().__init__(f"{kind} at {verb}: {', '.join(rules)}")
        self.verb, self.kind, self.rules, self.subjects = verb, kind, tuple(rules), tuple(subjects)


@dataclass
class Outcome:
    """How a database ended: `end` in words, what the product said on the way (rule and remedy), and the breaches that make it unlawful."""

    end: str = "completed"
    said: list[str] = field(default_factory=list)
    breaches: list[str] = field(default_factory=list)

    @property
    def lawful(self) -> bool:
        """Return whether no breach was found."""
        return not self.breaches


@dataclass
class LifeCycle:
    """The run of one database."""

    bench: Bench
    fuzzed: Fuzzed
    changes: Sequence[Change]
    reports: Path
    seed: int = 1
    outcome: Outcome = field(default_factory=Outcome)
    first_plan: str = ""
    worded: bool = False

    def run(self) -> Outcome:
        """Take the database through the life cycle and return how it ended. A change that this database cannot have ends it at once."""
        before = dict(os.environ)
        logging.disable(logging.CRITICAL)
        try:
            return self._run()
        finally:
            logging.disable(logging.NOTSET)
            os.environ.clear()
            os.environ.update(before)

    def _run(self) -> Outcome:
        os.environ["ARTWORK_DATABASE_URL"], os.environ["ARTWORK_REPORTS"] = self.fuzzed.url, str(self.reports)
        os.environ["ARTWORK_LOCK_WAIT_SECONDS"] = "20"
        try:
            self._change(Moment.BEFORE)
        except psycopg.Error as error:
            self.outcome.end = f"not possible ({error.sqlstate})"
            return self.outcome
        try:
            self.application = Application(self.fuzzed, self.seed)
            self.oracle = look(self.fuzzed, self.application)
        except psycopg.Error as error:
            return self._refused(error)
        try:
            self._live()
        except Stopped as stopped:
            self._stopped(stopped)
        except MigrationError as error:
            self.outcome.end = f"failed: {type(error).__name__}"
            self.outcome.breaches.append(f"{type(error).__name__}: {str(error)[:300]}")
            self._judge("after the failure", clean=None)
        except psycopg.Error as error:
            self.outcome.end = f"not judged ({error.sqlstate})"
            self.outcome.breaches.append(f"the oracle could not look: {error.sqlstate} {error.diag.message_primary}")
        return self.outcome

    def _live(self) -> None:
        self.application.write()
        with self.bench.copy(self.fuzzed) as twin:
            self.oracle.plundered(twin)
        self.oracle.attack.carry_out(self.fuzzed)
        for decision in filter(None, (change.decide for change in self.changes)):
            self._decide(decision, own=True)
        self._reach("deploy-schema", partial(self._planned, deploy_schema))
        self._change(Moment.DEPLOYED)
        self.application.write()
        before = rows_read(self.fuzzed)
        with self.application.writing(), self._meanwhile():
            self._reach("migrate-data", migrate_data.fn.__wrapped__)
        if (read := rows_read(self.fuzzed) - before) > ROWS_VISITED * ROWS:
            self.outcome.breaches.append(f"quadratic: migrate-data read {read // ROWS} rows for each row")
        self._change(Moment.MIGRATED)
        self.oracle.attack.carry_out(self.fuzzed)
        self.outcome.breaches += self.oracle.judge_copy()
        self.application.write()
        self._judge("after migrate-data", clean=False)
        self._roll_out()
        with self.application.writing():
            self._reach("switch-over", partial(self._planned, switch_over))
        self._change(Moment.SWITCHED)
        self.application.write()
        self.oracle.attack.carry_out(self.fuzzed)
        self._judge("after switch-over", clean=True)
        with self.application.writing():
            self._reach("roll-back --to MIGRATED", partial(self._planned, roll_back, to="MIGRATED"))
        self.application.write()
        self._judge("after roll-back", clean=False)
        self._uninstall_a_copy()
        with self.application.writing():
            self._reach("switch-over", partial(self._planned, switch_over))
        self.application.write()
        self._decide("no_archive accepted")
        self.fuzzed.rows(
            "UPDATE artwork_migration.phase_history SET ended_at = ended_at - INTERVAL '31 days' WHERE phase_after = 'SWITCHED' RETURNING 1"
        )
        self.fuzzed.rows("UPDATE artwork_migration.legacy_names_use SET used_at = used_at - INTERVAL '31 days' RETURNING 1")
        self._reach("verify", verify.fn.__wrapped__)
        self._reach("clean-up", partial(self._planned, clean_up))
        self.application.write()
        self._judge("after clean-up", clean=True)

    def _roll_out(self) -> None:
        """Move 60 percent of the customers to the clean table and some of them back, while the application writes."""
        for to, percent in (("clean", 60.0), ("legacy", 70.0)):
            try:
                with self.application.writing():
                    self._reach(f"move-customers --to {to}", partial(self._planned, move_customers, to=to, percent=percent))
            except Stopped as stopped:
                if stopped.rules == ("nobody_moves",):
                    return
                raise
            self.application.write()
            self._judge(f"after move-customers --to {to}", clean=False)
        customers = "SELECT DISTINCT LOWER(BTRIM(a.customer_email)) FROM artworks AS a WHERE a.customer_email ~ '[a-z]'"
        served = [schema for (schema,) in self.fuzzed.rows(f"SELECT artwork_schema_for(c.email) FROM ({customers}) AS c (email)")]
        if len(served) > MANY and len(set(served)) < 2:
            self.outcome.breaches.append(f"after both moves each of {len(served)} customers is served by the {served[0]} table")

    def _refused(self, error: psycopg.Error) -> Outcome:
        """A database without what the oracle reads must be refused on the first day."""
        try:
            deploy_schema.fn.__wrapped__()
        except PrerequisitesNotMet as refused:
            self.outcome.said = [f"deploy-schema: {rule}" for rule in sorted({problem.rule for problem in refused.problems})]
            self.outcome.end = str(Stopped("deploy-schema", "refused", sorted({problem.rule for problem in refused.problems})))
        except OnlyPlanned:
            self.outcome.end = "planned"
            self.outcome.breaches.append(f"a database is accepted that the oracle cannot read: {error.sqlstate}")
        return self.outcome

    def _uninstall_a_copy(self) -> None:
        with self.bench.copy(self.fuzzed) as twin:
            os.environ["ARTWORK_DATABASE_URL"] = twin.url
            try:
                self._reach("roll-back --to NOT_STARTED", partial(self._planned, roll_back, to="NOT_STARTED"), twin)
                if all(change.at is Moment.BEFORE for change in self.changes):
                    self.outcome.breaches += self.oracle.judge_dump(twin)
            finally:
                os.environ["ARTWORK_DATABASE_URL"] = self.fuzzed.url

    def _stopped(self, stopped: Stopped) -> None:
        """A stop on day one is lawful. A later one is lawful only if the cause came later; whatever serves must still be whole."""
        self.outcome.end = str(stopped)
        if stopped.kind in ("refused", "blocked") and stopped.verb in ("deploy-schema", "decide"):
            return
        foretold = bool(stopped.subjects) and all(subject in self.first_plan for subject in stopped.subjects)
        if foretold:
            self.outcome.end += " (the plan of deploy-schema says so)"
        elif all(change.at is Moment.BEFORE and not change.switched for change in self.changes):
            self.outcome.breaches.append(f"said too late: {stopped}")
        self._judge(f"after the stop at {stopped.verb}", clean=None)

    def _judge(self, when: str, clean: bool | None) -> None:
        """Judge what serves. `clean` says which table must serve; None leaves that open."""
        serves_clean = bool(
            self.fuzzed.value(
                "SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'artworks'::regclass AND attname = 'pet_image_url')"
            )
        )
        if clean is not None and clean is not serves_clean:
            self.outcome.breaches.append(f"{when}: the wrong table serves")
        self.outcome.breaches += [f"{when}: {breach}" for breach in self.oracle.judge(serving_clean=serves_clean)]

    def _reach(self, verb: str, run: Callable[[], object], where: Fuzzed | None = None) -> None:
        """Run a verb until it is done, following each remedy that is given. Raises Stopped, or the MigrationError itself."""
        for _ in range(PATIENCE):
            try:
                run()
                return
            except PrerequisitesNotMet as error:
                self._remedy(verb, "refused", error.problems, where or self.fuzzed)
            except Blocked as error:
                self._remedy(verb, "blocked", error.blockers, where or self.fuzzed)
            except (GateFailed, VerificationRed) as error:
                self._follow_fix(verb, [rule.rule for rule in error.red])
            except (ConnectionLost, LockNotObtained):
                continue  # they say: run it again. On a busy machine clients wait long for a processor, ours and the application's
            except GateBroken as error:
                raise Stopped(verb, "broken gate", [*error.broken, *(rule.rule for rule in error.red)]) from None
        raise Stopped(verb, "still refused after its remedies", [])

    def _follow_fix(self, verb: str, red: Sequence[str]) -> None:
        """Decide what the fix of a red rule says, if the application's writes since the plan alone can have made it red. Raises Stopped."""
        if list(red) == ["exposure_accepted"]:
            self._decide("accept_exposure user_gained")
        elif list(red) == ["quarantined"] and "decided max_quarantined" in self.outcome.said:
            self._decide(f"max_quarantined {self.fuzzed.value('SELECT COUNT(*) FROM artwork_migration.quarantine')}")
        else:
            raise Stopped(verb, "red gate", red or ["not judged"])

    def _remedy(self, verb: str, kind: str, problems: Sequence[Problem], where: Fuzzed) -> None:
        """Follow what each problem says. Raises Stopped if one has words only, or if what it says does not work."""
        rules = sorted({problem.rule for problem in problems})
        self.outcome.said += [f"{verb}: {rule}" for rule in rules if f"{verb}: {rule}" not in self.outcome.said]
        words = [change.words for change in self.changes if change.words]
        for statement, decision in dict.fromkeys((problem.statement, problem.decision) for problem in problems):
            # where there are both, the owner follows the statement, and the superuser the decision
            if decision and not (statement and self.fuzzed.role == OWNER):
                self._decide(decision)
            elif statement or (words and not self.worded):
                self.worded |= not statement
                try:
                    where.admin.execute("SET search_path = public")
                    where.admin.execute(statement or ";".join(words))
                    if verb in ("deploy-schema", "decide"):
                        # closing users does not undo what strangers did before; the plan counts that under user_gained
                        self.oracle.attack.withdraw(where)
                        self.oracle.remedied(where)
                except psycopg.Error as error:
                    self.outcome.breaches.append(f"the remedy of {', '.join(rules)} fails: {error.sqlstate}")
                    raise Stopped(verb, kind, rules) from None
            else:
                raise Stopped(verb, kind, rules, [problem.subject for problem in problems])

    def _decide(self, decision: str, *, own: bool = False) -> None:
        """Record a decision, which must be accepted if the product has asked for it. An `own` one belongs to a change."""
        name, _, value = decision.partition(" ")
        try:
            keep_decision(DecisionName(name), value, "fuzzer", "the remedy says so")
        except PrerequisitesNotMet as error:
            self._remedy("decide", "refused", error.problems, self.fuzzed)
            self._decide(decision, own=own)
        except MigrationError as error:
            if not own:
                self.outcome.breaches.append(f"the decision {name} is not accepted: {str(error)[:200]}")
            raise Stopped("decide", "refused", [name]) from None
        self.application.creates &= name != "accept_rejected_artworks"
        self.oracle.excused |= EXCUSES[name]
        self.outcome.said += [f"decided {name}"] if f"decided {name}" not in self.outcome.said else []

    def _planned(self, verb: Any, **parameters: str | float) -> None:
        try:
            verb.fn.__wrapped__(**parameters)
        except OnlyPlanned as end:
            plan = end.plan
        else:
            return  # it had only steps left to finish
        markdown = plan_markdown(plan)
        self.first_plan = self.first_plan or markdown
        self.oracle.warned += "\n".join(line for line in markdown.splitlines() if "⚠" in line)
        if plan.blockers:
            raise Blocked(str(plan.verb), plan.number, plan.blockers)
        kept = {} if verb is move_customers else parameters  # the number of such a plan is enough
        verb.fn.__wrapped__(**kept, plan=plan.number, approved_by="fuzzer", reason="fuzz")

    def _change(self, moment: Moment) -> None:
        for change in self.changes:
            if change.at is moment:
                self._apply(change)
            if moment is Moment.SWITCHED and change.switched:
                self.fuzzed.admin.execute(change.switched)
            if moment is Moment.SWITCHED:
                for key, column, value in self.fuzzed.rows(change.written) if change.written else ():
                    self.application.journal.values.setdefault(key, {})[column] = value

    def _apply(self, change: Change) -> None:
        """Make the change. Later than before the first verb, that the database refuses it is an answer too."""
        try:
            self.fuzzed.apply(change)
        except psycopg.Error as error:
            if change.at is Moment.BEFORE:
                raise
            self.outcome.said.append(f"{change.name} is answered with {error.sqlstate}")

    def _meanwhile(self) -> "_Meanwhile":
        return _Meanwhile([change for change in self.changes if change.at is Moment.COPYING], self.fuzzed)


class _Meanwhile:
    """Makes changes in another thread while the block runs, and waits for them at its end."""

    def __init__(self, changes: Sequence[Change], fuzzed: Fuzzed) -> None:
        self._threads = [threading.Thread(target=self._make, args=(change, fuzzed), daemon=True) for change in changes]

    def __enter__(self) -> None:
        for thread in self._threads:
            thread.start()

    def __exit__(self, *_: object) -> None:
        for thread in self._threads:
            thread.join(60)

    @staticmethod
    def _make(change: Change, fuzzed: Fuzzed) -> None:
        with suppress(psycopg.Error), fuzzed.session() as session:
            session.execute("SELECT PG_SLEEP(0.3)")
            session.execute(change.text)
