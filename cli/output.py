"""What a command prints: lines for people or, with `--json`, one document for programs."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from cli.progress import print_message
from migration.errors import MigrationError

console = Console()
_JSON: ContextVar[bool] = ContextVar("json", default=False)


def _choose(given: bool) -> bool:
    _JSON.set(given)
    return given


#: The option of each command that prints a result.
AsJson = Annotated[bool, typer.Option("--json", help="print the result as one JSON document; steps go to stderr", callback=_choose)]


def as_json() -> bool:
    """Return whether the command is to print its result as JSON."""
    return _JSON.get()


def steps_console() -> Console:
    """Return the console for what is shown while a command is at work."""
    return Console(stderr=True) if as_json() else console


def print_json(document: object) -> None:
    """Print a document. Times are in ISO 8601."""
    print(json.dumps(document, ensure_ascii=False, indent=2, default=_plain))


def show(kind: str, message: str, code: int, **details: object) -> None:
    """Print the kind of an end and its message. As JSON it has the exit code and the `details` too."""
    if as_json():
        print_json({"end": kind, "exit_code": code, **details, "message": message})
        return
    console.print(f"[bold {'red' if code else 'green'}]{kind}[/]", highlight=False)
    print_message(console, message)


def end(kind: str, message: str, code: int, **details: object) -> NoReturn:
    """Print an end, and exit with its code."""
    show(kind, message, code, **details)
    raise typer.Exit(code)


@contextmanager
def errors_printed(**details: object) -> Iterator[None]:
    """End the program with the message and the exit code of a MigrationError, without a traceback."""
    try:
        yield
    except MigrationError as error:
        end(error.end, str(error), error.exit_code, **details)


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
