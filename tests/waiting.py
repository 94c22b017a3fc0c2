"""One way to wait for something, and one bound for every wait."""

import time
from collections.abc import Callable

#: Seconds. Nothing here takes as long on the slowest machine; a test that waits for it has failed.
BOUND = 300.0


def wait_until(condition: Callable[[], object], *, every: float = 0.01) -> None:
    """Return as soon as the condition holds; fail if it does not within the bound."""
    deadline = time.monotonic() + BOUND
    while not condition():
        assert time.monotonic() < deadline, "the condition never held"
        time.sleep(every)
