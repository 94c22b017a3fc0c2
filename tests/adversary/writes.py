"""The kinds of write: each is a function of one transaction. Together they meet on few artworks, users and tokens."""

import itertools
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from sample.journal_entry import Side
from tests.adversary.journal import Effect
from tests.adversary.layout import TEXTS, Layout, Target
from tests.adversary.pool import EMAILS, Pool


@dataclass
class Transaction:
    """One transaction at work. `effects` are what it does so far; `doing` names the relation that its statement is about.

    An `orderly` one locks no clean row after a legacy one, as the guide for developers says.
    """

    cursor: psycopg.Cursor[Any]
    layout: Layout
    pool: Pool
    chance: random.Random
    orderly: bool
    effects: list[Effect] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    doing: str = ""

    def execute(self, what: Target | str, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Execute a statement and return its rows. `{}` in it is the name of the table."""
        self.doing = what if isinstance(what, str) else what.name
        if self.orderly and isinstance(what, Target) and what.side is Side.LEGACY:
            self.layout = self.layout.after_legacy()
        begun = time.monotonic()
        try:
            self.cursor.execute(statement.format(f"public.{self.doing}"), values or None)  # type: ignore[call-overload]  # made here
            return self.cursor.fetchall() if self.cursor.description else []
        finally:
            self.seconds.append(time.monotonic() - begun)

    def note(self, name: str, key: object, **rest: Any) -> None:
        """Note an effect for the journal."""
        self.effects.append((name, str(key), rest))

    def target(self) -> Target:
        """Return one of the tables that can be written to."""
        return self.chance.choice([self.layout.serving, self.layout.second or self.layout.serving])

    def email(self) -> str:
        """Return an e-mail, often that of an artwork which is newer than this transaction's snapshot."""
        return self.pool.newest_email if self.chance.random() < 0.5 else self.chance.choice(EMAILS)

    def id(self) -> str:
        """Return a new id."""
        return str(UUID(int=self.chance.getrandbits(128), version=4))

    def values(self) -> dict[str, str]:
        """Return new values of one or two columns; a value is written once."""
        return {column: self.value(column) for column in self.chance.sample(TEXTS, self.chance.randint(1, 2))}

    def value(self, column: str) -> str:
        """Return a new value of a column."""
        return f"https://images.example/{self.pool.number()}" if column.endswith("_url") else f"Name {self.pool.number()}"

    def set(self, target: Target, keys: Sequence[str], values: Mapping[str, str], also: str = "", *more: object) -> list[str]:
        """Update these artworks in one statement, with a further condition; return the ids that it has reached."""
        assignments = ", ".join(f"{target.column(column)} = %s" for column in values)
        rows = self.execute(
            target, f"UPDATE {{}} SET {assignments} WHERE id = ANY(%s::uuid[]) {also} RETURNING id", *values.values(), list(keys), *more
        )
        return self.noted(target, [str(row[0]) for row in rows], values)

    def noted(self, target: Target, reached: list[str], values: Mapping[str, str]) -> list[str]:
        """Note an update of these ids, and return them."""
        for key in reached:
            self.note("set", key, values=dict(values), clean=target.side is Side.CLEAN)
        return reached

    def new_row(self, target: Target, key: str | None = None) -> dict[str, str]:
        """Return the values of a new artwork, under the legacy names; it is migrated whatever its side."""
        number = self.pool.number()
        return {
            "id": key or self.id(),
            "customer_name": f"Name {number}",
            "customer_email": self.chance.choice(EMAILS),
            "pet_name": f"Pet {number}",
            "original_pet_mom_url": f"https://images.example/m{number}",
            "original_pet_url": f"https://images.example/p{number}",
            "generated_image_url": f"https://images.example/g{number}",
            "access_token": f"token-{self.id()}",
            "generation_status": "completed",
            **({"original_image_url": f"https://images.example/o{number}"} if target.side is Side.LEGACY else {}),
        }

    def inserted(self, target: Target, row: Mapping[str, str]) -> None:
        """Note an insert."""
        values = {name: value for name, value in row.items() if name not in ("id", "original_image_url")}
        self.note("insert", row["id"], values={"upscaled_image_url": None, **values}, clean=target.side is Side.CLEAN)


def _names(target: Target, row: Mapping[str, str]) -> str:
    return ", ".join(target.column(name) for name in row)


def _values(rows: int, columns: int) -> str:
    return ", ".join([f"({', '.join(['%s'] * columns)})"] * rows)


def update(tx: Transaction) -> None:
    """Update one to four artworks, in one statement or in several, in an order that other transactions do not share."""
    target, keys, values = tx.target(), tx.pool.some(tx.chance, tx.chance.randint(1, 4)), tx.values()
    if tx.chance.random() < 0.5:
        tx.set(target, keys, values)
    else:
        for key in keys:
            tx.set(target, [key], values)


def update_by_email(tx: Transaction) -> None:
    """Update every artwork of an e-mail."""
    target, values = tx.target(), tx.values()
    assignments = ", ".join(f"{target.column(column)} = %s" for column in values)
    rows = tx.execute(
        target, f"UPDATE {{}} SET {assignments} WHERE customer_email = %s RETURNING id", *values.values(), tx.chance.choice(EMAILS)
    )
    tx.noted(target, [str(row[0]) for row in rows], values)


def change_email(tx: Transaction) -> None:
    """Give an artwork another customer: on the legacy side one with other artworks, on the clean side a new one."""
    target = tx.target()
    follows = target.side is Side.CLEAN and tx.layout.follows
    email = f"new{tx.pool.number()}@adversary.example" if follows else tx.chance.choice(EMAILS)
    tx.set(target, tx.pool.some(tx.chance, own=True), {"customer_email": email})


def compare_and_set(tx: Transaction) -> None:
    """Change a value only if it is still the one that was read."""
    target = tx.target()
    for key in tx.pool.some(tx.chance):
        if rows := tx.execute(target, "SELECT pet_name FROM {} WHERE id = %s", key):
            value = tx.value("pet_name")
            if tx.execute(target, "UPDATE {} SET pet_name = %s WHERE id = %s AND pet_name = %s RETURNING id", value, key, rows[0][0]):
                _expected(tx, target, key, rows[0][0])
                tx.noted(target, [key], {"pet_name": value})


def _expected(tx: Transaction, target: Target, key: str, value: str) -> None:
    """Note that the condition held, where the table is the truth: until the switch a clean row may be older than its legacy row."""
    if not (target.side is Side.CLEAN and tx.layout.follows):
        tx.note("expect", key, values={"pet_name": value})


def insert(tx: Transaction) -> None:
    """Insert one to three artworks with one statement."""
    target = tx.target()
    _insert(tx, target, [tx.new_row(target) for _ in range(tx.chance.randint(1, 3))])


def _insert(tx: Transaction, target: Target, rows: list[dict[str, str]], on_conflict: str = "") -> None:
    tx.execute(
        target,
        f"INSERT INTO {{}} ({_names(target, rows[0])}) VALUES {_values(len(rows), len(rows[0]))} {on_conflict}",
        *(value for row in rows for value in row.values()),
    )
    for row in rows:
        tx.inserted(target, row)


def upsert(tx: Transaction) -> None:
    """Insert an artwork ON CONFLICT, and then the same one again, or one that exists if no other table may have its id."""
    target = tx.target()
    row = tx.new_row(target)
    change = "ON CONFLICT (id) DO UPDATE SET pet_name = EXCLUDED.pet_name"
    _insert(tx, target, [row], change)
    again = row | {"pet_name": tx.value("pet_name"), "access_token": f"token-{tx.id()}"}
    if not (tx.layout.follows and target.side is Side.CLEAN):
        again |= {"id": tx.chance.choice([row["id"], tx.pool.hot(tx.chance)])}
    statement = f"INSERT INTO {{}} ({_names(target, again)}) VALUES {_values(1, len(again))} {change} RETURNING access_token"
    if tx.execute(target, statement, *again.values())[0][0] == again["access_token"]:
        tx.inserted(target, again)
    else:
        tx.noted(target, [again["id"]], {"pet_name": again["pet_name"]})


def merge(tx: Transaction) -> None:
    """Update artworks with MERGE."""
    target, values = tx.target(), tx.values()
    keys = tx.pool.some(tx.chance, 2)
    assignments = ", ".join(f"{target.column(column)} = %s" for column in values)
    rows = tx.execute(
        target,
        "MERGE INTO {} AS a USING UNNEST(%s::uuid[]) AS n (id) ON a.id = n.id"
        f" WHEN MATCHED THEN UPDATE SET {assignments} RETURNING a.id",
        keys, *values.values(),
    )  # fmt: skip
    tx.noted(target, [str(row[0]) for row in rows], values)


def copy(tx: Transaction) -> None:
    """Insert artworks with COPY, which a view does not take."""
    target = tx.target()
    target = tx.layout.serving if target.is_view else target
    rows = [tx.new_row(target) for _ in range(2)]
    tx.doing = target.name
    with tx.cursor.copy(f"COPY public.{target.name} ({_names(target, rows[0])}) FROM STDIN") as data:  # type: ignore[arg-type]
        for row in rows:
            data.write_row(list(row.values()))
    for row in rows:
        tx.inserted(target, row)


def create(tx: Transaction) -> None:
    """Create an artwork with the function, where there is one, and take it through its generation."""
    if not tx.layout.has_functions:
        _insert(tx, tx.layout.serving, [tx.new_row(tx.layout.serving)])
        return
    target = Target("artworks_v2", Side.CLEAN)
    row = tx.new_row(target)
    columns = ("customer_name", "customer_email", "pet_name", "original_pet_mom_url", "original_pet_url")
    (found,) = tx.execute(
        "create_artwork", "SELECT (c.artwork).id, c.access_token FROM {}(%s, %s, %s, %s, %s) AS c", *(row[name] for name in columns)
    )
    row |= {"id": str(found[0]), "access_token": found[1], "generation_status": "completed"}
    for status in ("processing", "completed"):
        changes = Jsonb({"generation_status": status, "generated_image_url": row["generated_image_url"]})
        tx.execute("update_artwork_lifecycle", "SELECT id FROM {}(%s, %s)", found[0], changes)
    tx.inserted(target, row)


def lifecycle(tx: Transaction) -> None:
    """Set a value with the function, where there is one."""
    for key in tx.pool.some(tx.chance):
        values = {"generated_image_url": tx.value("generated_image_url")}
        if tx.layout.has_functions:
            tx.execute("update_artwork_lifecycle", "SELECT id FROM {}(%s, %s)", key, Jsonb(values))
            tx.noted(Target("artworks_v2", Side.CLEAN), [key], values)
        else:
            tx.set(tx.layout.serving, [key], values)


def both_sides(tx: Transaction) -> None:
    """Write the same artwork on both sides in one transaction, the clean side first: so rows are locked in one order."""
    for key in tx.pool.some(tx.chance):
        for target in filter(None, (tx.layout.second, tx.layout.serving)):
            tx.set(target, [key], tx.values())


def delete(tx: Transaction) -> None:
    """Delete an artwork without orders, sometimes only if a value is still the one that was read, and sometimes insert it again."""
    target = tx.target()
    for key in tx.pool.some(tx.chance, own=True):
        rows = tx.execute(target, "SELECT pet_name FROM {} WHERE id = %s", key)
        if rows and tx.chance.random() < 0.5:
            if tx.execute(target, "DELETE FROM {} WHERE id = %s AND pet_name = %s RETURNING id", key, rows[0][0]):
                _expected(tx, target, key, rows[0][0])
                tx.note("delete", key)
        elif tx.execute(target, "DELETE FROM {} WHERE id = %s RETURNING id", key):
            tx.note("delete", key)
            if tx.chance.random() < 0.4 and not _shown_elsewhere(tx, target):
                _insert(tx, target, [tx.new_row(target, key)])


def _shown_elsewhere(tx: Transaction, target: Target) -> bool:
    """Return whether the clean table still shows what was deleted here: until it has caught up, the id must not be used again."""
    return target.side is Side.LEGACY and tx.layout.follows


def insert_again(tx: Transaction) -> None:
    """Insert an artwork under the id of a deleted one, on the serving table."""
    target = tx.layout.serving
    if not _shown_elsewhere(tx, target) and (key := tx.pool.left(tx.chance, free=True)):
        _insert(tx, target, [tx.new_row(target, key)])


def replace(tx: Transaction) -> None:
    """Delete an artwork of the serving table and insert another one with its token."""
    target = tx.layout.serving
    for key in tx.pool.some(tx.chance, own=True):
        if rows := tx.execute(target, "DELETE FROM {} WHERE id = %s RETURNING access_token", key):
            tx.note("delete", key)
            _insert(tx, target, [tx.new_row(target) | {"access_token": rows[0][0]}])


def rotate_tokens(tx: Transaction) -> None:
    """Move tokens between two or three artworks, in an order that others do not share: each is parked first."""
    target, keys = tx.layout.serving, tx.pool.some(tx.chance, tx.chance.randint(2, 3), own=True)
    tokens = []
    for key in keys:
        rows = tx.execute(target, "SELECT access_token FROM {} WHERE id = %s FOR UPDATE", key)
        tokens += [(key, rows[0][0])] if rows else []
    for key, _ in tokens:
        tx.set(target, [key], {"access_token": f"parked-{tx.id()}"})
    for (key, _), (_, token) in zip(tokens, tokens[1:] + tokens[:1], strict=True):
        tx.set(target, [key], {"access_token": token})


def pass_token_on(tx: Transaction) -> None:
    """Move the token of one artwork to a second and on to a third; the two get new ones."""
    target, keys = tx.layout.serving, tx.pool.some(tx.chance, 3, own=True)
    for giver, taker in itertools.pairwise(keys):
        if rows := tx.execute(target, "SELECT access_token FROM {} WHERE id = %s FOR UPDATE", giver):
            tx.set(target, [giver], {"access_token": f"token-{tx.id()}"})
            if not tx.set(target, [taker], {"access_token": rows[0][0]}):
                return


def renew_token(tx: Transaction) -> None:
    """Give an artwork a new token."""
    tx.set(tx.target(), tx.pool.some(tx.chance), {"access_token": f"token-{tx.id()}"})


def move(tx: Transaction) -> None:
    """Give an artwork another id, and sometimes one more."""
    target = tx.layout.serving
    for key in tx.pool.some(tx.chance, own=True):
        for _ in range(tx.chance.randint(1, 2)):
            new = tx.id()
            if not tx.execute(target, "UPDATE {} SET id = %s WHERE id = %s RETURNING id", new, key):
                return
            tx.note("move", key, to=new)
            key = new  # noqa: PLW2901 (the next move begins where this one ends)


def write_by_old_id(tx: Transaction) -> None:
    """Update or delete an artwork by an id that it had: the clean table has it until catch-up follows."""
    target = tx.layout.second or tx.layout.serving
    if key := tx.pool.left(tx.chance):
        if tx.chance.random() < 0.8:
            tx.set(target, [key], tx.values())
        elif tx.execute(target, "DELETE FROM {} WHERE id = %s RETURNING id", key):
            tx.note("delete", key)


def order(tx: Transaction) -> None:
    """Place an order."""
    key, artwork = tx.id(), tx.pool.hot(tx.chance)
    tx.execute(
        "orders", "INSERT INTO {} (id, artwork_id, stripe_session_id, amount_cents) VALUES (%s, %s, %s, 2900)", key, artwork, f"cs_{key}"
    )
    tx.note("order", key, artwork=artwork)


def order_and_update(tx: Transaction) -> None:
    """Change orders and artworks in one transaction, in either order."""
    steps = [order, update] if tx.chance.random() < 0.5 else [update, order]
    for step in steps:
        step(tx)


def delete_order(tx: Transaction) -> None:
    """Delete an order."""
    if (key := tx.pool.order(tx.chance)) and tx.execute("orders", "DELETE FROM {} WHERE id = %s RETURNING id", key):
        tx.note("order_deleted", key)


def truncate_orders(tx: Transaction) -> None:
    """Delete every order with TRUNCATE."""
    tx.execute("orders", "TRUNCATE {} CASCADE")
    tx.note("orders_truncated", "")


def sign_up(tx: Transaction) -> None:
    """Insert a user as old code does, which does not know that users may be anonymous."""
    email = tx.email()
    conflict = tx.chance.choice(["DO NOTHING", "DO UPDATE SET updated_at = NOW()"])
    rows = tx.execute("users", f"INSERT INTO {{}} (email) VALUES (%s) ON CONFLICT (email) {conflict} RETURNING id", email)
    if rows:
        tx.note("user", rows[0][0], email=email)


def claim(tx: Transaction) -> None:
    """Sign up with the function, where there is one."""
    email, user = tx.email(), tx.id()
    if tx.layout.has_functions:
        tx.execute("claim_anonymous_user", "SELECT {}(%s, %s)", email, user)
        tx.note("user", user, email=email)
    elif tx.execute("users", "INSERT INTO {} (id, email) VALUES (%s, %s) ON CONFLICT DO NOTHING RETURNING id", user, email):
        tx.note("user", user, email=email)


def delete_user(tx: Transaction) -> None:
    """Delete a user."""
    if rows := tx.execute("users", "DELETE FROM {} WHERE email = %s RETURNING id", tx.email()):
        tx.note("user_deleted", rows[0][0])


def swap_emails(tx: Transaction) -> None:
    """Swap the e-mails of two users; each is parked first."""
    pair = [tx.email(), tx.chance.choice(EMAILS)]
    users = []
    for email in pair:
        parked = f"parked-{tx.id()}@adversary.example"
        users += tx.execute("users", "UPDATE {} SET email = %s WHERE email = %s RETURNING id", parked, email)
    for (user,), email in zip(users, reversed(pair) if len(users) > 1 else pair, strict=False):
        tx.execute("users", "UPDATE {} SET email = %s WHERE id = %s", email, user)
        tx.note("user_email", user, email=email)


def own(tx: Transaction) -> None:
    """Give an artwork to a user, by the column or by nothing."""
    target = tx.layout.serving
    user = tx.execute("users", "SELECT id FROM {} WHERE email = %s FOR KEY SHARE", tx.chance.choice(EMAILS))
    for key in tx.pool.some(tx.chance):
        tx.execute(target, "UPDATE {} SET user_id = %s WHERE id = %s", user[0][0] if user and tx.chance.random() < 0.5 else None, key)


Kind = Callable[[Transaction], None]
#: Every kind with its share.
KINDS: Mapping[Kind, float] = {
    update: 20, update_by_email: 4, change_email: 4, compare_and_set: 6, insert: 5, upsert: 4, merge: 4, copy: 2, create: 4,
    lifecycle: 4, both_sides: 8, delete: 7, insert_again: 4, replace: 3, rotate_tokens: 3, pass_token_on: 3, renew_token: 2, move: 5,
    write_by_old_id: 5, order: 4, order_and_update: 3, delete_order: 1, sign_up: 3, claim: 3, delete_user: 3, swap_emails: 3, own: 2,
    truncate_orders: 0.1,
}  # fmt: skip
#: Kinds whose transactions are often older than what they meet.
OF_USERS = frozenset({sign_up, claim, delete_user, swap_emails, truncate_orders})
