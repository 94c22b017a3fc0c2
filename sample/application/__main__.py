"""Run the application as a process of its own: `python -m sample.application`."""

import argparse
import os
import signal
import sys
from pathlib import Path

import psycopg

from sample.application.rate_limit import RateLimit
from sample.application.run import run_application

URL = "ARTWORK_APPLICATION_URL"


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line, or the words given."""
    parser = argparse.ArgumentParser(
        prog="python -m sample.application",
        description="Write to the sample database as the product does, until a limit is reached or a signal ends it.",
        epilog=f"The environment variable {URL} names the database. After SIGTERM or SIGINT, the running transactions finish first.",
    )
    parser.add_argument("--seed", type=int, default=1, help="seed of the workers' random choices (default: 1)")
    parser.add_argument("--workers", type=int, default=4, metavar="N", help="number of threads, each with its own connection (default: 4)")
    parser.add_argument("--transactions", type=int, metavar="N", help="stop after N committed transactions")
    parser.add_argument("--seconds", type=float, metavar="S", help="stop after S seconds")
    parser.add_argument("--rate", type=float, metavar="R", help="limit all workers together to R transactions a second")
    parser.add_argument("--journal", type=Path, metavar="FILE", help="write every acknowledged transaction to FILE, as JSON lines")
    parser.add_argument("--summary", type=Path, metavar="FILE", help="write counts, errors and the longest transaction to FILE at the end")
    parser.add_argument(
        "--careful", action="store_true", help="make no write that the database must refuse, like deleting an artwork that is being ordered"
    )
    parser.add_argument(
        "--commands",
        action="store_true",
        help="read the commands pause and resume from the standard input, reply to each with the summary, stop at its end",
    )
    return parser.parse_args(words)


def main() -> int:
    """Run the application and return the exit code."""
    options = arguments()
    url = os.environ.get(URL)
    if not url:
        print(f"{URL} is not set. To fix: set it to the database to write to.", file=sys.stderr)
        return 2
    limit = RateLimit(options.transactions, options.seconds, options.rate)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: limit.stop())
    try:
        summary = run_application(
            url.replace("postgresql+psycopg://", "postgresql://", 1),
            limit,
            seed=options.seed,
            workers=options.workers,
            journal=options.journal,
            summary=options.summary,
            careful=options.careful,
            commands=sys.stdin if options.commands else None,
        )
    except psycopg.Error as error:  # its text may hold values
        print(f"The application ended with a database error, SQLSTATE {error.sqlstate or 'unknown: no connection'}.", file=sys.stderr)
        return 3
    print(f"{summary['transactions']} transactions in {summary['seconds']} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
