"""The new code of the product: the life cycle by the functions of the clean schema, all else by statements on the clean table.

Its name is `artworks_v2`, which is a view after the switch, and `artworks` once that view is dropped. A row may be missing there or be
behind. A write that finds no row does not count, and a life cycle continues only from the state that this process knows. Row locks are
taken on the clean table first, as the migration does: an order follows the update of its artwork.
"""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from psycopg import sql as pgsql
from psycopg.types.json import Jsonb

from sample.application.job import Context, Cursor, Job, nothing
from sample.application.orders import place_order
from sample.application.shop import EVERYTHING, Artwork, Part
from sample.application.steps import Step, apply_step, can_be_generated, can_be_upscaled, next_generation, next_upscale
from sample.journal_entry import JournalEntry, Side, digests

CREATE = """
    SELECT (created.artwork).id::text, created.access_token
    FROM public.create_artwork(
        customer_name => %s, customer_email => %s, pet_name => %s, pet_mom_image_url => %s, pet_image_url => %s
    ) AS created
"""
UPDATE_LIFECYCLE = "SELECT id FROM public.update_artwork_lifecycle(%s, %s)"
STATE = pgsql.SQL("SELECT generation_status, upscale_status FROM {} WHERE id = %s")
DELETE = pgsql.SQL("DELETE FROM {} WHERE id = %s")
UPDATE = pgsql.SQL("UPDATE {} SET {} WHERE id = %s")
WAITING = frozenset({"none", "not_started", "pending"})


def create(context: Context) -> Job:
    values: dict[str, object] = {
        "customer_name": context.customer(),
        "customer_email": context.email(),
        "pet_name": context.pet(),
        "original_pet_mom_url": context.url("uploads"),
        "original_pet_url": context.url("uploads"),
    }
    artwork = Artwork(id="", email=str(values["customer_email"]), origin=Side.CLEAN)

    def perform(cursor: Cursor) -> JournalEntry:
        row = cursor.execute(CREATE, tuple(values.values())).fetchone()
        assert row is not None
        artwork.id = str(row[0])
        written = {**values, "access_token": row[1], "generation_status": "pending", "upscale_status": "not_started"}
        return JournalEntry(Side.CLEAN, "create", values={artwork.id: digests(written)}, created=(artwork.id,))

    return Job(Side.CLEAN, "create", perform, lambda: context.shop.add(artwork), nothing, (artwork,))


def generate(context: Context) -> Job | None:
    artwork = context.hold((Part.LIFECYCLE,), can_be_generated(context, old_code=False))
    return _step(context, artwork, next_generation(context, artwork, processing=True)) if artwork else None


def upscale(context: Context) -> Job | None:
    artwork = context.hold((Part.LIFECYCLE,), can_be_upscaled)
    return _step(context, artwork, next_upscale(context, artwork)) if artwork else None


def rename_pet(context: Context) -> Job | None:
    return _change(context, "rename_pet", Part.PET, {"pet_name": context.pet()})


def rename_customer(context: Context) -> Job | None:
    return _change(context, "rename_customer", Part.CUSTOMER, {"customer_name": context.customer()})


def change_email(context: Context) -> Job | None:
    email = context.fresh_email()
    return _change(context, "change_email", Part.EMAIL, {"customer_email": email}, email=email)


def renew_token(context: Context) -> Job | None:
    values = {"access_token": context.word() + context.word(), "token_expires_at": _in_thirty_days()}
    return _change(context, "renew_token", Part.TOKEN, values, has_token=True)


def order(context: Context) -> Job | None:
    artwork = context.hold((Part.ORDER,), lambda a: a.sellable)
    return _order(context, "order", artwork, (Part.ORDER,), prolong=False) if artwork else None


def order_and_prolong(context: Context) -> Job | None:
    parts = (Part.ORDER, Part.TOKEN)
    artwork = context.hold(parts, lambda a: a.sellable)
    return _order(context, "order_and_prolong", artwork, parts, prolong=True) if artwork else None


def delete(context: Context) -> Job | None:
    """Delete an artwork; a worker that is not careful does so even if it has an order, or while it gets one.

    `artworks_v2` refuses the delete (23001) or the order (23503); `artworks` would delete the order as well.
    """
    careful = context.careful or context.layout.clean_name == "artworks"
    parts = EVERYTHING if careful else EVERYTHING - {Part.ORDER}
    dares = not careful and context.chance.random() < 0.3
    artwork = context.hold(parts, lambda a: dares or not a.ordered)
    if artwork is None:
        return None

    def perform(cursor: Cursor) -> JournalEntry | None:
        cursor.execute(DELETE.format(_clean_table(context)), (artwork.id,))
        return JournalEntry(Side.CLEAN, "delete", deleted=(artwork.id,)) if cursor.rowcount else None

    return Job(Side.CLEAN, "delete", perform, lambda: context.shop.remove(artwork), context.releasing(artwork, parts), (artwork,))


def _step(context: Context, artwork: Artwork, step: Step) -> Job:
    values: dict[str, object] = {**step.values}
    if step.kind == "processing":
        values |= {"fal_request_id": f"fal_{context.word()}", "generation_params": {"seed": context.word(), "steps": 30}}

    def perform(cursor: Cursor) -> JournalEntry | None:
        if not _is_up_to_date(artwork, cursor.execute(STATE.format(_clean_table(context)), (artwork.id,)).fetchone()):
            return None
        cursor.execute(UPDATE_LIFECYCLE, (artwork.id, Jsonb(values)))
        return JournalEntry(Side.CLEAN, step.kind, values={artwork.id: digests(values)}) if cursor.fetchone() else None

    return Job(Side.CLEAN, step.kind, perform, lambda: apply_step(artwork, step), context.releasing(artwork, (Part.LIFECYCLE,)), (artwork,))


def _is_up_to_date(artwork: Artwork, row: tuple[object, ...] | None) -> bool:
    if row is None or row[0] != artwork.generation:
        return False
    return row[1] == artwork.upscale or (row[1] in WAITING and artwork.upscale in WAITING)


def _change(context: Context, kind: str, part: Part, values: dict[str, object], **changes: object) -> Job | None:
    artwork = context.hold((part,))
    if artwork is None:
        return None

    def perform(cursor: Cursor) -> JournalEntry | None:
        return _update(context, cursor, kind, artwork, values)

    release = context.releasing(artwork, (part,))
    return Job(Side.CLEAN, kind, perform, lambda: vars(artwork).update(changes), release, (artwork,))


def _order(context: Context, kind: str, artwork: Artwork, parts: Collection[Part], *, prolong: bool) -> Job:
    number, amount = context.identity(), context.chance.choice((2900, 4900, 7900))
    values: dict[str, object] = {"token_expires_at": _in_thirty_days()} if prolong else {}

    def perform(cursor: Cursor) -> JournalEntry | None:
        written = {}
        if prolong:
            if _update(context, cursor, kind, artwork, values) is None:
                return None
            written = {artwork.id: digests(values)}
        place_order(cursor, number, artwork, amount)
        return JournalEntry(Side.CLEAN, kind, values=written, orders={number: artwork.id})

    def after_commit() -> None:
        artwork.ordered = True

    return Job(Side.CLEAN, kind, perform, after_commit, context.releasing(artwork, parts), (artwork,))


def _update(context: Context, cursor: Cursor, kind: str, artwork: Artwork, values: dict[str, object]) -> JournalEntry | None:
    assignments = [pgsql.SQL("{} = %s").format(pgsql.Identifier(name)) for name in values]
    cursor.execute(UPDATE.format(_clean_table(context), pgsql.SQL(", ").join(assignments)), (*values.values(), artwork.id))
    return JournalEntry(Side.CLEAN, kind, values={artwork.id: digests(values)}) if cursor.rowcount else None


def _clean_table(context: Context) -> pgsql.Identifier:
    assert context.layout.clean_name is not None
    return pgsql.Identifier("public", context.layout.clean_name)


def _in_thirty_days() -> datetime:
    return datetime.now(UTC) + timedelta(days=30)
