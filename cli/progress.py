"""The steps of a run in the terminal: one line each, with a check mark and the seconds once it is done; the running one moves."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from datetime import UTC, datetime, timedelta

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from migration.database import Database
from migration.errors import MigrationError
from migration.ledger.progress import NEWEST, StepProgress
from reporting.progress import words
from reporting.status import Status, read_status

#: Seconds between two lines about a step that is running, where there is no terminal.
PLAIN_EVERY = 10
#: Seconds between two looks at the ledger.
WATCHED_EVERY = 1
#: A step within a step has a line of its own if it took so many seconds.
WORTH_A_LINE = 1.0
#: The mark of a running step turns, eight times a second.
_TURNING = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


class Lines:
    """The lines of the steps that have ended, each printed once. Without a terminal, a line about the running one now and then."""

    def __init__(self, console: Console, indent: int = 0) -> None:
        self._console, self._indent = console, indent
        self._printed: set[object] = set()
        self.plain_at = time.monotonic() + PLAIN_EVERY

    def show(self, steps: Sequence[StepProgress]) -> None:
        """Print the steps that have ended since the last call."""
        for step in ended(steps):
            if step.begun_at not in self._printed:
                self._printed.add(step.begun_at)
                self._print(step)
        running = innermost(steps)
        if running and not self._console.is_terminal and time.monotonic() >= self.plain_at:
            self._print(running)
            self.plain_at = time.monotonic() + PLAIN_EVERY

    def _print(self, step: StepProgress) -> None:
        if self._console.is_terminal:
            self._console.print(line(step, self._indent), highlight=False)
        else:
            mark = {"done": "done: ", "failed": "failed: "}.get(step.outcome, "")
            self._console.print(f"{' ' * self._indent}{mark}{step.step}: {words(step)}", highlight=False, markup=False, soft_wrap=True)


def innermost(steps: Sequence[StepProgress]) -> StepProgress | None:
    """Return the step that is running, the inner one of two."""
    return next((step for step in reversed(steps) if not step.outcome), None)


def ended(steps: Iterable[StepProgress]) -> list[StepProgress]:
    """Return the steps that have ended, in the order of their ends. Short ones within another one are left out."""
    found = [step for step in steps if step.outcome and (not step.depth or step.seconds >= WORTH_A_LINE)]
    return sorted(found, key=lambda step: step.begun_at + timedelta(seconds=step.seconds))


def line(step: StepProgress, indent: int = 0) -> RenderableType:
    """Return the line of a step; if it does not fit into the terminal, the rest hangs below its name."""
    turning = _TURNING[int(8 * time.monotonic()) % len(_TURNING)]
    mark = {"done": Text("✓", "green"), "failed": Text("✗", "red")}.get(step.outcome, Text(turning))
    text = Text.assemble((step.step, "bold" if not step.outcome else ""), f": {words(step)}")
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(width=1)
    grid.add_column(overflow="fold")
    grid.add_row(mark, text)
    return Padding(grid, (0, 0, 0, indent), expand=False)


@contextmanager
def shown(console: Console, indent: int = 0) -> Iterator[None]:
    """Show the steps of the runs that begin in this process, for the time of a `with` block."""
    lines, over = Lines(console, indent), threading.Event()
    before, begun, begun_at = set(map(id, NEWEST)), time.monotonic(), datetime.now(UTC)

    def steps() -> list[StepProgress]:
        found = [step for progress in list(NEWEST) if id(progress) not in before for step in progress.steps]
        return found or [StepProgress("start the run", 0, begun_at, total=None, seconds=time.monotonic() - begun)]

    def running() -> RenderableType:
        step = innermost(steps())
        return line(step, indent) if step else Text("")

    def watch() -> None:
        with Live(console=console, get_renderable=running, refresh_per_second=4, transient=True) as live, ExitStack() as log:
            while not over.wait(0.25):
                _leave_out_ends()
                _print_log_on(console, log)
                lines.show(steps())
                live.refresh()  # otherwise a step that has ended is shown twice for a moment
        lines.show(steps())

    def print_plainly() -> None:
        while not over.wait(0.25):
            _leave_out_ends()
            lines.show(steps())
        lines.show(steps())

    _leave_out_ends()
    thread = threading.Thread(target=watch if console.is_terminal else print_plainly, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def print_message(console: Console, message: str) -> None:
    """Print a message. In a terminal, the rest of a line that does not fit hangs below its beginning; a command to copy stays one line."""
    for text in message.splitlines():
        if not console.is_terminal or text.startswith("artwork-migration "):
            console.print(text, highlight=False, markup=False, soft_wrap=True)
        else:
            console.print(Text("\n  ").join(Text(text).wrap(console, console.width - 2)), highlight=False)


class _LogConsole:
    """The console of Prefect's log handler while steps are shown: it prints above the running step, and not into that line."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def print(self, message: str, **_: object) -> None:
        print_message(self._console, message)


def _print_log_on(console: Console, until: ExitStack) -> None:
    """Let Prefect print its log on this console until the stack ends."""
    for handler in _console_handlers():
        own = handler.console  # type: ignore[attr-defined]  # Prefect's handler has one
        if not isinstance(own, _LogConsole):
            until.callback(setattr, handler, "console", own)
            handler.console = _LogConsole(console)  # type: ignore[attr-defined]  # as above


def _leave_out_ends() -> None:
    """Let Prefect's log leave out the end of a verb, which follows as its message."""
    for handler in _console_handlers():
        handler.addFilter(_is_no_end)


def _console_handlers() -> list[logging.Handler]:
    """Return the handlers of Prefect that print. It makes them when it is imported, or when the first run begins."""
    loggers = [logger for logger in logging.root.manager.loggerDict.values() if isinstance(logger, logging.Logger)]
    handlers = {handler for logger in (logging.root, *loggers) for handler in logger.handlers}
    return [handler for handler in handlers if isinstance(getattr(handler, "console", None), Console | _LogConsole)]


def _is_no_end(record: logging.LogRecord) -> bool:
    """Whether a record is no end of a verb, which is logged with its error."""
    return not (isinstance(record.args, tuple) and any(hasattr(argument, "in_name") for argument in record.args))


def watch_status(console: Console, database: Database, table: Callable[[Status], RenderableType]) -> None:
    """Show the status as a table, which has the running step, and below it the steps that have ended, until Ctrl-C.

    Raises MigrationError if it cannot be read. Once it was read, an error is shown below it, and it is read again. Without a terminal an
    error is one line until there is another one, or the status can be read again.
    """
    status, problem, lines = read_status(database), "", Lines(console)

    def picture() -> RenderableType:
        return Group(table(status), *map(line, ended(reported.step for reported in status.progress)), problem)

    if not console.is_terminal:
        console.print(table(status))
    live = Live(console=console, get_renderable=picture, refresh_per_second=4) if console.is_terminal else nullcontext()
    with suppress(KeyboardInterrupt), live:
        while True:
            time.sleep(WATCHED_EVERY)
            before = problem
            try:
                status, problem = read_status(database), ""
            except MigrationError as error:
                problem = escape(str(error))
            if not console.is_terminal:
                lines.show([reported.step for reported in status.progress])
                if problem != before:
                    console.print(problem or table(status), soft_wrap=bool(problem))
