"""The words for what a run does and how far it is: the same in the terminal, in Prefect's artifact and in the status."""

from migration.ledger.progress import StepProgress

#: Seconds without any progress, after which the words say so: the rate is none by then.
STANDING = 20
#: Units that take different times each: their number says nothing about the time left.
UNEVEN = ("rules", "counts", "queries")


def words(step: StepProgress) -> str:
    """Return how far the step is, how long it will take, and at which rate; of a step that has ended, what it has done in which time.

    The time left comes early: where there is little room, the end is cut off.
    """
    if step.outcome == "failed":
        return f"failed after {duration(step.seconds)}"
    if step.outcome:
        return ", ".join([*_amount(step), duration(step.seconds)])
    if step.total is None:
        return ", ".join([*_amount(step), f"for {duration(step.seconds)}, since {step.begun_at:%H:%M:%S} UTC"])
    if step.total == 0 and not step.done:
        return f"nothing to do, for {duration(step.seconds)}"
    if step.done > step.total:
        counted = f"{step.done:,} {step.unit}, more than the {step.total:,} known at the beginning"
        return ", ".join([counted, *_rate(step), f"for {duration(step.seconds)}"])
    percent, counted = f"{int(100 * step.fraction)} %", f"{step.done:,} of {step.total:,} {step.unit}"
    return ", ".join([percent, _left(step), counted, *_rate(step)])


def duration(seconds: float) -> str:
    """Return a time in its two largest units."""
    whole = round(seconds)
    for unit, smaller, size, parts in (("d", "h", 86_400, 3_600), ("h", "min", 3_600, 60), ("min", "s", 60, 1)):
        if whole >= size:
            return f"{whole // size} {unit} {whole % size // parts} {smaller}"
    return f"{seconds:.1f} s" if seconds < 0.95 else f"{whole} s"


def _amount(step: StepProgress) -> list[str]:
    return [f"{step.done:,} {step.unit}"] if step.done else []


def _rate(step: StepProgress) -> list[str]:
    if not step.rate or step.idle > STANDING or step.unit in UNEVEN:
        return []
    return [f"{step.rate:,.0f} {step.unit}/s" if step.rate >= 10 else f"{step.rate:.1f} {step.unit}/s"]


def _left(step: StepProgress) -> str:
    if step.unit in UNEVEN:
        return f"for {duration(step.seconds)}"
    if step.seconds_left:
        return f"{duration(max(1, step.seconds_left))} left"
    if step.idle > STANDING:
        return f"none for {duration(step.idle)}"
    if step.rate is None and step.done < (step.total or 0):
        return "estimating the time left"
    return f"for {duration(step.seconds)}"
