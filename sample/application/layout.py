"""The layout of the tables, which a migration changes while the application runs."""

from dataclasses import dataclass

import psycopg

from sample.journal_entry import Side

LAYOUT = """
    SELECT
        (
            SELECT array_agg(a.attname::text)
            FROM pg_attribute AS a
            WHERE a.attrelid = to_regclass('public.artworks') AND a.attnum > 0 AND NOT a.attisdropped
        ),
        NOT EXISTS (
            SELECT
            FROM pg_constraint AS c
            WHERE
                c.conrelid = to_regclass('public.artworks')
                AND c.contype = 'c'
                AND pg_get_constraintdef(c.oid) LIKE '%generation_status%'
                AND pg_get_constraintdef(c.oid) NOT LIKE '%processing%'
        ),
        EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = to_regclass('public.users') AND a.attname = 'is_anonymous'),
        CASE
            WHEN to_regprocedure('public.create_artwork(text,text,text,text,text)') IS NULL THEN NULL
            WHEN to_regclass('public.artworks_v2') IS NULL THEN 'artworks'
            ELSE 'artworks_v2'
        END
"""


@dataclass(frozen=True)
class Layout:
    """The layout that one transaction sees: the columns of `artworks`, and the name that reaches the clean table (None: there is none)."""

    columns: frozenset[str]
    accepts_processing: bool
    knows_anonymous_users: bool
    clean_name: str | None

    @property
    def serving(self) -> Side:
        """The table that has the name `artworks`."""
        return Side.LEGACY if "original_image_url" in self.columns else Side.CLEAN

    @property
    def has_owners(self) -> bool:
        return "user_id" in self.columns

    @property
    def has_upscaling(self) -> bool:
        return "upscale_status" in self.columns

    @property
    def has_mockups(self) -> bool:
        return "mockup_urls" in self.columns


def read_layout(cursor: psycopg.Cursor[tuple[object, ...]]) -> Layout:
    """Read the layout. It stays valid while the transaction holds a lock on `artworks`."""
    row = cursor.execute(LAYOUT).fetchone()
    assert row is not None
    columns, accepts_processing, knows_anonymous_users, clean_name = row
    assert isinstance(columns, list)
    return Layout(frozenset(columns), bool(accepts_processing), bool(knows_anonymous_users), str(clean_name) if clean_name else None)
