"""The daily verification, as long as the safety window is open."""

from prefect.client.schemas.objects import State
from prefect.states import Completed

from migration.ledger.phases import VERIFY, Phase
from migration.plans.plan import serving
from tasks.reports import write_report
from tasks.switching import note_verification, open_window, require_green_day
from tasks.validation import judge
from tasks.verbs import completed, verb, writing


@verb
def verify() -> State:
    """Look at everything that the switch has promised: every row of both tables, keys, triggers, queries, the product's way, the way back.

    SWITCHED → SWITCHED; in any other phase there is nothing to verify, and nothing is written. The application goes on; no lock stops it.
    Changes nothing but the ledger: what has to be tried is rolled back. Ends in *Red gate*, and emits the event
    `artwork-migration.verification.red`, when a critical rule of the gate `live` says no, or could not be judged.
    """
    with writing(VERIFY) as run:
        window = open_window(run)
        if window is None:
            phase = run.phase()
            return Completed(message=f"Nothing to verify: phase {phase}. {serving(phase)}")
        run.begin()
        verdict = judge(run, "live")
        note_verification(run, window, verdict)
        write_report(run)
        require_green_day(run, window, verdict)
        run.end("Completed", day=window.day)
        return completed(Phase.SWITCHED, f"{window.today}: everything is as it should be.")
