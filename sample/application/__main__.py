"""`python -m sample.application`: the shop as a process of its own."""

import argparse
import os
import signal
import sys
from pathlib import Path

import psycopg

from sample.application.pace import Pace
from sample.application.run import run_application

URL = "ARTWORK_APPLICATION_URL"


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m sample.application",
        description="Writes to the sample database as the product does, until told to stop.",
        epilog=f"The database is in the environment variable {URL}. SIGTERM and SIGINT let the transactions under way finish.",
    )
    parser.add_argument("--seed", type=int, default=1, help="of each worker's choices (default: 1)")
    parser.add_argument("--workers", type=int, default=4, metavar="N", help="threads, each with a connection (default: 4)")
    parser.add_argument("--transactions", type=int, metavar="N", help="stop after N committed transactions")
    parser.add_argument("--seconds", type=float, metavar="S", help="stop after S seconds")
    parser.add_argument("--rate", type=float, metavar="R", help="at most R transactions a second in all")
    parser.add_argument("--journal", type=Path, metavar="FILE", help="write every acknowledged transaction there, as JSON lines")
    parser.add_argument("--summary", type=Path, metavar="FILE", help="write counts, errors and the longest transaction there at the end")
    parser.add_argument(
        "--careful", action="store_true", help="do nothing that the database must refuse, as deleting what is just being ordered"
    )
    parser.add_argument(
        "--commands",
        action="store_true",
        help="obey the standard input: pause, resume; each is answered with the summary so far; its end stops",
    )
    return parser.parse_args(given)


def main() -> int:
    options = arguments()
    url = os.environ.get(URL)
    if not url:
        print(f"{URL} is not set: the database to write to", file=sys.stderr)
        return 2
    pace = Pace(options.transactions, options.seconds, options.rate)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: pace.stop())
    try:
        report = run_application(
            url.replace("postgresql+psycopg://", "postgresql://", 1),
            pace,
            seed=options.seed,
            workers=options.workers,
            journal=options.journal,
            summary=options.summary,
            careful=options.careful,
            commands=sys.stdin if options.commands else None,
        )
    except psycopg.Error as fault:  # its text may hold values
        print(f"the application ended with a database error, SQLSTATE {fault.sqlstate or 'unknown: no connection'}", file=sys.stderr)
        return 3
    print(f"{report['transactions']} transactions in {report['seconds']} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
