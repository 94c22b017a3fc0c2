"""The old code of the product: statements on the table that has the name `artworks`.

After a switch that is the clean table. This code is not redeployed: it continues wherever it names columns that both tables have.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from psycopg import sql as pgsql
from psycopg.types.json import Jsonb

from sample.application.job import Context, Cursor, Job, nothing
from sample.application.orders import place_order
from sample.application.shop import EVERYTHING, Artwork, Part
from sample.application.steps import Step, apply_step, can_be_generated, can_be_upscaled, next_generation, next_upscale
from sample.journal_entry import JournalEntry, Side, digests

DELETE = """
    DELETE FROM public.artworks AS a
    WHERE a.id = %s AND NOT EXISTS (SELECT FROM public.orders AS o WHERE o.artwork_id = a.id)
"""
CHANGE_KEY = """
    UPDATE public.artworks AS a SET id = %s
    WHERE a.id = %s AND NOT EXISTS (SELECT FROM public.orders AS o WHERE o.artwork_id = a.id)
"""


def upload(context: Context) -> Job | None:
    if context.layout.serving is Side.CLEAN:
        return None
    artwork = Artwork(id=context.identity(), email=context.email())
    mom = context.url("uploads")
    values: dict[str, object] = {
        "original_image_url": mom,
        "original_pet_mom_url": mom,
        "original_pet_url": context.url("uploads"),
        "pet_name": context.pet(),
        "customer_name": context.customer(),
        "customer_email": artwork.email,
        "access_token": context.word() + context.word(),
        "token_expires_at": _in_thirty_days(),
        "generation_status": "pending",
    }
    names = [pgsql.Identifier(name) for name in ("id", *values)]
    statement = pgsql.SQL("INSERT INTO public.artworks ({}) VALUES ({}) ON CONFLICT (id) DO NOTHING").format(
        pgsql.SQL(", ").join(names), pgsql.SQL(", ").join([pgsql.Placeholder()] * len(names))
    )

    def perform(cursor: Cursor) -> JournalEntry:
        cursor.execute(statement, (artwork.id, *values.values()))
        return JournalEntry(Side.LEGACY, "upload", values={artwork.id: digests(values)}, created=(artwork.id,))

    return Job(Side.LEGACY, "upload", perform, lambda: context.shop.add(artwork), nothing, (artwork,))


def generate(context: Context) -> Job | None:
    artwork = context.hold((Part.LIFECYCLE,), can_be_generated(context, old_code=True))
    return _step(context, artwork, next_generation(context, artwork, processing=context.layout.accepts_processing)) if artwork else None


def upscale(context: Context) -> Job | None:
    artwork = context.hold((Part.LIFECYCLE,), can_be_upscaled) if context.layout.has_upscaling else None
    return _step(context, artwork, next_upscale(context, artwork)) if artwork else None


def rename_pet(context: Context) -> Job | None:
    return _change(context, "rename_pet", Part.PET, {"pet_name": context.pet()})


def rename_customer(context: Context) -> Job | None:
    return _change(context, "rename_customer", Part.CUSTOMER, {"customer_name": context.customer()})


def renew_token(context: Context) -> Job | None:
    values = {"access_token": context.word() + context.word(), "token_expires_at": _in_thirty_days()}
    return _change(context, "renew_token", Part.TOKEN, values, has_token=True)


def change_email(context: Context) -> Job | None:
    email = context.fresh_email()
    return _change(context, "change_email", Part.EMAIL, {"customer_email": email}, email=email)


def make_mockups(context: Context) -> Job | None:
    if not context.layout.has_mockups:
        return None
    mockups = {"poster": context.url("mockups"), "canvas": context.url("mockups")}
    return _change(context, "make_mockups", Part.MOCKUPS, {"mockup_urls": mockups, "mockup_generated_at": datetime.now(UTC)})


def order(context: Context) -> Job | None:
    artwork = context.hold((Part.ORDER,), lambda a: a.sellable)
    return _order(context, "order", artwork, (Part.ORDER,), prolong=False) if artwork else None


def order_and_prolong(context: Context) -> Job | None:
    """Order, and extend the link in the same transaction; the order or the update comes first, at random."""
    parts = (Part.ORDER, Part.TOKEN)
    artwork = context.hold(parts, lambda a: a.sellable)
    return _order(context, "order_and_prolong", artwork, parts, prolong=True) if artwork else None


def delete(context: Context) -> Job | None:
    """Delete an artwork that has no order, as a nightly job does with expired ones."""
    artwork = context.hold(EVERYTHING, lambda a: not a.ordered)
    if artwork is None:
        return None

    def perform(cursor: Cursor) -> JournalEntry | None:
        cursor.execute(DELETE, (artwork.id,))
        return JournalEntry(context.layout.serving, "delete", deleted=(artwork.id,)) if cursor.rowcount else None

    release = context.releasing(artwork, EVERYTHING)
    return Job(context.layout.serving, "delete", perform, lambda: context.shop.remove(artwork), release, (artwork,))


def change_key(context: Context) -> Job | None:
    """Change an id; not once the clean table serves, where an id is permanent and every verification would be red."""
    artwork = context.hold(EVERYTHING, lambda a: not a.ordered) if context.layout.serving is Side.LEGACY else None
    if artwork is None:
        return None
    copy = replace(artwork, id=context.identity())

    def perform(cursor: Cursor) -> JournalEntry | None:
        cursor.execute(CHANGE_KEY, (copy.id, artwork.id))
        return JournalEntry(context.layout.serving, "change_key", key_changes=((artwork.id, copy.id),)) if cursor.rowcount else None

    def after_commit() -> None:
        context.shop.remove(artwork)
        context.shop.add(copy)

    return Job(context.layout.serving, "change_key", perform, after_commit, context.releasing(artwork, EVERYTHING), (artwork,))


def move_token(context: Context) -> Job | None:
    """Give the link of one artwork to another, and a new link to the first."""
    new = context.word() + context.word()
    return _exchange_tokens(context, "move_token", lambda first, _: ((0, new), (1, first)))


def swap_tokens(context: Context) -> Job | None:
    """Swap the links of two artworks. The unique key is checked row by row, so one of them has a temporary link in between."""
    temporary = f"swapped-{context.word()}"
    return _exchange_tokens(context, "swap_tokens", lambda first, second: ((0, temporary), (1, first), (0, second)))


def _exchange_tokens(context: Context, kind: str, updates: Callable[[object, object], Sequence[tuple[int, object]]]) -> Job | None:
    """Exchange tokens. `updates` gets both tokens and returns, in order, which artwork (0 or 1) gets which."""
    first = context.hold((Part.TOKEN,), lambda a: a.has_token)
    second = context.hold((Part.TOKEN,), lambda a: a.has_token) if first else None
    if first is None or second is None:
        if first is not None:
            context.shop.release(first.id, (Part.TOKEN,))
        return None
    pair = (first, second)

    def perform(cursor: Cursor) -> JournalEntry | None:
        query = "SELECT id::text, access_token FROM public.artworks WHERE id = ANY(%s::uuid[]) ORDER BY id FOR UPDATE"
        found = {str(identity): token for identity, token in cursor.execute(query, ([artwork.id for artwork in pair],))}
        if len(found) < len(pair):
            return None
        values = {}
        for place, token in updates(found[first.id], found[second.id]):
            cursor.execute("UPDATE public.artworks SET access_token = %s WHERE id = %s", (token, pair[place].id))
            values[pair[place].id] = digests({"access_token": token})
        return JournalEntry(context.layout.serving, kind, values=values)

    def release() -> None:
        for artwork in pair:
            context.shop.release(artwork.id, (Part.TOKEN,))

    return Job(context.layout.serving, kind, perform, nothing, release, pair)


def _step(context: Context, artwork: Artwork, step: Step) -> Job:
    values: dict[str, object] = {**step.values}
    if step.kind == "upscale_completed" and "upscaled_at" in context.layout.columns:
        values["upscaled_at"] = datetime.now(UTC)
    return _update(context, step.kind, artwork, (Part.LIFECYCLE,), values, step)


def _change(context: Context, kind: str, part: Part, values: dict[str, object], **changes: object) -> Job | None:
    artwork = context.hold((part,))
    return _update(context, kind, artwork, (part,), values, None, **changes) if artwork else None


def _update(  # noqa: PLR0917 (called in one way, in this file)
    context: Context, kind: str, artwork: Artwork, parts: Collection[Part], values: dict[str, object], step: Step | None, **changes: object
) -> Job:
    def perform(cursor: Cursor) -> JournalEntry | None:
        cursor.execute(_update_statement(values), (*_adapted(values), artwork.id))
        return JournalEntry(context.layout.serving, kind, values={artwork.id: digests(values)}) if cursor.rowcount else None

    def after_commit() -> None:
        if step is not None:
            apply_step(artwork, step)
        vars(artwork).update(changes)

    return Job(context.layout.serving, kind, perform, after_commit, context.releasing(artwork, parts), (artwork,))


def _order(context: Context, kind: str, artwork: Artwork, parts: Collection[Part], *, prolong: bool) -> Job:
    number, amount, order_first = context.identity(), context.chance.choice((2900, 4900, 7900)), context.chance.random() < 0.5
    values: dict[str, object] = {"token_expires_at": _in_thirty_days()} if prolong else {}

    def perform(cursor: Cursor) -> JournalEntry:
        if prolong and not order_first:
            cursor.execute(_update_statement(values), (*values.values(), artwork.id))
        place_order(cursor, number, artwork, amount)
        if prolong and order_first:
            cursor.execute(_update_statement(values), (*values.values(), artwork.id))
        written = {artwork.id: digests(values)} if prolong else {}
        return JournalEntry(context.layout.serving, kind, values=written, orders={number: artwork.id})

    def after_commit() -> None:
        artwork.ordered = True

    return Job(context.layout.serving, kind, perform, after_commit, context.releasing(artwork, parts), (artwork,))


def _update_statement(values: dict[str, object]) -> pgsql.Composed:
    assignments = [pgsql.SQL("{} = %s").format(pgsql.Identifier(name)) for name in values]
    return pgsql.SQL("UPDATE public.artworks SET {} WHERE id = %s").format(pgsql.SQL(", ").join(assignments))


def _adapted(values: dict[str, object]) -> list[object]:
    return [Jsonb(value) if isinstance(value, dict) else value for value in values.values()]


def _in_thirty_days() -> datetime:
    return datetime.now(UTC) + timedelta(days=30)
