"""What the application finds in the database at this moment; a migration changes it under way."""

from dataclasses import dataclass

import psycopg

from sample.entry import Side

LEGACY_COLUMNS = """
    SELECT a.attname
    FROM pg_attribute AS a
    WHERE a.attrelid = to_regclass(%s) AND a.attnum > 0 AND NOT a.attisdropped
"""
ACCEPTS_PROCESSING = """
    SELECT NOT EXISTS (
        SELECT
        FROM pg_constraint AS c
        WHERE
            c.conrelid = to_regclass('public.artworks')
            AND c.contype = 'c'
            AND pg_get_constraintdef(c.oid) LIKE '%generation_status%'
            AND pg_get_constraintdef(c.oid) NOT LIKE '%processing%'
    )
"""
CLEAN_SIDE = """
    SELECT
        to_regprocedure('public.create_artwork(text,text,text,text,text)') IS NOT NULL
        AND to_regclass('public.artworks_v2') IS NOT NULL
"""


@dataclass(frozen=True)
class Layout:
    """`columns` are those of the legacy table; empty once `artworks` is the clean one."""

    columns: frozenset[str]
    accepts_processing: bool
    knows_anonymous_users: bool
    clean: bool

    @property
    def sides(self) -> tuple[Side, ...]:
        found = ((Side.LEGACY, bool(self.columns)), (Side.CLEAN, self.clean))
        return tuple(side for side, there in found if there)

    @property
    def has_users(self) -> bool:
        """A shop whose artworks have no owner has no accounts, even if a migration has brought a table for them."""
        return "user_id" in self.columns

    @property
    def has_upscaling(self) -> bool:
        return "upscale_status" in self.columns

    @property
    def has_mockups(self) -> bool:
        return "mockup_urls" in self.columns


def read_layout(connection: psycopg.Connection) -> Layout:
    columns = _columns(connection, "public.artworks")
    processing = connection.execute(ACCEPTS_PROCESSING).fetchone()
    clean = connection.execute(CLEAN_SIDE).fetchone()
    return Layout(
        columns=columns if "original_image_url" in columns else frozenset(),
        accepts_processing=bool(processing and processing[0]),
        knows_anonymous_users="is_anonymous" in _columns(connection, "public.users"),
        clean=bool(clean and clean[0]),
    )


def _columns(connection: psycopg.Connection, table: str) -> frozenset[str]:
    return frozenset(name for (name,) in connection.execute(LEGACY_COLUMNS, (table,)))
