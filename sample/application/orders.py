"""Orders and accounts: tables that stay as they are, written in the same way before, during and after a migration."""

from sample.application.job import Cursor, Desk, Job
from sample.application.shop import Artwork
from sample.entry import Entry, Side

INSERT_ORDER = """
    INSERT INTO public.orders (id, artwork_id, stripe_session_id, amount_cents, status)
    VALUES (%s, %s, %s, %s, 'paid')
    ON CONFLICT (id) DO NOTHING
"""
INSERT_HISTORY = "INSERT INTO public.order_status_history (order_id, status) VALUES (%s, 'pending'), (%s, 'paid')"
SIGN_UP = "INSERT INTO public.users (email) VALUES (%s) ON CONFLICT (email) DO UPDATE SET updated_at = now() RETURNING id::text"
SIGN_UP_FOR_GOOD = """
    INSERT INTO public.users (email, is_anonymous)
    VALUES (%s, false)
    ON CONFLICT (email) DO UPDATE SET updated_at = now(), is_anonymous = false
    RETURNING id::text
"""
DELETE_USER = "DELETE FROM public.users WHERE id = %s"


def place_order(cursor: Cursor, order: str, artwork: Artwork, amount_cents: int) -> None:
    cursor.execute(INSERT_ORDER, (order, artwork.id, f"cs_{order}", amount_cents))
    if cursor.rowcount:
        cursor.execute(INSERT_HISTORY, (order, order))


def sign_up(desk: Desk) -> Job | None:
    """The same e-mail again, also one that a migration has made an anonymous user of, is the same user."""
    email = desk.email()
    if not desk.shop.keeps_accounts or not desk.shop.hold_account(email):
        return None
    user: list[str] = []

    def perform(cursor: Cursor) -> Entry:
        row = cursor.execute(SIGN_UP_FOR_GOOD if desk.layout.knows_anonymous_users else SIGN_UP, (email,)).fetchone()
        assert row is not None
        user[:] = [str(row[0])]
        return Entry(Side.LEGACY, "sign_up", users=tuple(user))

    return Job(Side.LEGACY, "sign_up", perform, lambda: desk.shop.open_account(email, user[0]), lambda: desk.shop.release_account(email))


def delete_user(desk: Desk) -> Job | None:
    account = desk.shop.pick_account(desk.chance) if desk.shop.keeps_accounts else None
    if account is None:
        return None
    email, user = account

    def perform(cursor: Cursor) -> Entry | None:
        cursor.execute(DELETE_USER, (user,))
        return Entry(Side.LEGACY, "delete_user", deleted_users=(user,)) if cursor.rowcount else None

    return Job(Side.LEGACY, "delete_user", perform, lambda: desk.shop.close_account(email), lambda: desk.shop.release_account(email))
