"""Which table serves, and which ones can be written to, as a transaction finds it."""

from dataclasses import dataclass, replace
from typing import Any

from sample.journal import CLEAN_NAMES
from sample.journal_entry import Side

#: Columns that are written and judged, under the legacy table's names.
TEXTS = (
    "pet_name",
    "customer_name",
    "generated_image_url",
    "original_pet_mom_url",
    "original_pet_url",
    "upscaled_image_url",
)
JUDGED = (*TEXTS, "customer_email", "access_token", "generation_status")

# to_regclass reads the catalog of now, whatever the snapshot of the transaction.
_READ = """
SELECT
  TO_REGCLASS('public.artworks')::oid = %s,
  TO_REGCLASS('public.artworks_v2') IS NOT NULL,
  TO_REGPROC('public.create_artwork') IS NOT NULL
"""


@dataclass(frozen=True)
class Target:
    """A table that a statement names, and which columns it has."""

    name: str
    side: Side
    is_view: bool = False

    def column(self, name: str) -> str:
        """Return what the table calls a column."""
        return CLEAN_NAMES.get(name, name) if self.side is Side.CLEAN else name


@dataclass(frozen=True)
class Layout:
    """The names of one transaction. They stay true until its commit, because it holds a lock on `artworks`."""

    serving: Target
    second: Target | None
    has_functions: bool
    #: Whether the clean table follows the legacy one: until the switch.
    follows: bool

    def after_legacy(self) -> "Layout":
        """Return what is left for a transaction that has locked legacy rows and keeps to the order of the guide: the legacy table."""
        return replace(self, second=None, has_functions=False) if self.follows else self


def read_layout(cursor: Any, legacy: int) -> Layout:
    """Lock `artworks` as a reader does, and return the layout. `legacy` is the number of the legacy table."""
    cursor.execute("LOCK TABLE public.artworks IN ACCESS SHARE MODE")
    is_legacy, has_second, has_functions = cursor.execute(_READ, (legacy,)).fetchone()
    serving = Target("artworks", Side.LEGACY if is_legacy else Side.CLEAN)
    second = Target("artworks_v2", Side.CLEAN, is_view=not is_legacy) if has_second else None
    return Layout(serving, second, has_functions, follows=is_legacy and has_second)
