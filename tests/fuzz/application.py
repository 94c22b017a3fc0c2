"""An application that keeps writing, and remembers every write that was acknowledged."""

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import psycopg
from psycopg import sql as pgsql

from tests.fuzz.fuzzed import Fuzzed

#: Errors that an application repeats: a prepared SELECT * at the switch, a conflict, a time limit of the database's own settings.
REPEATED = frozenset({"0A000", "40001", "55P03", "57014"})
#: Seconds between two writes beside a verb. More of them would only keep the processor from the verb.
PAUSE = 0.05
#: The role that the application's server connects as.
ROLE = "service_role"

_ELIGIBLE = """
SELECT a.id::text FROM artworks AS a
WHERE a.generation_status::text = 'completed' AND a.customer_email LIKE '_%@_%' AND LENGTH(a.customer_email) < 200
  AND a.access_token LIKE '____%' AND a.original_image_url NOT LIKE 'test-%' AND a.updated_at < NOW()
  AND (SELECT COUNT(*) FROM artworks AS b WHERE b.access_token = a.access_token) = 1
ORDER BY a.id LIMIT 400
"""
_UNFINISHED = """
SELECT a.id::text FROM artworks AS a
WHERE a.generation_status::text = 'pending' AND a.customer_email LIKE '_%@_%' AND LENGTH(a.customer_email) < 200
  AND a.access_token LIKE '____%' AND a.original_image_url NOT LIKE 'test-%'
ORDER BY a.id LIMIT 60
"""


@dataclass
class Journal:
    """What was acknowledged: the values of artworks by id and column, and which artworks, orders and users exist."""

    values: dict[str, dict[str, object]] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    orders: dict[str, str] = field(default_factory=dict)
    emails: set[str] = field(default_factory=set)
    writes: int = 0


class Application:
    """Writes of every kind that this database accepted before the migration. `errors` has the SQLSTATE of each write that fails later.

    Where the old names are served, every other write of old code uses them.
    """

    def __init__(self, fuzzed: Fuzzed, seed: int) -> None:
        self.fuzzed, self.journal, self.errors = fuzzed, Journal(), list[str]()
        self.chance = random.Random(seed)
        with fuzzed.session() as admin:
            found = [[row[0] for row in _rows(admin, query) if _may_change(admin, row[0])] for query in (_ELIGIBLE, _UNFINISHED)]
        self.artworks, self.unfinished = found
        self._created: list[str] = []
        self._kinds: dict[str, Callable[[psycopg.Cursor[Any]], None]] = {
            "rename": lambda cursor: self._update(cursor, "pet_name", self.artworks[0::3]),
            "customer": lambda cursor: self._update(cursor, "customer_name", self.artworks[0::3]),
            "image": lambda cursor: self._update(cursor, "generated_image_url", self.artworks[0::3]),
            "finish": self._finish,
            "insert": self._insert,
            "delete": self._delete,
            "order": self._order,
            "sign up": self._sign_up,
        }
        self.able = [kind for kind in self._kinds if self._is_able(kind)]
        #: an operator may decide that nobody creates artworks on the clean side
        self.creates = True
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()

    def write(self, times: int = 24) -> None:
        """Write some times, each kind in turn, with the functions and the clean table too where they exist."""
        with self.fuzzed.session(ROLE) as session:
            for number in range(times):
                self._once(session, number)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Keep writing in another thread during the block."""
        self._stop.clear()
        self._thread = threading.Thread(target=self._keep_writing, daemon=True)
        self._thread.start()
        try:
            yield
        finally:
            self._stop.set()
            self._thread.join(30)

    def _keep_writing(self) -> None:
        try:
            with self.fuzzed.session(ROLE) as session:
                number = 0
                while not self._stop.wait(PAUSE):
                    self._once(session, number)
                    number += 1
        except psycopg.Error as error:
            self.errors.append(f"session: {error.sqlstate}")

    def _once(self, session: psycopg.Connection[Any], number: int) -> None:
        new_code = [*(["edit clean"] if "rename" in self.able else []), *(["create"] if "insert" in self.able and self.creates else [])]
        kinds = [*self.able, *(new_code if _has_clean(session) else [])]
        if not kinds:
            return
        kind = kinds[number % len(kinds)]
        old_names = number % 2 and kind in self._kinds and _has_old_names(session)
        perform = {"create": self._create, "edit clean": self._edit_clean}.get(kind) or self._kinds[kind]
        for _ in range(20):
            try:
                with session.transaction(), session.cursor() as cursor:
                    if old_names:
                        cursor.execute("SELECT SET_CONFIG('search_path', 'legacy_names, ' || CURRENT_SETTING('search_path'), true)")
                    acknowledged = _Acknowledged(cursor)
                    perform(acknowledged)  # type: ignore[arg-type]  # it has what a cursor has
                for note in acknowledged.notes:
                    note()
                self.journal.writes += 1
                return
            except psycopg.Error as error:
                if error.sqlstate not in REPEATED:
                    self.errors.append(f"{kind}: {error.sqlstate}")
                    return

    def _is_able(self, kind: str) -> bool:
        with self.fuzzed.session(ROLE) as session:
            try:
                with session.transaction(force_rollback=True), session.cursor() as cursor:
                    self._kinds[kind](_Acknowledged(cursor))  # type: ignore[arg-type]
                    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            except (psycopg.Error, IndexError):
                return False
        return True

    def _update(self, cursor: Any, column: str, ids: list[str]) -> None:
        key, value = self.chance.choice(ids), f"Fuzz{self.chance.randrange(10**9)}"
        row = cursor.execute(
            pgsql.SQL("UPDATE artworks SET {0} = %s WHERE id = %s RETURNING {0}").format(pgsql.Identifier(column)), (value, key)
        ).fetchone()
        if row:
            cursor.note(lambda: self.journal.values.setdefault(key, {}).update({column: row[0]}))

    def _finish(self, cursor: Any) -> None:
        key, value = self.chance.choice(self.unfinished), f"https://images.example/{self.chance.randrange(10**9)}"
        row = cursor.execute(
            "UPDATE artworks SET generation_status = 'completed', generated_image_url = %s WHERE id = %s RETURNING generated_image_url",
            (value, key),
        ).fetchone()
        if row:
            written = {"generated_image_url": row[0], "generation_status": "completed"}
            cursor.note(lambda: self.journal.values.setdefault(key, {}).update(written))

    def _insert(self, cursor: Any) -> None:
        key = str(uuid4())
        values = new_artwork(cursor, key)
        names = pgsql.SQL(", ").join(map(pgsql.Identifier, values))
        cursor.execute(
            pgsql.SQL("INSERT INTO artworks ({}) VALUES ({})").format(names, pgsql.SQL(", ").join(pgsql.Placeholder() * len(values))),
            list(values.values()),
        )
        known = {name: values[name] for name in ("customer_email", "access_token", "generated_image_url")}
        cursor.note(lambda: (self.journal.values.setdefault(key, {}).update(known), self._created.append(key)))

    def _delete(self, cursor: Any) -> None:
        if not self._created:
            return
        key = self._created.pop(0)
        cursor.execute("DELETE FROM artworks WHERE id = %s", (key,))
        cursor.note(lambda: (self.journal.deleted.add(key), self.journal.values.pop(key, None)))

    def _order(self, cursor: Any) -> None:
        key, session = self.chance.choice(self.artworks[2::3]), f"cs_fuzz_{uuid4()}"
        cursor.execute("INSERT INTO orders (artwork_id, stripe_session_id, amount_cents) VALUES (%s, %s, 2900)", (key, session))
        cursor.note(lambda: self.journal.orders.update({session: key}))

    def _sign_up(self, cursor: Any) -> None:
        email = f"signed.up.{self.chance.randrange(10**9)}@x.example"
        cursor.execute("INSERT INTO users (email) VALUES (%s)", (email,))
        cursor.note(lambda: self.journal.emails.add(email))

    def _create(self, cursor: Any) -> None:
        email = f"New.Customer.{self.chance.randrange(10**9)}@x.example"
        row = cursor.execute(
            "SELECT (c.artwork).id::text FROM public.create_artwork(%s, %s, %s, %s, %s) AS c",
            ("Fuzz", email, "Fuzz", "https://images.example/1", "https://images.example/2"),
        ).fetchone()
        cursor.note(lambda: self.journal.values.setdefault(row[0], {}).update({"customer_email": email}))

    def _edit_clean(self, cursor: Any) -> None:
        if ids := self.artworks[1::3]:
            key, value = self.chance.choice(ids), f"Fuzz{self.chance.randrange(10**9)}"
            row = cursor.execute("UPDATE artworks_v2 SET pet_name = %s WHERE id = %s RETURNING pet_name", (value, key)).fetchone()
            if row:
                cursor.note(lambda: self.journal.values.setdefault(key, {}).update({"pet_name": row[0]}))


class _Acknowledged:
    """A cursor that collects what is to be noted once the transaction has committed."""

    def __init__(self, cursor: psycopg.Cursor[Any]) -> None:
        self.execute, self.connection = cursor.execute, cursor.connection
        self.notes: list[Callable[[], object]] = []
        self.note = self.notes.append


def new_artwork(cursor: Any, key: str) -> dict[str, object]:
    """Return the values of a new artwork that both tables accept, for the columns that `artworks` has now."""
    cursor.execute("SELECT FROM artworks LIMIT 0")  # its lock keeps the columns as they are until the commit
    columns = {row[0] for row in _rows(cursor, "SELECT attname FROM pg_attribute WHERE attrelid = 'artworks'::regclass AND attnum > 0")}
    url = "https://images.example/original"
    values: dict[str, object] = {
        "id": key,
        "customer_name": "Fuzz",
        "customer_email": f"fuzz.{key}@x.example",
        "access_token": f"token-{key}",
        "pet_name": "Fuzz",
        "generation_status": "completed",
        "generated_image_url": f"https://images.example/{key}",
    }
    urls = ("original_image_url", "original_pet_url", "original_pet_mom_url", "pet_mom_image_url", "pet_image_url")
    return values | {name: url for name in urls if name in columns}


def _has_clean(session: psycopg.Connection[Any]) -> bool:
    return bool(
        _rows(session, "SELECT TO_REGCLASS('public.artworks_v2') IS NOT NULL AND TO_REGPROC('public.create_artwork') IS NOT NULL")[0][0]
    )


def _has_old_names(session: psycopg.Connection[Any]) -> bool:
    return bool(_rows(session, "SELECT TO_REGCLASS('legacy_names.artworks') IS NOT NULL")[0][0])


def _may_change(session: psycopg.Connection[Any], key: str) -> bool:
    """Whether the row keeps the rules of its table; one that breaks a check NOT VALID takes no update at all."""
    try:
        with session.transaction(force_rollback=True):
            session.execute("UPDATE artworks SET customer_name = customer_name WHERE id = %s", (key,))
    except psycopg.IntegrityError:
        return False
    except psycopg.Error:
        pass  # about the column, not about the row
    return True


def _rows(session: Any, query: str) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = session.execute(query).fetchall()
    return rows
