"""The flow verify, which runs daily in the safety window."""

from prefect.client.schemas.objects import State
from prefect.states import Completed

from migration.ledger.phases import VERIFY, Phase
from migration.plans.plan import serving
from tasks.copying import resolve_changed_users
from tasks.readiness import read_use
from tasks.reports import write_report
from tasks.run_names import add_to_name
from tasks.switching import note_verification, open_window, require_green_day
from tasks.validation import judge
from tasks.verbs import completed, verb, writing


@verb
def verify(database: str = "") -> State:
    """Verify what the switch promised: every row of both tables, keys, triggers, query plans, an acceptance test, a rollback dry run.

    SWITCHED → SWITCHED; in any other phase there is nothing to verify, and nothing is written. The application keeps working; no lock
    blocks it. Only the ledger changes: what is tried is rolled back. The run fails, and emits the event
    `artwork-migration.verification.red`, if a rule of the gate `verification` is red.

    Args:
        database: Which database, if there are several: the name of its block of the type *Artwork Database*; empty for the default.
    """
    with writing(VERIFY) as run:
        window = open_window(run)
        if window is None:
            phase = run.phase()
            return Completed(message=f"Nothing to verify: phase {phase}. {serving(phase)}")
        add_to_name(f"day {window.day}")
        run.begin()
        resolve_changed_users(run)
        read_use(run)
        verdict = judge(run, "verification")
        note_verification(run, window, verdict)
        write_report(run)
        require_green_day(run, window, verdict)
        run.end("Completed", day=window.day)
        add_to_name(f"day {window.day} · green")
        return completed(Phase.SWITCHED, f"{window.today}: {verdict.summary}")
