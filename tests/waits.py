"""A copy in a thread that has to wait, and what it reports about it."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from migration.errors import WaitedTooLong
from migration.ledger import ledger
from reporting.status import read_status
from reporting.status_lines import status_lines
from tasks.copying import copy_chunks, create_users, find_quarantined
from tests.databases import Shop, running
from tests.waiting import BOUND, wait_until

#: What passes more time in the ledger than a run may wait, for the wait and for a pause.
WAITED = "UPDATE artwork_migration.wait SET begun_at = begun_at - interval '5 hours' WHERE ended_at IS NULL"
TOO_LONG = f"UPDATE artwork_migration.pause SET paused_at = paused_at - interval '5 hours' WHERE resumed_at IS NULL; {WAITED}"


@dataclass
class Copy:
    """A copy that is at work: its end, and what it has reported."""

    shop: Shop
    end: Future[None]
    reported: list[str]

    def waits_for(self, *words: str) -> None:
        """Return once the copy waits, for something with these words, by the status that every process shows and by its own report."""

        def waits() -> bool:
            assert not self.end.done(), f"the copy has ended and did not wait: {self.end.exception()}"
            return "waits" in self._status

        wait_until(waits, every=0.1)
        assert all(word in self._status["waits"] for word in ("since ", *words)), self._status["waits"]
        assert all(word in self.reported[-1] for word in ("waits", "To fix: ", *words)), self.reported

    @property
    def _status(self) -> dict[str, str]:
        """The lines of the status by label, of one label the last."""
        return dict(status_lines(read_status(self.shop.database)))

    def continues(self) -> None:
        """Return once the copy has ended: it reported that it continues, every chunk is done, and the status shows no wait."""
        self.end.result(BOUND)
        assert "continues after a wait of" in self.reported[-1], self.reported
        assert not self.shop.value("SELECT COUNT(*) FROM artwork_migration.chunk WHERE done_at IS NULL")
        assert 0 < self.shop.value("SELECT COUNT(*) FROM artworks_v2")
        assert read_status(self.shop.database).wait is None

    def ends(self, *words: str) -> None:
        """Let more time pass in the ledger than a run may wait: the copy ends with these words, and the status shows no wait."""
        self.shop.sql.execute(TOO_LONG)
        error = self.end.exception(BOUND)
        assert isinstance(error, WaitedTooLong), error
        assert all(word in str(error) for word in ("nothing is half done", "To fix: ", "it resumes", *words)), error
        assert read_status(self.shop.database).wait is None


@contextmanager
def copying(shop: Shop, **limits: float) -> Iterator[Copy]:
    """Copy in a thread, with these settings. A copy that still waits at the end of the block is ended."""
    shop.settings = shop.settings.model_copy(update=limits)
    with ThreadPoolExecutor(1) as pool:
        reported: list[str] = []
        copy = Copy(shop, pool.submit(_copy, shop, reported), reported)
        try:
            yield copy
        finally:
            wait_until(lambda: copy.end.done() or not shop.sql.execute(TOO_LONG), every=0.5)


def _copy(shop: Shop, reported: list[str]) -> None:
    with running(shop) as run:
        run.begin()
        run.warn = reported.append
        try:
            find_quarantined(run)
            create_users(run)
            copy_chunks(run)
        except WaitedTooLong as error:
            run.end(error.end)
            raise


def pause(shop: Shop) -> None:
    """Pause the migration, as the verb does."""
    shop.database.write("pausing", lambda connection: ledger.pause(connection, approved_by="Ada", reason="the sale begins"))


def resume(shop: Shop) -> None:
    """Resume it."""
    shop.database.write("resuming", lambda connection: ledger.resume(connection, approved_by="Ada", reason="the sale is over"))
