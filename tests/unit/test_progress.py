"""Progress: it never falls, its first estimate is right, and its lines fit into every terminal."""

import io
import json
import logging
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect.logging.handlers import PrefectConsoleHandler
from rich.console import Console

from cli.progress import PLAIN_EVERY, Lines, line, print_message, shown
from migration.errors import BadInput
from migration.ledger.progress import COUNT_EVERY, Progress, StepProgress, recent_rate
from reporting.progress import duration, words
from tests.waiting import wait_until

#: How far each step was by when, with its fraction, in runs over 500,000 rows on a busy machine.
RECORDED = Path(__file__).with_name("recorded_steps.json")
BEGUN = datetime(2026, 2, 3, 9, 31, 5, tzinfo=UTC)
COPY = StepProgress("copy chunks", 0, BEGUN, done=91_000, total=182_394, fraction=0.498, rate=15_200.4, seconds=6.2, idle=0.1)


def changed(**fields: object) -> StepProgress:
    """The step with these values."""
    return StepProgress(**{**vars(COPY), **fields})


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (COPY, "49 %, 6 s left, 91,000 of 182,394 rows, 15,200 rows/s"),
        (changed(outcome="done", done=182_394, seconds=12.4), "182,394 rows, 12 s"),
        (changed(outcome="failed", seconds=75), "failed after 1 min 15 s"),
        (changed(total=None, done=0, rate=None), "for 6 s, since 09:31:05 UTC"),
        (changed(total=None, done=42, unit="queries"), "42 queries, for 6 s, since 09:31:05 UTC"),
        (changed(total=0, done=0, rate=None), "nothing to do, for 6 s"),
        (changed(done=183_000), "183,000 rows, more than the 182,394 known at the beginning, 15,200 rows/s, for 6 s"),
        (changed(idle=40), "49 %, none for 40 s, 91,000 of 182,394 rows"),
        (changed(done=182_394, fraction=0.99), "99 %, for 6 s, 182,394 of 182,394 rows, 15,200 rows/s"),
        (changed(rate=0.42, done=3, total=18, fraction=0.17), "17 %, 36 s left, 3 of 18 rows, 0.4 rows/s"),
        (changed(rate=None), "49 %, estimating the time left, 91,000 of 182,394 rows"),
        (changed(done=182_394, fraction=0.75, idle=1), "75 %, 3 s left, 182,394 of 182,394 rows, 15,200 rows/s"),
        (changed(unit="rules", rate=0.42, done=3, total=18, fraction=0.17), "17 %, for 6 s, 3 of 18 rules"),
    ],
)
def test_the_words_about_a_step(step: StepProgress, expected: str) -> None:
    """A step has how much is done of what is known, its rate and the time left, which includes the sort after the last row.

    Without a total, or where each unit takes another time, it has the time so far. Until the rate is known, it says that it estimates.
    """
    assert expected == words(step)


def test_times_have_two_units_at_most() -> None:
    """A time is given in its two largest units."""
    assert ["0.4 s", "59 s", "1 min 0 s", "1 h 1 min", "2 d 3 h"] == [duration(seconds) for seconds in (0.44, 59, 60, 3_660, 183_700)]


def work(seconds: float, *, first: float, slow_begin: float) -> list[tuple[float, int]]:
    """What is done by when, counted all the time: nothing at `first`, then slowly, then 1,000 a second, up to a tenth of `seconds`."""
    done = [(first, 0)]
    while done[-1][1] < 100 * seconds:
        now, before = done[-1]
        rate = 1_000 if now - first >= slow_begin else 200
        done.append((now + COUNT_EVERY, before + round(rate * COUNT_EVERY)))
    return done


@given(seconds=st.floats(30, 3_600), first=st.floats(0, 60), slow_begin=st.floats(0, 0.5))
def test_the_first_estimate_is_right(seconds: float, first: float, slow_begin: float) -> None:
    """At a tenth of the work the time left is within 30 % of the truth, also if a step begins with other work, or slowly."""
    rate = recent_rate(work(seconds, first=first, slow_begin=slow_begin))
    assert rate == pytest.approx(1_000, rel=0.3)


def estimates(step: dict[str, Any]) -> Iterator[tuple[float, float]]:
    """The time left as the estimate has it and as it was, each time that a recorded step has an estimate."""
    for place, (seconds, done, fraction) in enumerate(step["samples"], start=1):
        rate = recent_rate([(moment, amount) for moment, amount, _ in step["samples"][:place]])
        left = changed(done=done, total=step["total"], fraction=fraction, rate=rate, idle=0.0).seconds_left
        if left is not None and fraction >= 0.1:
            yield left, step["seconds"] - seconds


@pytest.mark.parametrize("step", json.loads(RECORDED.read_text(encoding="utf-8")), ids=itemgetter("step"))
def test_the_first_estimate_of_a_recorded_step_is_right(step: dict[str, Any]) -> None:
    """The first estimate of a real step, from a tenth of its rows on, is within 30 % of the truth, or of a second."""
    left, truth = next(estimates(step))
    assert left == pytest.approx(truth, rel=0.3, abs=1)


def test_a_pause_is_no_part_of_the_rate() -> None:
    """The time of a step within a step counts neither for the rate nor as time without progress: a pause changes no rate."""
    progress = Progress()
    with progress.step("copy chunks"):
        progress.expect(10)
        progress.add(1)
        with progress.step("wait until the run may continue"):
            time.sleep(0.3)
        assert 0.2 > progress.steps[0].idle


def test_the_rate_is_that_of_recent_work() -> None:
    """Once the work has become slower, half of the time later the rate is the new one."""
    fast = [(second / 4, 250 * second) for second in range(40)]
    slow = [(10 + second / 4, 10_000 + 25 * second) for second in range(41)]
    assert 100 == recent_rate(fast + slow)


@given(st.lists(st.tuples(st.sampled_from(["expect", "add"]), st.integers(0, 1_000)), max_size=30))
def test_a_step_never_runs_backwards(reports: list[tuple[str, int]]) -> None:
    """The fraction never falls and is 1 only at the end, whatever is added to the total, and also if the total was 0 or too small."""
    progress, fractions = Progress(), []
    with progress.step("work"):
        for what, amount in reports:
            progress.expect(amount, "ids") if what == "expect" else progress.add(amount)
            fractions.append(progress.steps[0].fraction)
    assert sorted(fractions) == fractions
    assert all(fraction < 1 for fraction in fractions)
    assert (1, "done") == (progress.steps[0].fraction, progress.steps[0].outcome)


def test_a_step_that_fails_is_shown_as_such() -> None:
    """A step that ends with an error is failed, and so is the step around it; what follows is not."""
    progress = Progress()
    with pytest.raises(RuntimeError), progress.step("outer"), progress.step("inner"):
        raise RuntimeError
    with progress.step("next"):
        pass
    assert [("outer", "failed"), ("inner", "failed"), ("next", "done")] == [(step.step, step.outcome) for step in progress.steps]


def test_what_is_reported_outside_a_step_is_left_out() -> None:
    """A function that reports works without a step too: then nobody has asked."""
    progress = Progress()
    progress.expect(10)
    progress.add(1)
    assert [] == progress.steps


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (80, ["⠋ copy chunks: 49 %, 6 s left, 91,000 of 182,394 rows, 15,200 rows/s"]),
        (20, ["⠋ copy chunks: 49 %,", "  6 s left, 91,000", "  of 182,394 rows,", "  15,200 rows/s"]),
    ],
)
def test_a_line_hangs_below_its_name(width: int, expected: list[str]) -> None:
    """A step is one line in a terminal of 80 columns; in a narrow one the rest hangs below its name."""
    terminal = Console(width=width, file=io.StringIO(), force_terminal=True, color_system=None)
    with terminal.capture() as captured:
        terminal.print(line(COPY))
    shown = [text.rstrip() for text in captured.get().splitlines()]
    assert [expected[0][1:], *expected[1:]] == [shown[0][1:], *shown[1:]]


def test_the_log_is_printed_above_the_running_step() -> None:
    """While steps are shown, a line of Prefect's log hangs below its beginning; the end of a verb is left out, because it follows."""
    printed = io.StringIO()  # what several threads print; a capture would have that of one
    terminal = Console(width=30, file=printed, force_terminal=True, color_system=None)
    handler = PrefectConsoleHandler(stream=io.StringIO(), level="WARNING")
    log = logging.getLogger("test_progress")
    log.addHandler(handler)
    with shown(terminal):
        wait_until(lambda: not isinstance(handler.console, Console))
        log.warning("gate users: user_email_is_unique: 2 bad")
        log.error("%s: %s", "Refused", BadInput("The migration is not paused."))
    log.removeHandler(handler)
    assert "gate users: \n  user_email_is_unique: 2 bad\n" in printed.getvalue()
    assert "start the run: for " in printed.getvalue()
    assert "not paused" not in printed.getvalue()


def test_a_command_in_a_message_stays_one_line() -> None:
    """A line of a message that does not fit hangs below its beginning; a command to copy is never broken."""
    terminal = Console(width=30, file=io.StringIO(), force_terminal=True, color_system=None)
    with terminal.capture() as captured:
        print_message(terminal, "- exposure: decide it, or report it\nartwork-migration run decide accept_exposure user_gained")
    assert [
        "- exposure: decide it, or",
        "  report it",
        "artwork-migration run decide accept_exposure user_gained",
    ] == [text.rstrip() for text in captured.get().splitlines()]


def test_without_a_terminal_there_are_plain_lines() -> None:
    """Where there is no terminal, each step that has ended is one line, and a step that runs for long is a line now and then."""
    output = io.StringIO()
    lines = Lines(Console(width=20, file=output))
    done = changed(outcome="done", begun_at=BEGUN - timedelta(seconds=9), seconds=3)
    lines.show([done, COPY])
    lines.show([done, COPY])
    assert ["done: copy chunks: 91,000 rows, 3 s"] == output.getvalue().splitlines()
    lines.plain_at -= PLAIN_EVERY
    lines.show([done, COPY])
    assert ["copy chunks: 49 %, 6 s left, 91,000 of 182,394 rows, 15,200 rows/s"] == output.getvalue().splitlines()[1:]


def test_a_short_step_within_another_one_has_no_line() -> None:
    """Of the steps within a step only those that took a second have a line."""
    output = io.StringIO()
    short, long = (changed(outcome="done", depth=1, seconds=taken, begun_at=BEGUN + timedelta(hours=taken)) for taken in (0.4, 4))
    Lines(Console(file=output)).show([short, long])
    assert ["done: copy chunks: 91,000 rows, 4 s"] == output.getvalue().splitlines()
