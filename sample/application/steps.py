"""The next step in the life of an artwork, the same on both sides."""

from collections.abc import Callable
from dataclasses import dataclass

from sample.application.job import Desk
from sample.application.shop import Artwork
from sample.entry import Side


@dataclass(frozen=True)
class Step:
    """`values` under the names both tables share."""

    kind: str
    generation: str
    upscale: str
    values: dict[str, str]


def can_be_generated(desk: Desk, *, old_code: bool) -> Callable[[Artwork], bool]:
    """Mostly by the code that has made it, at times by the other."""
    anywhere = desk.chance.random() < 0.2

    def fits(artwork: Artwork) -> bool:
        return (
            artwork.generation in ("pending", "processing", "failed")
            and not artwork.test
            and (anywhere or (artwork.born is Side.LEGACY) is old_code)
        )

    return fits


def can_be_upscaled(artwork: Artwork) -> bool:
    return artwork.generation == "completed" and artwork.upscale != "completed" and not artwork.test


def next_generation(desk: Desk, artwork: Artwork, *, processing: bool) -> Step:
    """`processing`: whether the status is known there; else a pending one completes at once."""
    if artwork.generation == "failed":
        return Step("retry", "pending", artwork.upscale, {"generation_status": "pending"})
    if artwork.generation == "pending" and processing:
        return Step("processing", "processing", artwork.upscale, {"generation_status": "processing"})
    if desk.chance.random() < 0.2:
        return Step("failed", "failed", artwork.upscale, {"generation_status": "failed"})
    values = {"generation_status": "completed", "generated_image_url": desk.url("images")}
    return Step("completed", "completed", artwork.upscale, values)


def next_upscale(desk: Desk, artwork: Artwork) -> Step:
    if artwork.upscale != "processing":
        return Step("upscale_processing", artwork.generation, "processing", {"upscale_status": "processing"})
    if desk.chance.random() < 0.2:
        return Step("upscale_failed", artwork.generation, "failed", {"upscale_status": "failed"})
    values = {"upscale_status": "completed", "upscaled_image_url": desk.url("upscaled")}
    return Step("upscale_completed", artwork.generation, "completed", values)


def take(artwork: Artwork, step: Step) -> None:
    artwork.generation = step.generation
    artwork.upscale = step.upscale
