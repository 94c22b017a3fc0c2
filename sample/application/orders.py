"""Orders and accounts: a migration does not change these tables, so both versions of the code write them in the same way."""

from sample.application.job import Context, Cursor, Job
from sample.application.shop import Artwork
from sample.journal_entry import JournalEntry, Side

INSERT_ORDER = """
    INSERT INTO public.orders (id, artwork_id, stripe_session_id, amount_cents, status)
    VALUES (%s, %s, %s, %s, 'paid')
    ON CONFLICT (id) DO NOTHING
"""
INSERT_HISTORY = "INSERT INTO public.order_status_history (order_id, status) VALUES (%s, 'pending'), (%s, 'paid')"
SIGN_UP = "INSERT INTO public.users (email) VALUES (%s) ON CONFLICT (email) DO UPDATE SET updated_at = now() RETURNING id::text"
SIGN_UP_REGISTERED = """
    INSERT INTO public.users (email, is_anonymous)
    VALUES (%s, false)
    ON CONFLICT (email) DO UPDATE SET updated_at = now(), is_anonymous = false
    RETURNING id::text
"""
DELETE_USER = "DELETE FROM public.users WHERE id = %s"


def place_order(cursor: Cursor, order: str, artwork: Artwork, amount_cents: int) -> None:
    """Insert an order and its history, unless an earlier attempt has inserted it."""
    cursor.execute(INSERT_ORDER, (order, artwork.id, f"cs_{order}", amount_cents))
    if cursor.rowcount:
        cursor.execute(INSERT_HISTORY, (order, order))


def sign_up(context: Context) -> Job | None:
    """Sign up a customer. An existing e-mail keeps its user, even an anonymous one that a migration has created."""
    email = context.email()
    if not context.shop.has_accounts or not context.shop.hold_account(email):
        return None
    user: list[str] = []

    def perform(cursor: Cursor) -> JournalEntry:
        row = cursor.execute(SIGN_UP_REGISTERED if context.layout.knows_anonymous_users else SIGN_UP, (email,)).fetchone()
        assert row is not None
        user[:] = [str(row[0])]
        return JournalEntry(Side.LEGACY, "sign_up", users=tuple(user))

    return Job(
        Side.LEGACY, "sign_up", perform, lambda: context.shop.open_account(email, user[0]), lambda: context.shop.release_account(email)
    )


def delete_user(context: Context) -> Job | None:
    """Delete a customer's account."""
    account = context.shop.pick_account(context.chance) if context.shop.has_accounts else None
    if account is None:
        return None
    email, user = account

    def perform(cursor: Cursor) -> JournalEntry | None:
        cursor.execute(DELETE_USER, (user,))
        return JournalEntry(Side.LEGACY, "delete_user", deleted_users=(user,)) if cursor.rowcount else None

    return Job(Side.LEGACY, "delete_user", perform, lambda: context.shop.close_account(email), lambda: context.shop.release_account(email))
