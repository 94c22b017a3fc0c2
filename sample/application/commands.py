"""What can be asked of the application while it runs, line by line."""

import json
from collections.abc import Iterable

from sample.application.pace import Pace
from sample.application.recording import Figures


def obey(commands: Iterable[str], pace: Pace, figures: Figures) -> None:
    """`pause` is answered when no transaction is under way, `resume` at once, both with the summary so far. The end of the input stops."""
    for command in commands:
        match command.strip():
            case "pause":
                pace.pause()
            case "resume":
                pace.resume()
        print(json.dumps(figures.summary()), flush=True)
    pace.stop()
