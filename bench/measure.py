"""Comparing two things that take turns, because machines are noisy: each round measures both; medians are taken."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from statistics import median

Sample = Callable[[], Awaitable[float]]


@dataclass(frozen=True)
class Duel:
    """What the rounds gave: the median of each, and the median of the quotients of the rounds."""

    thing: float
    other: float
    quotient: float


async def duel(thing: Sample, other: Sample, rounds: int) -> Duel:
    """Measure two things in turn, each first in every second round, after one round that does not count."""
    pairs: list[tuple[float, float]] = []
    for number in range(rounds + 1):
        if number % 2:
            second, first = await other(), await thing()
        else:
            first, second = await thing(), await other()
        pairs.append((first, second))
    counted = pairs[1:]
    return Duel(
        median(first for first, _ in counted),
        median(second for _, second in counted),
        median(first / second for first, second in counted),
    )


@dataclass(frozen=True)
class Finding:
    """One line of the table. `is_least` tells whether the target is a lower bound."""

    what: str
    target: float
    measured: float
    raw: str
    unit: str = "×"
    is_least: bool = False

    @property
    def is_met(self) -> bool:
        """Whether the target is met."""
        return self.measured >= self.target if self.is_least else self.measured <= self.target


def shown_seconds(seconds: float) -> str:
    """Return a time as people read it."""
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.1f} s"


async def timed(work: Callable[[], Awaitable[object]]) -> float:
    """Return how many seconds some work takes."""
    started = time.perf_counter()
    await work()
    return time.perf_counter() - started
