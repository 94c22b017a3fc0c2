"""What the product has always done, by statements on the table that is called `artworks`.

After a switch that is the clean table: this code has not been deployed anew, and goes on wherever it names columns that both tables have.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from psycopg import sql as pgsql
from psycopg.types.json import Jsonb

from sample.application.job import Cursor, Desk, Job, nothing
from sample.application.orders import place_order
from sample.application.shop import EVERYTHING, Artwork, Part
from sample.application.steps import Step, can_be_generated, can_be_upscaled, next_generation, next_upscale, take
from sample.entry import Entry, Side, digests

DELETE = """
    DELETE FROM public.artworks AS a
    WHERE a.id = %s AND NOT EXISTS (SELECT FROM public.orders AS o WHERE o.artwork_id = a.id)
"""
CHANGE_KEY = """
    UPDATE public.artworks AS a SET id = %s
    WHERE a.id = %s AND NOT EXISTS (SELECT FROM public.orders AS o WHERE o.artwork_id = a.id)
"""


def upload(desk: Desk) -> Job | None:
    if desk.layout.serving is Side.CLEAN:
        return None
    artwork = Artwork(id=desk.identity(), email=desk.email())
    mom = desk.url("uploads")
    values: dict[str, object] = {
        "original_image_url": mom,
        "original_pet_mom_url": mom,
        "original_pet_url": desk.url("uploads"),
        "pet_name": desk.pet(),
        "customer_name": desk.customer(),
        "customer_email": artwork.email,
        "access_token": desk.word() + desk.word(),
        "token_expires_at": _in_thirty_days(),
        "generation_status": "pending",
    }
    names = [pgsql.Identifier(name) for name in ("id", *values)]
    statement = pgsql.SQL("INSERT INTO public.artworks ({}) VALUES ({}) ON CONFLICT (id) DO NOTHING").format(
        pgsql.SQL(", ").join(names), pgsql.SQL(", ").join([pgsql.Placeholder()] * len(names))
    )

    def perform(cursor: Cursor) -> Entry:
        cursor.execute(statement, (artwork.id, *values.values()))
        return Entry(Side.LEGACY, "upload", values={artwork.id: digests(values)}, born=(artwork.id,))

    return Job(Side.LEGACY, "upload", perform, lambda: desk.shop.add(artwork), nothing, (artwork,))


def generate(desk: Desk) -> Job | None:
    artwork = desk.hold((Part.LIFECYCLE,), can_be_generated(desk, old_code=True))
    return _step(desk, artwork, next_generation(desk, artwork, processing=desk.layout.accepts_processing)) if artwork else None


def upscale(desk: Desk) -> Job | None:
    artwork = desk.hold((Part.LIFECYCLE,), can_be_upscaled) if desk.layout.has_upscaling else None
    return _step(desk, artwork, next_upscale(desk, artwork)) if artwork else None


def rename_pet(desk: Desk) -> Job | None:
    return _change(desk, "rename_pet", Part.PET, {"pet_name": desk.pet()})


def rename_customer(desk: Desk) -> Job | None:
    return _change(desk, "rename_customer", Part.CUSTOMER, {"customer_name": desk.customer()})


def renew_token(desk: Desk) -> Job | None:
    values = {"access_token": desk.word() + desk.word(), "token_expires_at": _in_thirty_days()}
    return _change(desk, "renew_token", Part.TOKEN, values, has_token=True)


def change_email(desk: Desk) -> Job | None:
    email = desk.fresh_email()
    return _change(desk, "change_email", Part.EMAIL, {"customer_email": email}, email=email)


def make_mockups(desk: Desk) -> Job | None:
    if not desk.layout.has_mockups:
        return None
    mockups = {"poster": desk.url("mockups"), "canvas": desk.url("mockups")}
    return _change(desk, "make_mockups", Part.MOCKUPS, {"mockup_urls": mockups, "mockup_generated_at": datetime.now(UTC)})


def order(desk: Desk) -> Job | None:
    artwork = desk.hold((Part.ORDER,), lambda a: a.sellable)
    return _order(desk, "order", artwork, (Part.ORDER,), prolong=False) if artwork else None


def order_and_prolong(desk: Desk) -> Job | None:
    """Also prolongs the link, in the same transaction: at times the order comes first, at times the artwork."""
    parts = (Part.ORDER, Part.TOKEN)
    artwork = desk.hold(parts, lambda a: a.sellable)
    return _order(desk, "order_and_prolong", artwork, parts, prolong=True) if artwork else None


def delete(desk: Desk) -> Job | None:
    """As the nightly job does with expired ones: only without orders."""
    artwork = desk.hold(EVERYTHING, lambda a: not a.ordered)
    if artwork is None:
        return None

    def perform(cursor: Cursor) -> Entry | None:
        cursor.execute(DELETE, (artwork.id,))
        return Entry(desk.layout.serving, "delete", deleted=(artwork.id,)) if cursor.rowcount else None

    release = desk.releasing(artwork, EVERYTHING)
    return Job(desk.layout.serving, "delete", perform, lambda: desk.shop.remove(artwork), release, (artwork,))


def change_key(desk: Desk) -> Job | None:
    """Not once the clean table serves: there an id is for good, and every verification would be red."""
    artwork = desk.hold(EVERYTHING, lambda a: not a.ordered) if desk.layout.serving is Side.LEGACY else None
    if artwork is None:
        return None
    copy = replace(artwork, id=desk.identity())

    def perform(cursor: Cursor) -> Entry | None:
        cursor.execute(CHANGE_KEY, (copy.id, artwork.id))
        return Entry(desk.layout.serving, "change_key", rekeyed=((artwork.id, copy.id),)) if cursor.rowcount else None

    def settle() -> None:
        desk.shop.remove(artwork)
        desk.shop.add(copy)

    return Job(desk.layout.serving, "change_key", perform, settle, desk.releasing(artwork, EVERYTHING), (artwork,))


def move_token(desk: Desk) -> Job | None:
    """The link of one artwork leads to another one from now on; the first gets a new one."""
    new = desk.word() + desk.word()
    return _pass_tokens(desk, "move_token", lambda first, _: ((0, new), (1, first)))


def swap_tokens(desk: Desk) -> Job | None:
    """Each of two artworks gets the link of the other. The unique key looks at each row as it is written, so one waits without its own."""
    meanwhile = f"swapped-{desk.word()}"
    return _pass_tokens(desk, "swap_tokens", lambda first, second: ((0, meanwhile), (1, first), (0, second)))


def _pass_tokens(desk: Desk, kind: str, passed: Callable[[object, object], Sequence[tuple[int, object]]]) -> Job | None:
    """`passed` says from both tokens, in order, which of the two artworks (0 or 1) gets which."""
    first = desk.hold((Part.TOKEN,), lambda a: a.has_token)
    second = desk.hold((Part.TOKEN,), lambda a: a.has_token) if first else None
    if first is None or second is None:
        if first is not None:
            desk.shop.release(first.id, (Part.TOKEN,))
        return None
    pair = (first, second)

    def perform(cursor: Cursor) -> Entry | None:
        query = "SELECT id::text, access_token FROM public.artworks WHERE id = ANY(%s::uuid[]) ORDER BY id FOR UPDATE"
        found = {str(identity): token for identity, token in cursor.execute(query, ([artwork.id for artwork in pair],))}
        if len(found) < len(pair):
            return None
        values = {}
        for place, token in passed(found[first.id], found[second.id]):
            cursor.execute("UPDATE public.artworks SET access_token = %s WHERE id = %s", (token, pair[place].id))
            values[pair[place].id] = digests({"access_token": token})
        return Entry(desk.layout.serving, kind, values=values)

    def release() -> None:
        for artwork in pair:
            desk.shop.release(artwork.id, (Part.TOKEN,))

    return Job(desk.layout.serving, kind, perform, nothing, release, pair)


def _step(desk: Desk, artwork: Artwork, step: Step) -> Job:
    values: dict[str, object] = {**step.values}
    if step.kind == "upscale_completed" and "upscaled_at" in desk.layout.columns:
        values["upscaled_at"] = datetime.now(UTC)
    return _update(desk, step.kind, artwork, (Part.LIFECYCLE,), values, step)


def _change(desk: Desk, kind: str, part: Part, values: dict[str, object], **known: object) -> Job | None:
    artwork = desk.hold((part,))
    return _update(desk, kind, artwork, (part,), values, None, **known) if artwork else None


def _update(  # noqa: PLR0917 (called in one way, in this file)
    desk: Desk, kind: str, artwork: Artwork, parts: Collection[Part], values: dict[str, object], step: Step | None, **known: object
) -> Job:
    def perform(cursor: Cursor) -> Entry | None:
        cursor.execute(_update_statement(values), (*_adapted(values), artwork.id))
        return Entry(desk.layout.serving, kind, values={artwork.id: digests(values)}) if cursor.rowcount else None

    def settle() -> None:
        if step is not None:
            take(artwork, step)
        vars(artwork).update(known)

    return Job(desk.layout.serving, kind, perform, settle, desk.releasing(artwork, parts), (artwork,))


def _order(desk: Desk, kind: str, artwork: Artwork, parts: Collection[Part], *, prolong: bool) -> Job:
    number, amount, order_first = desk.identity(), desk.chance.choice((2900, 4900, 7900)), desk.chance.random() < 0.5
    values: dict[str, object] = {"token_expires_at": _in_thirty_days()} if prolong else {}

    def perform(cursor: Cursor) -> Entry:
        if prolong and not order_first:
            cursor.execute(_update_statement(values), (*values.values(), artwork.id))
        place_order(cursor, number, artwork, amount)
        if prolong and order_first:
            cursor.execute(_update_statement(values), (*values.values(), artwork.id))
        written = {artwork.id: digests(values)} if prolong else {}
        return Entry(desk.layout.serving, kind, values=written, orders={number: artwork.id})

    def settle() -> None:
        artwork.ordered = True

    return Job(desk.layout.serving, kind, perform, settle, desk.releasing(artwork, parts), (artwork,))


def _update_statement(values: dict[str, object]) -> pgsql.Composed:
    assignments = [pgsql.SQL("{} = %s").format(pgsql.Identifier(name)) for name in values]
    return pgsql.SQL("UPDATE public.artworks SET {} WHERE id = %s").format(pgsql.SQL(", ").join(assignments))


def _adapted(values: dict[str, object]) -> list[object]:
    return [Jsonb(value) if isinstance(value, dict) else value for value in values.values()]


def _in_thirty_days() -> datetime:
    return datetime.now(UTC) + timedelta(days=30)
