"""Where a legacy row must end, in plain Python: written from the tables of the rules, knowing none of the statements.

Times are text as the database writes them, because Python knows neither infinity nor years before Christ; `created_epoch` and
`updated_epoch` are the same ones in seconds, for comparing.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

Row = Mapping[str, Any]

#: A no-break space is no blank: a row that has nothing else for an e-mail has an e-mail.
BLANKS = " \t\r\n"
LONGEST_INDEXED = 2_600
GENERATION_STATUSES = {"pending", "processing", "completed", "failed"}
UPSCALE_STATUSES = {"not_required", "pending", "processing", "completed", "failed"}
SAME_NAME = (
    "id", "customer_name", "customer_email", "pet_name", "generated_image_url", "generation_status", "access_token", "token_expires_at",
    "created_at", "updated_at",
)  # fmt: skip
#: What only the clean table knows: nobody has told it yet.
CLEAN_ONLY = ("generation_started_at", "generation_completed_at", "upscale_started_at", "fal_request_id", "generation_params")


class Outcome(NamedTuple):
    """`match`, `excluded` or `quarantined`, and the reason."""

    verdict: str
    reason: str = ""


@dataclass(frozen=True)
class Surroundings:
    """What the rules look at beside the row itself."""

    now: Decimal
    users: Mapping[str, UUID] = field(default_factory=dict)
    referenced: Collection[UUID] = ()
    touched: Collection[UUID] = ()
    in_flight_seconds: int = 15 * 60


def outcomes(rows: Iterable[Row], around: Surroundings) -> dict[UUID, Outcome]:
    """Where each of all the rows of the table ends."""
    alone = {row["id"]: (row, _alone(row, around)) for row in rows}
    losers = _losers([row for row, outcome in alone.values() if outcome == Outcome("match")], around)
    return {
        identity: Outcome("quarantined", "duplicate_access_token") if identity in losers else outcome
        for identity, (_, outcome) in alone.items()
    }


def clean_row(row: Row, around: Surroundings) -> dict[str, Any]:
    """The clean row of a legacy row that is migrated."""
    return {
        **{name: row[name] for name in SAME_NAME},
        **dict.fromkeys(CLEAN_ONLY),
        "user_id": row.get("user_id") or around.users.get(row["customer_email"]),
        "pet_mom_image_url": _or_missing(row["original_pet_mom_url"]),
        "pet_image_url": _or_missing(row["original_pet_url"]),
        "upscaled_image_url": row.get("upscaled_image_url"),
        "upscale_completed_at": row.get("upscaled_at"),
        "upscale_status": _upscale_status(row, around),
    }


def blank(value: str | None) -> bool:
    """NULL, or nothing but blanks."""
    return value is None or not value.strip(BLANKS)


def too_long(value: str) -> bool:
    """More than an index takes."""
    return len(value.encode()) > LONGEST_INDEXED


def _alone(row: Row, around: Surroundings) -> Outcome:
    """Where it would end if no other row had its token."""
    disposition = _disposition(row, around)
    defect = _defect(row)
    if disposition != "eligible":
        return Outcome("excluded", disposition)
    return Outcome("quarantined", defect) if defect else Outcome("match")


def _disposition(row: Row, around: Surroundings) -> str:  # noqa: PLR0911 (the rules in their order, one a line)
    if row["id"] in around.touched:
        return "eligible"
    if (row["original_image_url"] or "").startswith("test-"):
        return "test_data"
    if blank(row["customer_email"]):
        return "no_email"
    if blank(row["access_token"]):
        return "no_access_token"
    if row["id"] in around.referenced or row["generation_status"] == "completed":
        return "eligible"
    if row["generation_status"] in ("pending", "processing"):
        return "in_flight" if _in_flight(row, around) else "abandoned"
    return "not_completed"


def _in_flight(row: Row, around: Surroundings) -> bool:
    last = row["updated_epoch"] if row["updated_epoch"] is not None else row["created_epoch"]
    return last is not None and last > around.now - around.in_flight_seconds


def _defect(row: Row) -> str | None:
    """Why the clean table could not take the row: it insists on e-mail, token and both times, indexes the first two, knows its statuses."""
    if row["customer_email"] is None:
        return "no_email"
    if row["access_token"] is None:
        return "no_access_token"
    if too_long(row["customer_email"]) or too_long(row["access_token"]):
        return "too_long_to_index"
    if missing := [name for name in ("created_at", "updated_at") if row[name] is None]:
        return f"no_{missing[0]}"
    upscale = row.get("upscale_status")
    if row["generation_status"] not in GENERATION_STATUSES or (upscale is not None and upscale not in UPSCALE_STATUSES):
        return "unknown_status"
    return None


def _losers(rows: Iterable[Row], around: Surroundings) -> set[UUID]:
    """Of the rows with one token all but the one the clean side works with, or else the oldest."""
    first_come = sorted(rows, key=lambda row: (row["id"] not in around.touched, row["created_epoch"], row["id"]))
    owners: dict[str, UUID] = {}
    for row in first_come:
        owners.setdefault(row["access_token"], row["id"])
    return {row["id"] for row in first_come} - set(owners.values())


def _or_missing(url: str | None) -> str:
    return "migrated-missing" if url is None else url


def _upscale_status(row: Row, around: Surroundings) -> str:
    status = row.get("upscale_status")
    asked_for = row.get("upscaled_image_url") is not None or row.get("upscaled_at") is not None or row["id"] in around.referenced
    if status in (None, "not_required") or (status == "pending" and not asked_for):
        return "not_started"
    return str(status)
