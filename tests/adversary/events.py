"""What happens to a verb in the soak: each event begins at a random moment of the verb and is over before the next run."""

import os
import random
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from uuid import uuid4

import psycopg

from sample.server import SUPERUSER, EmbeddedServer
from tests.adversary.verbs import Running
from tests.restarts import kill_server

#: The backends of a verb, and those of the writer.
_OURS = "application_name LIKE '%% run %%' AND datname = %s"
_WRITERS = "application_name = 'adversary' AND state <> 'idle' AND datname = %s"


@dataclass
class Scene:
    """Where an event happens: the server, the database, its owner, the verb at work, and the folder of the small disk."""

    server: EmbeddedServer
    name: str
    owner: str
    verb: Running
    chance: random.Random
    small_disk: str

    def admin(self) -> psycopg.Connection[tuple[object, ...]]:
        """Return a session of the superuser."""
        return psycopg.connect(self.server.conninfo(self.name), autocommit=True)

    def until_done(self, seconds: float) -> None:
        """Wait, but not longer than the verb works."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and self.verb.alive():
            time.sleep(0.05)


Event = Callable[[Scene], None]


def nothing(scene: Scene) -> None:
    """Only the writers are at work."""


def client_killed(scene: Scene) -> None:
    """The verb's process is killed."""
    scene.verb.kill()


def backend_killed(scene: Scene) -> None:
    """The server ends every session of the verb."""
    with scene.admin() as admin:
        admin.execute(f"SELECT PG_TERMINATE_BACKEND(pid) FROM pg_stat_activity WHERE {_OURS}", (scene.name,))


def server_killed(scene: Scene) -> None:
    """The postmaster is killed and starts again."""
    kill_server(scene.server)


def lock_held(scene: Scene) -> None:
    """A session holds a lock for some seconds."""
    table = scene.chance.choice(["artworks", "orders", "users"])
    mode = scene.chance.choice(["ACCESS SHARE", "ROW EXCLUSIVE"])
    with scene.admin() as admin, admin.transaction():
        admin.execute(f"LOCK TABLE public.{table} IN {mode} MODE")  # type: ignore[call-overload]  # names of this file
        scene.until_done(scene.chance.uniform(2, 25))


def holder_stopped(scene: Scene) -> None:
    """A backend of a writer stops in the middle of its transaction, with its locks, and goes on after some seconds."""
    with scene.admin() as admin:
        rows = admin.execute(f"SELECT pid FROM pg_stat_activity WHERE {_WRITERS} ORDER BY xact_start LIMIT 1", (scene.name,)).fetchall()
    for (pid,) in rows:
        with suppress(ProcessLookupError):
            os.kill(int(str(pid)), signal.SIGSTOP)
            try:
                scene.until_done(scene.chance.uniform(1, 8))
            finally:
                os.kill(int(str(pid)), signal.SIGCONT)


def index_created(scene: Scene) -> None:
    """Somebody creates an index on `artworks`, which stays: the switch gives its name to an index of its own."""
    with _ddl(scene, f"CREATE INDEX soak_index_{uuid4().hex[:8]} ON public.artworks (pet_name)", "SELECT 1"):
        scene.until_done(60)


def view_created(scene: Scene) -> None:
    """Somebody creates a view on `artworks`."""
    with _ddl(scene, "CREATE VIEW public.soak_view AS SELECT id, pet_name FROM public.artworks", "DROP VIEW IF EXISTS public.soak_view"):
        scene.until_done(60)


def short_statements(scene: Scene) -> None:
    """Somebody gives the owner a short statement_timeout."""
    with _ddl(scene, f"ALTER ROLE {scene.owner} SET statement_timeout = '100ms'", f"ALTER ROLE {scene.owner} RESET statement_timeout"):
        scene.until_done(60)


def idle_sessions_end(scene: Scene) -> None:
    """Somebody gives the owner an idle_session_timeout, and its sessions are new from then on."""
    timeout = f"ALTER ROLE {scene.owner} SET idle_session_timeout = '500ms'"
    with _ddl(scene, timeout, f"ALTER ROLE {scene.owner} RESET idle_session_timeout"):
        scene.until_done(60)


def no_connections(scene: Scene) -> None:
    """Somebody limits the owner's connections to those that are open."""
    with _ddl(scene, f"ALTER ROLE {scene.owner} CONNECTION LIMIT 1", f"ALTER ROLE {scene.owner} CONNECTION LIMIT -1"):
        scene.until_done(60)


def disk_full(scene: Scene) -> None:
    """The file system of the database is full for some seconds."""
    filler = os.path.join(scene.small_disk, "filler")  # noqa: PTH118
    try:
        with open(filler, "wb") as file, suppress(OSError):  # noqa: PTH123
            while True:
                file.write(b"\0" * 65_536)
                file.flush()
        scene.until_done(scene.chance.uniform(2, 20))
    finally:
        os.unlink(filler)  # noqa: PTH108


@contextmanager
def _ddl(scene: Scene, statement: str, undo: str) -> Iterator[None]:
    """Execute a statement as an administrator does, who tries again until the lock is there, and undo it after the block."""
    with scene.admin() as admin:
        for name, one in (("do", statement), ("undo", undo)):
            for _ in range(200):
                try:
                    admin.execute("SET lock_timeout = '100ms'")
                    admin.execute(one)  # type: ignore[call-overload]  # texts of this file
                    break
                except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
                    time.sleep(0.05)
            if name == "do":
                yield


EVENTS: Mapping[str, Event] = {
    event.__name__.replace("_", " "): event
    for event in (
        nothing, client_killed, backend_killed, server_killed, lock_held, holder_stopped, index_created, view_created, short_statements,
        idle_sessions_end, no_connections, disk_full,
    )
}  # fmt: skip

__all__ = ["EVENTS", "SUPERUSER", "Event", "Scene"]
