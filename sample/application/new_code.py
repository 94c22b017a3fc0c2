"""What the product does once it has been deployed anew: the life cycle through the clean side's functions, the rest on the clean
table: as `artworks_v2`, a view after a switch, and as `artworks` once that view is gone.

An artwork's row may not have arrived there yet, or be behind: a write that meets no row is not one, and the life cycle goes on here
only from the state this process knows. Row locks go from the clean table to the others, as the migration's own do: an order comes
after the artwork's update.
"""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from psycopg import sql as pgsql
from psycopg.types.json import Jsonb

from sample.application.job import Cursor, Desk, Job, nothing
from sample.application.orders import place_order
from sample.application.shop import EVERYTHING, Artwork, Part
from sample.application.steps import Step, can_be_generated, can_be_upscaled, next_generation, next_upscale, take
from sample.entry import Entry, Side, digests

CREATE = """
    SELECT (made.artwork).id::text, made.access_token
    FROM public.create_artwork(
        customer_name => %s, customer_email => %s, pet_name => %s, pet_mom_image_url => %s, pet_image_url => %s
    ) AS made
"""
UPDATE_LIFECYCLE = "SELECT id FROM public.update_artwork_lifecycle(%s, %s)"
STATE = pgsql.SQL("SELECT generation_status, upscale_status FROM {} WHERE id = %s")
DELETE = pgsql.SQL("DELETE FROM {} WHERE id = %s")
UPDATE = pgsql.SQL("UPDATE {} SET {} WHERE id = %s")
WAITING = frozenset({"none", "not_started", "pending"})


def create(desk: Desk) -> Job:
    values: dict[str, object] = {
        "customer_name": desk.customer(),
        "customer_email": desk.email(),
        "pet_name": desk.pet(),
        "original_pet_mom_url": desk.url("uploads"),
        "original_pet_url": desk.url("uploads"),
    }
    artwork = Artwork(id="", email=str(values["customer_email"]), born=Side.CLEAN)

    def perform(cursor: Cursor) -> Entry:
        row = cursor.execute(CREATE, tuple(values.values())).fetchone()
        assert row is not None
        artwork.id = str(row[0])
        written = {**values, "access_token": row[1], "generation_status": "pending", "upscale_status": "not_started"}
        return Entry(Side.CLEAN, "create", values={artwork.id: digests(written)}, born=(artwork.id,))

    return Job(Side.CLEAN, "create", perform, lambda: desk.shop.add(artwork), nothing, (artwork,))


def generate(desk: Desk) -> Job | None:
    artwork = desk.hold((Part.LIFECYCLE,), can_be_generated(desk, old_code=False))
    return _step(desk, artwork, next_generation(desk, artwork, processing=True)) if artwork else None


def upscale(desk: Desk) -> Job | None:
    artwork = desk.hold((Part.LIFECYCLE,), can_be_upscaled)
    return _step(desk, artwork, next_upscale(desk, artwork)) if artwork else None


def rename_pet(desk: Desk) -> Job | None:
    return _change(desk, "rename_pet", Part.PET, {"pet_name": desk.pet()})


def rename_customer(desk: Desk) -> Job | None:
    return _change(desk, "rename_customer", Part.CUSTOMER, {"customer_name": desk.customer()})


def change_email(desk: Desk) -> Job | None:
    email = desk.fresh_email()
    return _change(desk, "change_email", Part.EMAIL, {"customer_email": email}, email=email)


def renew_token(desk: Desk) -> Job | None:
    values = {"access_token": desk.word() + desk.word(), "token_expires_at": _in_thirty_days()}
    return _change(desk, "renew_token", Part.TOKEN, values, has_token=True)


def order(desk: Desk) -> Job | None:
    artwork = desk.hold((Part.ORDER,), lambda a: a.sellable)
    return _order(desk, "order", artwork, (Part.ORDER,), prolong=False) if artwork else None


def order_and_prolong(desk: Desk) -> Job | None:
    parts = (Part.ORDER, Part.TOKEN)
    artwork = desk.hold(parts, lambda a: a.sellable)
    return _order(desk, "order_and_prolong", artwork, parts, prolong=True) if artwork else None


def delete(desk: Desk) -> Job | None:
    """If it is not careful: without looking for orders, and while one may be on its way. `artworks_v2` refuses one of the two (23001 here,
    23503 there); `artworks` would take the order along.
    """
    careful = desk.careful or desk.layout.clean_name == "artworks"
    parts = EVERYTHING if careful else EVERYTHING - {Part.ORDER}
    dares = not careful and desk.chance.random() < 0.3
    artwork = desk.hold(parts, lambda a: dares or not a.ordered)
    if artwork is None:
        return None

    def perform(cursor: Cursor) -> Entry | None:
        cursor.execute(DELETE.format(_clean_table(desk)), (artwork.id,))
        return Entry(Side.CLEAN, "delete", deleted=(artwork.id,)) if cursor.rowcount else None

    return Job(Side.CLEAN, "delete", perform, lambda: desk.shop.remove(artwork), desk.releasing(artwork, parts), (artwork,))


def _step(desk: Desk, artwork: Artwork, step: Step) -> Job:
    values: dict[str, object] = {**step.values}
    if step.kind == "processing":
        values |= {"fal_request_id": f"fal_{desk.word()}", "generation_params": {"seed": desk.word(), "steps": 30}}

    def perform(cursor: Cursor) -> Entry | None:
        if not _is_up_to_date(artwork, cursor.execute(STATE.format(_clean_table(desk)), (artwork.id,)).fetchone()):
            return None
        cursor.execute(UPDATE_LIFECYCLE, (artwork.id, Jsonb(values)))
        return Entry(Side.CLEAN, step.kind, values={artwork.id: digests(values)}) if cursor.fetchone() else None

    return Job(Side.CLEAN, step.kind, perform, lambda: take(artwork, step), desk.releasing(artwork, (Part.LIFECYCLE,)), (artwork,))


def _is_up_to_date(artwork: Artwork, row: tuple[object, ...] | None) -> bool:
    if row is None or row[0] != artwork.generation:
        return False
    return row[1] == artwork.upscale or (row[1] in WAITING and artwork.upscale in WAITING)


def _change(desk: Desk, kind: str, part: Part, values: dict[str, object], **known: object) -> Job | None:
    artwork = desk.hold((part,))
    if artwork is None:
        return None

    def perform(cursor: Cursor) -> Entry | None:
        return _update(desk, cursor, kind, artwork, values)

    release = desk.releasing(artwork, (part,))
    return Job(Side.CLEAN, kind, perform, lambda: vars(artwork).update(known), release, (artwork,))


def _order(desk: Desk, kind: str, artwork: Artwork, parts: Collection[Part], *, prolong: bool) -> Job:
    number, amount = desk.identity(), desk.chance.choice((2900, 4900, 7900))
    values: dict[str, object] = {"token_expires_at": _in_thirty_days()} if prolong else {}

    def perform(cursor: Cursor) -> Entry | None:
        written = {}
        if prolong:
            if _update(desk, cursor, kind, artwork, values) is None:
                return None
            written = {artwork.id: digests(values)}
        place_order(cursor, number, artwork, amount)
        return Entry(Side.CLEAN, kind, values=written, orders={number: artwork.id})

    def settle() -> None:
        artwork.ordered = True

    return Job(Side.CLEAN, kind, perform, settle, desk.releasing(artwork, parts), (artwork,))


def _update(desk: Desk, cursor: Cursor, kind: str, artwork: Artwork, values: dict[str, object]) -> Entry | None:
    assignments = [pgsql.SQL("{} = %s").format(pgsql.Identifier(name)) for name in values]
    cursor.execute(UPDATE.format(_clean_table(desk), pgsql.SQL(", ").join(assignments)), (*values.values(), artwork.id))
    return Entry(Side.CLEAN, kind, values={artwork.id: digests(values)}) if cursor.rowcount else None


def _clean_table(desk: Desk) -> pgsql.Identifier:
    assert desk.layout.clean_name is not None
    return pgsql.Identifier("public", desk.layout.clean_name)


def _in_thirty_days() -> datetime:
    return datetime.now(UTC) + timedelta(days=30)
