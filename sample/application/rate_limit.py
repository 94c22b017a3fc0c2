"""The limits of the workers: how many transactions, how long, and how fast."""

import threading
import time


class RateLimit:
    """Limits that all workers share. None means unlimited; after `stop` and `pause`, the running transactions finish. Thread-safe."""

    def __init__(self, transactions: int | None = None, seconds: float | None = None, rate: float | None = None) -> None:
        self._changed = threading.Condition()
        self._left = transactions
        self._end = time.monotonic() + seconds if seconds is not None else None
        self._interval = 1 / rate if rate else 0.0
        self._next = time.monotonic()
        self._running = 0
        self._paused = False
        self._stopped = threading.Event()

    @property
    def stopping(self) -> bool:
        """Whether no further transaction may begin."""
        return self._stopped.is_set() or (self._end is not None and time.monotonic() >= self._end)

    def stop(self) -> None:
        """Let no further transaction begin. Takes no lock, because a signal may interrupt a thread that holds it."""
        self._stopped.set()

    def pause(self) -> None:
        """Wait until no transaction is running; none begins until `resume`."""
        with self._changed:
            self._paused = True
            self._changed.wait_for(lambda: self._running == 0)

    def resume(self) -> None:
        """Let transactions begin again."""
        with self._changed:
            self._paused = False
            self._changed.notify_all()

    def acquire(self) -> bool:
        """Wait until a transaction may begin, and count it as running; False if none may begin any more. `release` ends it."""
        while not self.stopping:
            wait = self._next_start() - time.monotonic()
            if wait > 0 and self._stopped.wait(wait):
                return False
            with self._changed:
                if self._left == 0:
                    return False  # a worker that gives its transaction back uses it itself
                if not self._paused:
                    self._left = None if self._left is None else self._left - 1
                    self._running += 1
                    return True
                self._changed.wait(0.2)
        return False

    def release(self, *, done: bool) -> None:
        """Count a transaction as ended; one that was not `done` does not count against the number of transactions."""
        with self._changed:
            self._running -= 1
            if self._left is not None and not done:
                self._left += 1
            self._changed.notify_all()

    def _next_start(self) -> float:
        with self._changed:
            self._next = max(self._next, time.monotonic() - self._interval) + self._interval
            return self._next
