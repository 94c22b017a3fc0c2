"""The next step in the life of an artwork, equal for the old and the new code."""

from collections.abc import Callable
from dataclasses import dataclass

from sample.application.job import Context
from sample.application.shop import Artwork
from sample.journal_entry import Side


@dataclass(frozen=True)
class Step:
    """One step: the statuses after it, and the values to write, under names that both tables have."""

    kind: str
    generation: str
    upscale: str
    values: dict[str, str]


def can_be_generated(context: Context, *, old_code: bool) -> Callable[[Artwork], bool]:
    """Return a filter for artworks to generate: mostly those that the same code has created."""
    anywhere = context.chance.random() < 0.2

    def fits(artwork: Artwork) -> bool:
        return (
            artwork.generation in ("pending", "processing", "failed")
            and not artwork.test
            and (anywhere or (artwork.origin is Side.LEGACY) is old_code)
        )

    return fits


def can_be_upscaled(artwork: Artwork) -> bool:
    """Whether the artwork can be upscaled."""
    return artwork.generation == "completed" and artwork.upscale != "completed" and not artwork.test


def next_generation(context: Context, artwork: Artwork, *, processing: bool) -> Step:
    """Return the next step of a generation; without the status `processing`, a pending one completes at once."""
    if artwork.generation == "failed":
        return Step("retry", "pending", artwork.upscale, {"generation_status": "pending"})
    if artwork.generation == "pending" and processing:
        return Step("processing", "processing", artwork.upscale, {"generation_status": "processing"})
    if context.chance.random() < 0.2:
        return Step("failed", "failed", artwork.upscale, {"generation_status": "failed"})
    values = {"generation_status": "completed", "generated_image_url": context.url("images")}
    return Step("completed", "completed", artwork.upscale, values)


def next_upscale(context: Context, artwork: Artwork) -> Step:
    """Return the next step of an upscale."""
    if artwork.upscale != "processing":
        return Step("upscale_processing", artwork.generation, "processing", {"upscale_status": "processing"})
    if context.chance.random() < 0.2:
        return Step("upscale_failed", artwork.generation, "failed", {"upscale_status": "failed"})
    values = {"upscale_status": "completed", "upscaled_image_url": context.url("upscaled")}
    return Step("upscale_completed", artwork.generation, "completed", values)


def apply_step(artwork: Artwork, step: Step) -> None:
    """Record a committed step in the shop."""
    artwork.generation = step.generation
    artwork.upscale = step.upscale
