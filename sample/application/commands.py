"""The commands that the application reads while it runs, one per line."""

import json
from collections.abc import Iterable

from sample.application.rate_limit import RateLimit
from sample.application.recording import Statistics


def follow_commands(commands: Iterable[str], limit: RateLimit, statistics: Statistics) -> None:
    """Follow `pause` and `resume` and print the summary after each; after `pause` no transaction is running. Its end stops."""
    for command in commands:
        match command.strip():
            case "pause":
                limit.pause()
            case "resume":
                limit.resume()
        print(json.dumps(statistics.summary()), flush=True)
    limit.stop()
