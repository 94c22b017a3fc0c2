"""How much the workers may still do, and how fast."""

import threading
import time


class Pace:
    """Thread-safe. Limits that are None are none; `stop` lets the transactions under way finish."""

    def __init__(self, transactions: int | None = None, seconds: float | None = None, rate: float | None = None) -> None:
        self._lock = threading.Lock()
        self._left = transactions
        self._end = time.monotonic() + seconds if seconds is not None else None
        self._interval = 1 / rate if rate else 0.0
        self._next = time.monotonic()
        self._stopped = threading.Event()

    @property
    def stopping(self) -> bool:
        return self._stopped.is_set() or (self._end is not None and time.monotonic() >= self._end)

    def stop(self) -> None:
        self._stopped.set()

    def may_go_on(self) -> bool:
        """Claims one transaction and waits for its time."""
        if self.stopping or not self._claim():
            return False
        wait = self._turn() - time.monotonic()
        if wait > 0 and self._stopped.wait(wait):
            return False
        return not self.stopping

    def give_back(self) -> None:
        """What was claimed did not become a transaction."""
        with self._lock:
            if self._left is not None:
                self._left += 1

    def _claim(self) -> bool:
        with self._lock:
            if self._left is None:
                return True
            if self._left == 0:
                return False  # whoever gives one back takes it again
            self._left -= 1
            return True

    def _turn(self) -> float:
        with self._lock:
            self._next = max(self._next, time.monotonic() - self._interval) + self._interval
            return self._next
