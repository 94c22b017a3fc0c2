"""Law 8, row by row: what everybody reads and may do before, and what is different at any time after it."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

from tests import read_paths
from tests.databases import Shop
from tests.read_paths import OURS, WHOLE_ROW, Fact, Found, kind_of
from tests.roles import Caller, FewRows, all_callers
from tests.write_paths import may_write

#: Legacy columns that the clean table has by another name, as the strategy's SQL gives them.
RENAMED = {
    "original_pet_mom_url": "pet_mom_image_url",
    "original_pet_url": "pet_image_url",
    "upscaled_at": "upscale_completed_at",
}
#: The schema that shows artworks under its old names, and its functions: they answer whether an id is one that stayed behind.
SERVING_OLD_NAMES = ("legacy_names", "is_only_retired", "count_read")
_COLUMN = re.compile(r"(read|update) (\S+)")


@dataclass(frozen=True)
class Before:
    """What everybody read and was allowed to do before the migration, by the caller's name."""

    users: FewRows
    known: dict[str, set[Fact]]
    #: Per row, its values that belong to somebody.
    secrets: dict[str, set[str]]
    artworks: set[str]
    #: Per e-mail, the artworks that had no owner.
    unowned: dict[str, set[str]]
    #: Per artwork, the orders for it.
    orders: dict[str, set[str]]

    @cached_property
    def columns(self) -> set[tuple[str, str]]:
        """Every kind's columns, by their new names too."""
        matches = ((fact.kind, _COLUMN.fullmatch(fact.what)) for facts in self.known.values() for fact in facts)
        return {(kind, match[2]) for kind, match in matches if match}

    def saw_all(self, name: str) -> bool:
        """Whether the caller read every row there was: from such a one nothing can be kept."""
        return set(self.secrets) <= {fact.key for fact in self.known[name]}


def before(shop: Shop, users: FewRows) -> Before:
    """Look at a shop that is not started."""
    secrets = read_paths.secrets(shop)
    known = {one.name: {_renamed(fact) for _, fact in found} | {fact for _, fact in found} for one, found in _look(shop, users, secrets)}
    return Before(
        users,
        known,
        secrets,
        {key for (key,) in shop.rows("SELECT a.id::text FROM public.artworks AS a")},
        _gathered(shop, "SELECT a.customer_email, a.id::text FROM public.artworks AS a WHERE a.user_id IS NULL"),
        _gathered(shop, "SELECT o.artwork_id::text, o.id::text FROM public.orders AS o"),
    )


def _look(shop: Shop, users: FewRows, secrets: dict[str, set[str]], who: Collection[str] = ()) -> list[tuple[Caller, set[Found]]]:
    values = frozenset(value for one in secrets.values() for value in one)
    callers = [one for one in all_callers(shop, users) if not who or one.name in who]
    return [(one, read_paths.learned(read_paths.answers(shop, one), values) | may_write(shop, one)) for one in callers]


def _renamed(fact: Fact) -> Fact:
    match = _COLUMN.fullmatch(fact.what) if fact.kind == "artworks" else None
    return fact._replace(what=f"{match[1]} {RENAMED.get(match[2], match[2])}") if match else fact


def _gathered(shop: Shop, query: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for key, value in shop.rows(query):
        found.setdefault(key, set()).add(value)
    return found


def differences(shop: Shop, was: Before, *, halves: Collection[str] = (), who: Collection[str] = ()) -> list[str]:
    """What somebody reads or may do that they could not before, and what somebody has lost, also at each of the `halves` by itself.

    `halves` are names of the clean table: it must show what the legacy table showed. `who` are the callers to compare, all if empty.
    """
    secrets = read_paths.secrets(shop, known=was.secrets)
    told: list[str] = []
    for caller, found in _look(shop, was.users, secrets, who):
        gained = _gained(shop, was, caller)
        new = {fact for _, fact in found} - was.known[caller.name]
        told += [f"{caller.name} gains {_told(fact, secrets)}" for fact in new if not _may_gain(shop, was, caller, fact, gained)]
        for half in halves:
            shown = {fact for name, fact in found if name == (half if fact.kind == "artworks" else kind_of(name))}
            expected = _expected(shop, was, caller, half, gained)
            told += [f"{caller.name} loses {_told(fact, secrets)} at {half}" for fact in expected - shown]
    return sorted(told)


def _gained(shop: Shop, was: Before, caller: Caller) -> set[str]:
    """What a user may come to see: the ownerless artworks of their own e-mail, and once the clean table serves the orders for them."""
    email = shop.value("SELECT u.email FROM public.users AS u WHERE u.id = %s", caller.user) if caller.user else None
    artworks = was.unowned.get(email, set())
    return artworks | {order for artwork in artworks for order in was.orders.get(artwork, ()) if _clean_serves(shop)}


def _clean_serves(shop: Shop) -> bool:
    return "original_image_url" not in _columns(shop, "artworks")


def _columns(shop: Shop, table: str) -> set[str]:
    return {
        name
        for (name,) in shop.rows("SELECT a.attname::text FROM pg_attribute AS a WHERE a.attrelid = TO_REGCLASS('public.' || %s)", table)
    }


def _may_gain(shop: Shop, was: Before, caller: Caller, fact: Fact, gained: set[str]) -> bool:
    if fact.kind == OURS:
        return False
    if kind_of(fact.kind.split("(")[0]) in SERVING_OLD_NAMES and (not fact.key or fact.what.startswith("read ")):
        return True
    if (fact.key in gained and (fact.kind == "artworks" or _clean_serves(shop))) or was.saw_all(caller.name):
        return True
    known = was.known[caller.name]
    if fact.what.startswith("says "):
        whole = {one.key for one in known if one.what == f"read {WHOLE_ROW}" and one.key}
        secrets = read_paths.secrets(shop, known=was.secrets)
        return fact.what[5:] in {caller.user}.union(*(secrets[key] for key in whole | gained))
    match = _COLUMN.fullmatch(fact.what)
    # a column that is new belongs to whoever had all there were
    is_new = match is not None and (fact.kind, match[2]) not in was.columns
    return match is not None and is_new and fact._replace(what=f"{match[1]} {WHOLE_ROW}") in known


def _expected(shop: Shop, was: Before, caller: Caller, half: str, gained: set[str]) -> set[Fact]:
    """What a half must show and allow of what the legacy table did, for its rows and columns; with what reads it, if it serves."""
    known = {fact for fact in was.known[caller.name] if not fact.what.startswith(("delete", "says ")) and not fact.kind.startswith("pg_")}
    keys = {key for (key,) in shop.rows(f"SELECT t.id::text FROM public.{half} AS t")}
    columns = _columns(shop, half)
    is_view = shop.value("SELECT c.relkind = 'v' FROM pg_class AS c WHERE c.oid = TO_REGCLASS('public.' || %s)", half)
    if is_view and not any(fact.kind == "artworks" and fact.what == f"read {WHOLE_ROW}" for fact in known):
        return set()  # a view with security_invoker is for those who may read all of its columns
    if not is_view:
        columns.add(WHOLE_ROW)
    theirs = set()
    if half == "artworks_v2" or _clean_serves(shop):
        theirs = {
            Fact("artworks" if key in was.artworks else "orders", key, "read id")
            for key in gained & (keys | set().union(*was.orders.values()))
        }
    return theirs | {
        fact
        for fact in known
        if (_kept(fact, keys, columns) if fact.kind == "artworks" else half == "artworks" and fact.key not in was.artworks - keys)
    }


def _kept(fact: Fact, keys: set[str], columns: set[str]) -> bool:
    match = _COLUMN.fullmatch(fact.what)
    return (fact.key in keys and match is not None and match[2] in columns) or (not fact.key and fact.what.startswith(("may ", "insert ")))


def _told(fact: Fact, secrets: dict[str, set[str]]) -> str:
    """The fact without a value of anybody's."""
    kind = fact.kind.split("(")[0]
    if fact.what.startswith("says "):
        return f"{kind} {sorted(key for key, values in secrets.items() if fact.what[5:] in values)} said"
    return f"{kind} {fact.key} {fact.what}"
