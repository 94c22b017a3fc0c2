"""The oracle: a superuser with its own SQL finds whether every law holds. It reads no table, view or function of the migration."""

import subprocess
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import psycopg
from psycopg import sql as pgsql

from tests.fuzz.access import Access, Attack, Caller, access, callers, secrets
from tests.fuzz.application import Application, new_artwork
from tests.fuzz.fuzzed import Fuzzed

#: Rows that migrate_data may read for each row of the sample. Undisturbed it reads a few hundred, and on a busy machine, where the
#: application writes for longer, up to a thousand; one nested loop over both tables adds as many as there are rows.
ROWS_VISITED = 1_400
#: Columns that both tables have and whose values the mapping does not change.
_SAME = (
    "customer_name",
    "customer_email",
    "pet_name",
    "generated_image_url",
    "generation_status",
    "access_token",
    "token_expires_at",
    "created_at",
)
#: Values that a column may accept or reject: the probe of its rules.
_ODD = ("~", "x" * 500)

#: The strategy's WHERE clause, except for rows that no table with these rules could hold.
STRATEGY = """
SELECT a.id::text FROM {legacy} AS a
WHERE BTRIM(a.customer_email, E' \\t\\r\\n') <> '' AND BTRIM(a.access_token, E' \\t\\r\\n') <> ''
  AND a.original_image_url::text NOT LIKE 'test-%' AND a.generation_status::text = 'completed'
  AND OCTET_LENGTH(a.customer_email) <= 2600 AND OCTET_LENGTH(a.access_token) <= 2600
  AND a.created_at IS NOT NULL AND a.updated_at IS NOT NULL
  AND (SELECT COUNT(*) FROM {legacy} AS b WHERE b.access_token = a.access_token) = 1
"""
#: Customers who hold a link that works today.
_VALID_LINKS = """
SELECT a.id::text FROM {legacy} AS a
WHERE a.token_expires_at > NOW() AND a.generated_image_url IS NOT NULL AND a.customer_email <> '' AND a.access_token <> ''
  AND a.original_image_url NOT LIKE 'test-%'
"""


@dataclass
class Before:
    """The database as it was before the first verb."""

    dump: list[str]
    references: list[tuple[str, str]]
    orphans: dict[tuple[str, str], int]
    secrets: set[str]
    access: dict[Caller, Access]
    own: set[str]
    owners: dict[str, str | None]
    rules: dict[str, set[str]]
    sizes: dict[str, int]
    probes: tuple[str, str]


@dataclass
class Oracle:
    """Compares a database with what it was. `excused` is what a decision has accepted, `warned` the plan's text with its warnings."""

    fuzzed: Fuzzed
    application: Application
    attack: Attack
    registered: str
    before: Before
    excused: set[str] = field(default_factory=set)
    warned: str = ""
    loot: set[str] = field(default_factory=set)

    def remedied(self, fuzzed: Fuzzed) -> None:
        """Look again: the operator has changed the database before the first verb, its objects or what a view shows of its rows."""
        self.before.dump = dump(fuzzed)
        for caller, was in self.before.access.items():
            was.changes = access(fuzzed, caller, set(), self.before.probes).changes

    def judge(self, *, serving_clean: bool) -> list[str]:
        """Return every breach of a law, each as a sentence. The application must not be writing."""
        laws: list[Callable[[], list[str]]] = [self._references, self._acknowledged, self._exposure, self._ownership, self._side_effects]
        laws += [self._rules] if serving_clean else []
        return [breach for law in laws for breach in law()] + [f"the application's write failed: {error}" for error in self._new_errors()]

    def judge_copy(self, *, legacy: str = "artworks", clean: str = "artworks_v2") -> list[str]:
        """Return the breaches of conservation and fidelity while both tables are there. Rows that the application has written are left out:
        the log may still hold them."""
        written = list(self.application.journal.values)
        breaches = []
        missing = self._missing(STRATEGY.format(legacy=legacy), clean) - set(written)
        if missing and "rows" not in self.excused:
            breaches.append(f"conservation: {len(missing)} rows that the strategy migrates are not in the clean table")
        valid = {row[0] for row in self.fuzzed.rows(_VALID_LINKS.format(legacy=legacy))}
        behind = valid & self._missing(_VALID_LINKS.format(legacy=legacy), clean)
        if len(behind) > len(valid) / 2 and "rows" not in self.excused:
            breaches.append(f"a migration of nothing: {len(behind)} of {len(valid)} valid links lead to nothing")
        columns = [name for name in _SAME if self._has(legacy, name)]
        pairs = [", ".join(f"{alias}.{name}::text" for name in columns) for alias in ("a", "v")]
        differ = self.fuzzed.value(
            f"SELECT COUNT(*) FROM {legacy} AS a JOIN {clean} AS v USING (id) WHERE ({pairs[0]}) IS DISTINCT FROM ({pairs[1]})"
            " AND a.id <> ALL(%s::uuid[])",
            written,
        )
        return breaches + ([f"fidelity: {differ} rows differ between the tables"] if differ else [])

    def judge_dump(self, fuzzed: Fuzzed) -> list[str]:
        """Return what differs in the schema of a database from which the migration was uninstalled."""
        if fuzzed.value("SELECT TO_REGNAMESPACE('artwork_migration') IS NOT NULL"):
            return ["dump: the schema artwork_migration is still there after the uninstall"]
        now = dump(fuzzed)
        gone, new = [line for line in self.before.dump if line not in set(now)], [line for line in now if line not in set(self.before.dump)]
        return [f"dump: after the uninstall {len(gone)} lines are gone, {len(new)} are new: {(gone + new)[0][:100]}"] if gone or new else []

    def plundered(self, twin: Fuzzed) -> None:
        """Let the strangers attack a twin without a migration; what they get there is what they could always get."""
        self.attack.carry_out(twin)
        self.loot = self.attack.loot(twin)

    def _references(self) -> list[str]:
        if "references" in self.excused:
            return []
        return [
            f"reference: {table} has {now} rows without their artwork, {self.before.orphans[table, column]} before"
            for table, column in self.before.references
            if (now := orphans(self.fuzzed, table, column)) > self.before.orphans[table, column]
        ]

    def _acknowledged(self) -> list[str]:
        journal, lost = self.application.journal, []
        for key, values in journal.values.items():
            columns = ", ".join(f"{name}::text" for name in values)
            rows = self.fuzzed.rows(f"SELECT {columns} FROM artworks WHERE id = %s", key)
            if not rows and "rows" in self.excused and key in self.before.owners:
                continue  # a decision accepts that rows like it stay behind
            if not rows:
                lost.append(f"an artwork that was written ({', '.join(values)})")
            else:
                lost += [name for name, want, has in zip(values, values.values(), rows[0], strict=True) if want != has]
        found = {row[0] for row in self.fuzzed.rows("SELECT id::text FROM artworks")}
        lost += ["a deletion"] * len(journal.deleted & found)
        orders = {row[0] for row in self.fuzzed.rows("SELECT stripe_session_id FROM orders WHERE stripe_session_id LIKE 'cs_fuzz%'")}
        lost += ["an order"] * len(set(journal.orders) - orders)
        if journal.emails:
            lost += ["a user"] * len(journal.emails - {row[0] for row in self.fuzzed.rows("SELECT email FROM users")})
        lost = [] if "writes" in self.excused else lost
        return [f"lost write: {lost.count(what)} × {what}" for what in sorted(set(lost))]

    def _exposure(self) -> list[str]:
        breaches = []
        journal = self.application.journal
        # what was deleted in the legacy table may still be in the clean one
        written = {*journal.values, *journal.orders.values(), *journal.deleted}
        for caller, was in self.before.access.items():
            now = access(self.fuzzed, caller, self.before.secrets, self.before.probes)
            own = self.before.own if caller.user == self.registered else set()
            if gained := now.reads - was.reads - own - written:
                kinds = sorted({"e-mails" if "@" in secret else "artworks or tokens" for secret in gained})
                breaches.append(f"exposure: {caller.role} reads {len(gained)} more {' and '.join(kinds)}")
            for what, amount in now.changes.items():
                if amount > self._most(what, was.changes.get(what, 0), len(own)):
                    breaches.append(f"exposure: {caller.role} may {what} {amount} rows, {was.changes.get(what, 0)} before")
        if stolen := self.attack.loot(self.fuzzed) - self.loot - written:
            breaches.append(f"exposure: strangers got hold of {len(stolen)} artworks through users")
        return [] if "users" in self.excused else breaches

    def _most(self, what: str, before: int, own: int) -> int:
        """Return how many rows a caller may change now: those of before, those that became the caller's own, and what was written since."""
        if what.split()[1] in ("artworks", "users"):
            return before + own + (len(self.application.journal.values) if before else 0)
        return before + own + 2 * self.application.journal.writes + 50

    def _ownership(self) -> list[str]:
        if not self._has("artworks", "user_id"):
            return []
        rows = self.fuzzed.rows(
            "SELECT a.id::text, a.user_id::text, u.email = a.customer_email FROM artworks AS a LEFT JOIN users AS u ON u.id = a.user_id"
            if self.fuzzed.value("SELECT TO_REGCLASS('public.users') IS NOT NULL")
            else "SELECT a.id::text, a.user_id::text, TRUE FROM artworks AS a"
        )
        wrong = 0
        for key, owner, same_email in rows:
            was = self.before.owners.get(key)
            wrong += bool(key in self.before.owners and owner and owner != was and (was or not same_email))
        return [f"ownership: {wrong} artworks have another owner than before or than their e-mail says"] if wrong else []

    def _side_effects(self) -> list[str]:
        most = self.application.journal.writes + 50
        grown = {name: size - self.before.sizes.get(name, size) for name, size in sizes(self.fuzzed).items()}
        return [
            f"side effect: {name} got {more} rows, more than the application wrote"
            for name, more in grown.items()
            if more > most and "side effects" not in self.excused
        ]

    def _rules(self) -> list[str]:
        """Rules of legacy columns that the clean table does not have, unless a warning of the plan names the column."""
        now = rules(self.fuzzed)
        lost = [(column, rule) for column, had in self.before.rules.items() for rule in sorted(had - now.get(column, had))]
        return [f"rule: {column} {rule} no more" for column, rule in lost if f"`{column}`" not in self.warned and column not in self.warned]

    def _new_errors(self) -> list[str]:
        errors = sorted(set(self.application.errors))
        self.application.errors.clear()
        return errors

    def _missing(self, query: str, clean: str) -> set[str]:
        with suppress(psycopg.Error):
            return {row[0] for row in self.fuzzed.rows(f"{query} AND NOT EXISTS (SELECT FROM {clean} AS v WHERE v.id = a.id)")}
        return set()

    def _has(self, table: str, column: str) -> bool:
        query = "SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = %s::regclass AND attname = %s AND NOT attisdropped)"
        return bool(self.fuzzed.value(query, table, column))


def look(fuzzed: Fuzzed, application: Application) -> Oracle:
    """Return the oracle of a database that no verb has run on."""
    registered, probes, own = _registered(fuzzed)
    known = secrets(fuzzed)
    references = _references(fuzzed)
    return Oracle(
        fuzzed,
        application,
        _attack(fuzzed),
        registered,
        Before(
            dump=dump(fuzzed),
            references=references,
            orphans={(table, column): orphans(fuzzed, table, column) for table, column in references},
            secrets=known,
            access={caller: access(fuzzed, caller, known, probes) for caller in callers(fuzzed, registered)},
            own=own,
            owners=dict(fuzzed.rows("SELECT a.id::text, a.user_id::text FROM artworks AS a")) if _column(fuzzed, "user_id") else {},
            rules=rules(fuzzed),
            sizes=sizes(fuzzed),
            probes=probes,
        ),
    )


def dump(fuzzed: Fuzzed) -> list[str]:
    """Return the schema as pg_dump writes it, without lines that differ each time, and without the ledger, which a first plan creates."""
    command = [fuzzed.server.binary("pg_dump"), "--schema-only", "-N", "artwork_migration", "-d", fuzzed.server.conninfo(fuzzed.name)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [line for line in text.splitlines() if line and not line.startswith(("\\restrict", "\\unrestrict", "--"))]


def orphans(fuzzed: Fuzzed, table: str, column: str) -> int:
    """Return the number of rows whose artwork does not exist."""
    name = pgsql.Identifier(column).as_string()
    query = f"SELECT COUNT(*) FROM {table} AS r WHERE r.{name} IS NOT NULL AND NOT EXISTS (SELECT FROM artworks AS a WHERE a.id = r.{name})"
    return int(fuzzed.value(query))


def sizes(fuzzed: Fuzzed) -> dict[str, int]:
    """Return the number of rows of each table of the application that is no part of the shop itself."""
    tables = fuzzed.rows(
        "SELECT c.oid::regclass::text FROM pg_class AS c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'"
        " AND c.relname !~ '^(artworks|users|orders|order_status_history)'"
    )
    return {name: int(fuzzed.value(f"SELECT COUNT(*) FROM {name}")) for (name,) in tables}


def rows_read(fuzzed: Fuzzed) -> int:
    """Return the rows that statements have read in this database so far, by the server's own count."""
    fuzzed.rows("SELECT PG_STAT_FORCE_NEXT_FLUSH()")
    return int(fuzzed.value("SELECT d.tup_returned FROM pg_stat_database AS d WHERE d.datname = CURRENT_DATABASE()"))


def rules(fuzzed: Fuzzed) -> dict[str, set[str]]:
    """Return the rules of each column of `artworks` that can be seen from outside: it has a default, it rejects odd or repeated values."""
    found: dict[str, set[str]] = {}
    columns = fuzzed.rows(
        "SELECT a.attname::text, a.atttypid = 'text'::regtype OR a.atttypid = 'varchar'::regtype OR t.typbasetype = 'text'::regtype"
        " FROM pg_attribute AS a JOIN pg_type AS t ON t.oid = a.atttypid"
        " WHERE a.attrelid = 'artworks'::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''"
        " AND a.attname NOT IN ('id', 'user_id', 'created_at', 'updated_at')"
    )
    with fuzzed.session() as session:
        if not _accepts(session, {}):
            return {}  # nothing can be said where no artwork is accepted
        for column, is_text in columns:
            found[column] = set()
            if _inserted(session, {}, without=column) is not None:
                found[column].add("has a default")
            for value in _ODD if is_text else ():
                if not _accepts(session, {column: value}):
                    found[column].add(f"rejects {value[:1]!r} × {len(value)}")
            existing = fuzzed.rows(
                pgsql.SQL("SELECT {0} FROM artworks WHERE {0} IS NOT NULL LIMIT 1").format(pgsql.Identifier(column)).as_string()
            )
            if is_text and existing and not _accepts(session, {column: existing[0][0]}):
                found[column].add("rejects a second row with the same value")
    return found


def _accepts(session: psycopg.Connection[Any], values: dict[str, object]) -> bool:
    try:
        with session.transaction(force_rollback=True):
            _insert(session, values, "")
    except psycopg.Error as error:
        return not (error.sqlstate or "").startswith(("22", "23"))
    return True


def _inserted(session: psycopg.Connection[Any], values: dict[str, object], without: str) -> object:
    with suppress(psycopg.Error), session.transaction(force_rollback=True):
        return _insert(session, values, without)
    return None


def _insert(session: psycopg.Connection[Any], changed: dict[str, object], without: str) -> object:
    values = {name: value for name, value in (new_artwork(session, str(uuid4())) | changed).items() if name != without}
    names = pgsql.SQL(", ").join(map(pgsql.Identifier, values))
    returned = pgsql.Identifier(without or "id")
    row = session.execute(
        pgsql.SQL("INSERT INTO artworks ({}) VALUES ({}) RETURNING {}").format(
            names, pgsql.SQL(", ").join(pgsql.Placeholder() * len(values)), returned
        ),
        list(values.values()),
    ).fetchone()
    return row[0] if row else None


def _references(fuzzed: Fuzzed) -> list[tuple[str, str]]:
    found = fuzzed.rows(
        "SELECT DISTINCT k.conrelid::regclass::text, a.attname::text FROM pg_constraint AS k"
        " JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]"
        " JOIN pg_attribute AS r ON r.attrelid = k.confrelid AND r.attnum = k.confkey[1] AND r.attname = 'id'"
        " WHERE k.contype = 'f' AND k.confrelid = 'artworks'::regclass AND k.conrelid <> k.confrelid"
    )
    return sorted({*((table, column) for table, column in found), ("orders", "artwork_id")})


def _column(fuzzed: Fuzzed, name: str) -> bool:
    return bool(fuzzed.value("SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'artworks'::regclass AND attname = %s)", name))


def _registered(fuzzed: Fuzzed) -> tuple[str, tuple[str, str], set[str]]:
    """Return a registered user with artworks by e-mail, the probes of somebody else, and the secrets that become that user's own."""
    table = "users" if fuzzed.value("SELECT TO_REGCLASS('public.users') IS NOT NULL") else "auth.users"
    found = fuzzed.rows(
        f"SELECT u.id::text, u.email FROM {table} AS u JOIN artworks AS a ON a.customer_email = u.email"
        " WHERE a.generation_status::text = 'completed' GROUP BY 1, 2 ORDER BY COUNT(*) DESC, 1 LIMIT 1"
    ) or fuzzed.rows(f"SELECT u.id::text, u.email FROM {table} AS u ORDER BY 1 LIMIT 1")
    user, email = found[0] if found else (str(uuid4()), "nobody@x.example")
    others = fuzzed.rows("SELECT a.customer_email, a.id::text FROM artworks AS a WHERE a.customer_email <> %s ORDER BY a.id LIMIT 1", email)
    own = fuzzed.rows(
        "SELECT a.id::text, a.access_token, a.customer_email FROM artworks AS a WHERE a.customer_email = %s OR a.user_id = %s", email, user
    )
    return user, (others[0] if others else ("", str(uuid4()))), {value for row in own for value in row if value}


def _attack(fuzzed: Fuzzed) -> Attack:
    known = "SELECT FROM users AS u WHERE u.email = a.customer_email"
    exists = fuzzed.value("SELECT TO_REGCLASS('public.users') IS NOT NULL")
    victims = fuzzed.rows(
        "SELECT a.customer_email FROM artworks AS a WHERE a.generation_status::text = 'completed' AND a.customer_email LIKE '_%@_%'"
        f" {f'AND NOT EXISTS ({known})' if exists else ''} GROUP BY 1 ORDER BY COUNT(*) DESC, 1 LIMIT 3"
    )
    emails = [row[0] for row in victims] + ["nobody@x.example"] * (3 - len(victims))
    return Attack(tuple(emails), (str(uuid4()), str(uuid4()), str(uuid4())))


__all__ = ["ROWS_VISITED", "Oracle", "look", "rows_read"]
