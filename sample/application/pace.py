"""How much the workers may still do, and how fast."""

import threading
import time


class Pace:
    """Thread-safe. Limits that are None are none; `stop` and `pause` let the transactions under way finish."""

    def __init__(self, transactions: int | None = None, seconds: float | None = None, rate: float | None = None) -> None:
        self._changed = threading.Condition()
        self._left = transactions
        self._end = time.monotonic() + seconds if seconds is not None else None
        self._interval = 1 / rate if rate else 0.0
        self._next = time.monotonic()
        self._under_way = 0
        self._paused = False
        self._stopped = threading.Event()

    @property
    def stopping(self) -> bool:
        return self._stopped.is_set() or (self._end is not None and time.monotonic() >= self._end)

    def stop(self) -> None:
        """Takes no lock: a signal may come while this very thread has it."""
        self._stopped.set()

    def pause(self) -> None:
        """Returns when no transaction is under way; none begins until `resume`."""
        with self._changed:
            self._paused = True
            self._changed.wait_for(lambda: self._under_way == 0)

    def resume(self) -> None:
        with self._changed:
            self._paused = False
            self._changed.notify_all()

    def may_go_on(self) -> bool:
        """Claims one transaction, waits for its time, and begins it; `over` ends it."""
        while not self.stopping:
            wait = self._turn() - time.monotonic()
            if wait > 0 and self._stopped.wait(wait):
                return False
            with self._changed:
                if self._left == 0:
                    return False  # whoever gives one back takes it again
                if not self._paused:
                    self._left = None if self._left is None else self._left - 1
                    self._under_way += 1
                    return True
                self._changed.wait(0.2)
        return False

    def over(self, *, done: bool) -> None:
        """`done`: whether what was claimed has become a transaction."""
        with self._changed:
            self._under_way -= 1
            if self._left is not None and not done:
                self._left += 1
            self._changed.notify_all()

    def _turn(self) -> float:
        with self._changed:
            self._next = max(self._next, time.monotonic() - self._interval) + self._interval
            return self._next
