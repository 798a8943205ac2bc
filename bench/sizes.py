"""How much data is measured, and when it is from."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from math import gcd

from service.core import clock
from service.core.columns import EPOCH, MICROSECOND, to_microseconds

# The reports of the data are spread evenly over these days, the last of which is over.
DAYS = 900
BEFORE, AFTER = 400, 2000


@dataclass(frozen=True)
class Size:
    """How much there is; `first_…` counts what the strategy that is asked about holds of it."""

    strategies: int
    milestones: int
    updates: int
    first_workstreams: int
    first_milestones: int
    other_workstreams: int

    @property
    def workstreams(self) -> int:
        """The workstreams of all strategies."""
        return self.first_workstreams + (self.strategies - 1) * self.other_workstreams

    def alone(self) -> "Size":
        """Return the strategy that is asked about without the others."""
        updates = self.updates * self.first_milestones // self.milestones
        return replace(self, strategies=1, milestones=self.first_milestones, updates=updates)


SIZES = {
    "small": Size(30, 10_000, 100_000, 20, 500, 7),
    "standard": Size(300, 100_000, 1_000_000, 100, 5_000, 7),
    "national": Size(300, 1_500_000, 15_000_000, 100, 5_000, 100),
}


@dataclass(frozen=True)
class Span:
    """The time that the data is from: whole days that ended yesterday."""

    first: date
    start: int
    """The first instant, in microseconds since 1970."""

    @property
    def middle(self) -> tuple[date, datetime]:
        """The date and the instant in the middle: about half of the reports were known then."""
        instant = EPOCH + (self.start + DAYS * 43_200_000_000) * MICROSECOND
        return self.first + timedelta(days=DAYS // 2), instant

    @property
    def calendar(self) -> list[tuple[int, date]]:
        """The dates by their number, 0 being the first day."""
        return [(number, self.first + timedelta(days=number)) for number in range(-BEFORE, AFTER)]

    def names(self, size: Size) -> dict[str, int]:
        """Return what stands after a dollar sign in data.sql."""
        return {
            "start": self.start,
            "step": DAYS * 86_400_000_000 // (size.updates + 1),
            "days": DAYS,
            "strategies": size.strategies,
            "workstreams": size.workstreams,
            "first_workstreams": size.first_workstreams,
            "other_workstreams": size.other_workstreams,
            "milestones": size.milestones,
            "first_milestones": size.first_milestones,
            "updates": size.updates,
            "stride": stride(size.milestones),
        }


def span_until_now() -> Span:
    """Return the time that ended at midnight in UTC."""
    midnight = clock.now().replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=DAYS)
    return Span(midnight.date(), to_microseconds(midnight))


def stride(count: int) -> int:
    """Return a step that visits each of so many things once before it is back at the first."""
    return next(step for step in range(count * 5 // 8 + 1, count * 2) if gcd(step, count) == 1)
