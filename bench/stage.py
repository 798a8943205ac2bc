"""What the measurements of one engine stand on: filled databases with a server over each."""

import itertools
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import orjson

from bench.client import Caller
from bench.databases import Home, fill, make_token
from bench.servers import Served, service_over
from bench.sizes import Size, Span

SEED = 20181210


@dataclass(frozen=True)
class Pace:
    """How long a measurement takes: seconds of a round, and rounds."""

    seconds: float
    rounds: int


@dataclass(frozen=True)
class House:
    """A filled database with a server over it."""

    url: str
    size: Size
    served: Served
    caller: Caller

    async def report(self) -> None:
        """Make a small change: one more report, on a milestone at random."""
        await self.caller.ask(next(reports(self)), 201)


@dataclass(frozen=True)
class Stage:
    """The whole data, and the strategy that is asked about alone in another database."""

    engine: str
    size: Size
    span: Span
    pace: Pace
    home: Home
    full: House
    alone: House

    @property
    def is_sqlite(self) -> bool:
        """Whether this is SQLite; the targets differ."""
        return self.engine == "sqlite"


@asynccontextmanager
async def stage(engine: str, size: Size, span: Span, pace: Pace, home: Home) -> AsyncIterator[Stage]:
    """Fill the databases and start the servers."""
    async with AsyncExitStack() as stack:
        full = await stack.enter_async_context(_house(home, size, span))
        alone = await stack.enter_async_context(_house(home, size.alone(), span))
        yield Stage(engine, size, span, pace, home, full, alone)


@asynccontextmanager
async def _house(home: Home, size: Size, span: Span) -> AsyncIterator[House]:
    url = await home.make()
    await fill(url, size, span)
    token = make_token(url)
    async with service_over(url) as served:
        yield House(url, size, served, served.caller(token))
    await home.drop(url)


def ids(size: Size) -> Iterator[int]:
    """Yield ids of milestones at random, the same at each run."""
    chance = random.Random(SEED)  # noqa: S311 Nothing is secret here.
    while True:
        yield chance.randint(1, size.milestones)


def reports(house: House) -> Iterator[bytes]:
    """Yield requests that report on milestones at random."""
    for number, row_id in zip(itertools.count(), ids(house.size), strict=False):
        body = {
            "status": "in_progress",
            "percent_complete": number % 100,
            "narrative": "What was done since the last report, and what stands in its way.",
        }
        yield house.caller.post(f"/v1/milestones/{row_id}/updates", orjson.dumps(body))
