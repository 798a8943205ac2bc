"""Kill the server under concurrent writes, again and again, and look whether what it promised is kept.

    python -m tests.durability.kill --engine sqlite|postgresql --kills 100

Everything is on the loopback address and in a folder that is removed afterwards. SIGKILL takes the processes, not the
machine: what the operating system has taken over is not lost by it, so this does not show that the disk was waited for.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection

from service.core.db import Database
from tests.durability.audit import Entry, change_log, faults_of
from tests.durability.loopback import Caller, NoAnswer, Server, make_token, serving, tracker
from tests.durability.machines import OwnPostgres, own_postgres
from tests.durability.writers import (
    KINDS,
    Ledger,
    Verdict,
    count_marks,
    judge,
    read_plan,
    settle,
    write_on,
)

T = TypeVar("T")
SHORTEST_SECONDS, LONGEST_SECONDS = 0.1, 0.9
FEED_PAGE = 1000


@dataclass
class Figures:
    """What came of all the kills."""

    kills: int = 0
    database_kills: int = 0
    promised: int = 0
    refused: int = 0
    unsure: int = 0
    put_off: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    garbled: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    feed_faults: list[str] = field(default_factory=list)
    ready_seconds: list[float] = field(default_factory=list)

    @property
    def is_sound(self) -> bool:
        """Whether every promise was kept, once."""
        return not (self.lost or self.doubled or self.garbled or self.faults or self.feed_faults)

    def add(self, ledger: Ledger, verdict: Verdict) -> None:
        """Count one round in."""
        self.promised += len(ledger.promised())
        self.refused += sum(work.is_refused for work in ledger.works)
        self.unsure += sum(work.unsure > 0 for work in ledger.works)
        self.put_off += ledger.put_off
        self.lost += verdict.lost
        self.doubled += verdict.doubled
        self.garbled += verdict.garbled

    def __str__(self) -> str:
        ready = sorted(self.ready_seconds)
        return (
            f"kills of the server {self.kills}, of the database {self.database_kills}; "
            f"writes acknowledged {self.promised}, without an answer at first {self.unsure}, refused {self.refused}, "
            f"told to come again {self.put_off}; "
            f"lost {len(self.lost)}, doubled {len(self.doubled)}, other than promised {len(self.garbled)}, "
            f"faults of the history {len(self.faults)}, of the feed {len(self.feed_faults)}; "
            f"seconds until ready: median {ready[len(ready) // 2]:.2f}, worst {ready[-1]:.2f}"
        )


async def ask(url: str, question: Callable[[Connection], T]) -> T:
    """Look at a database from outside, in one snapshot."""
    database = Database(url)
    try:
        return await database.snapshot(question)
    finally:
        await database.dispose()


async def follow(port: int, token: str, seen: list[Entry], enough: asyncio.Event) -> None:
    """Keep a copy of the change feed, through all the kills, until it is complete."""
    path = f"/v1/events?limit={FEED_PAGE}&after="
    async with Caller(port, token) as caller:
        while True:
            is_last_look = enough.is_set()
            try:
                answer = await caller.call("GET", path + str(seen[-1][0] if seen else 0))
            except NoAnswer:
                await asyncio.sleep(0.05)
                continue
            items = answer.json()["items"] if answer.status == 200 else []
            names = ("seq", "position", "resource", "resource_id", "version", "action")
            seen += [tuple(item[name] for name in names) for item in items]
            if is_last_look and answer.status == 200 and not items:
                return
            await asyncio.sleep(0.02)


async def write_and_break(
    port: int, token: str, ledger: Ledger, chance: random.Random, breaking: Callable[[], Awaitable[None]]
) -> None:
    """Let all kinds of clients write for a moment, break something, and wait until they have noticed."""
    enough = asyncio.Event()
    callers = [Caller(port, token) for _ in range(2 * len(KINDS))]
    plan = await read_plan(callers[0])
    pairs = zip(KINDS, callers[::2], callers[1::2], strict=True)
    writing = [
        asyncio.create_task(write_on(kind(caller, plan, chance), caller, second, ledger, chance, enough))
        for kind, caller, second in pairs
    ]
    await asyncio.sleep(chance.uniform(SHORTEST_SECONDS, LONGEST_SECONDS))
    await breaking()
    enough.set()
    await asyncio.gather(*writing)
    for caller in callers:
        await caller.close()


@dataclass
class Ordeal:
    """One database, its server, and what is done to them."""

    url: str
    server: Server
    token: str
    chance: random.Random
    postgres: OwnPostgres | None
    figures: Figures = field(default_factory=Figures)
    seen: list[Entry] = field(default_factory=list)

    async def run(self, kills: int, database_kills: int) -> None:
        """Do all the kills, with a reader of the feed beside them."""
        await self.server.ready()
        enough = asyncio.Event()
        following = asyncio.create_task(follow(self.server.port, self.token, self.seen, enough))
        rounds = [self._kill_server] * kills + [self._kill_database] * database_kills
        self.chance.shuffle(rounds)
        for number, breaking in enumerate(rounds, start=1):
            await self._round(breaking)
            if not self.figures.is_sound or number % 10 == 0:
                say(f"{number}: {self.figures}")
        enough.set()
        await following
        self.figures.feed_faults += feed_faults(self.seen, await ask(self.url, change_log))

    async def _round(self, breaking: Callable[[], Awaitable[None]]) -> None:
        ledger = Ledger()
        await write_and_break(self.server.port, self.token, ledger, self.chance, breaking)
        if self.server.process.poll() is not None:
            began = time.perf_counter()
            self.server.start()
        else:
            began = time.perf_counter()
        await self.server.ready()
        self.figures.ready_seconds.append(time.perf_counter() - began)
        await settle(ledger, self.server.port, self.token)
        marks, faults = await ask(self.url, lambda connection: (count_marks(connection), faults_of(connection)))
        self.figures.add(ledger, judge(ledger, marks))
        self.figures.faults += faults

    async def _kill_server(self) -> None:
        self.figures.kills += 1
        self.server.kill()

    async def _kill_database(self) -> None:
        assert self.postgres is not None
        self.figures.database_kills += 1
        await asyncio.to_thread(self.postgres.kill)
        await asyncio.to_thread(self.postgres.start)


def feed_faults(seen: list[Entry], log: list[Entry]) -> list[str]:
    """Say where a copy of the feed differs from what was done."""
    if seen == log:
        return []
    missing, extra = set(log) - set(seen), set(seen) - set(log)
    return [
        f"the feed gave {len(seen)} of {len(log)} entries; skipped {sorted(missing)[:9]}, made up {sorted(extra)[:9]}"
    ]


def say(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)  # noqa: T201 This is a command.


@contextmanager
def fresh_database(engine: str, folder: Path) -> Iterator[tuple[str, OwnPostgres | None]]:
    """Give the address of an empty database in a folder, and the server behind it where there is one."""
    if engine == "sqlite":
        yield f"sqlite:///{folder / 'tracker.db'}", None
        return
    with own_postgres() as postgres:
        yield postgres.make_database(), postgres


def run(engine: str, folder: Path, *, kills: int, database_kills: int, workers: int, seed: int) -> Figures:
    """Do it all, and return the figures."""
    with fresh_database(engine, folder) as (url, postgres):
        tracker(url, "migrate")
        tracker(url, "load", "--sample")
        token = make_token(url)
        with serving(url, folder / "server.log", workers=workers) as server:
            ordeal = Ordeal(url, server, token, random.Random(seed), postgres)  # noqa: S311 It hides nothing.
            asyncio.run(ordeal.run(kills, database_kills))
            return ordeal.figures


def main() -> int:
    """Read the command line, run, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", choices=("sqlite", "postgresql"), required=True)
    parser.add_argument("--kills", type=int, default=100, help="how often the server is killed")
    parser.add_argument("--database-kills", type=int, default=0, help="how often PostgreSQL itself is killed")
    parser.add_argument("--workers", type=int, default=1, help="server processes")
    parser.add_argument("--seed", type=int, default=1, help="what the random choices start from")
    chosen = parser.parse_args()
    if chosen.database_kills and chosen.engine == "sqlite":
        parser.error("SQLite has no processes of its own to kill.")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        figures = run(
            chosen.engine,
            Path(folder),
            kills=chosen.kills,
            database_kills=chosen.database_kills,
            workers=chosen.workers,
            seed=chosen.seed,
        )
    say(f"{chosen.engine}, workers {chosen.workers}: {figures}")
    for fault in (*figures.faults, *figures.feed_faults, *figures.lost, *figures.doubled, *figures.garbled):
        say(f"  {fault}")
    return 0 if figures.is_sound else 1


if __name__ == "__main__":
    sys.exit(main())
