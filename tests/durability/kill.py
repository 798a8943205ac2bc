"""Kill the server under concurrent writes, again and again, and look whether what it promised is kept.

    python -m tests.durability.kill --engine sqlite|postgresql --kills 100

Several kinds of clients write all the time and note each answer. After every kill they send again what has no answer,
and then the tables, the history and the server's own answers are held against all that was promised; a reader of the
change feed goes on through all of it.

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
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection

from service.core.db import Database
from tests.durability.audit import Entry, change_log, faults_of
from tests.durability.feed import feed_faults, follow
from tests.durability.loopback import Caller, Server, make_token, serving, tracker
from tests.durability.machines import OwnPostgres, own_postgres
from tests.durability.witness import contradictions
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
# Something is broken after so many acknowledgements, at an instant between two of them.
FEWEST, MOST = 5, 60
BETWEEN_SECONDS = 0.05
# So soon after its start a server has to be ready.
READY_SECONDS = 5


@dataclass
class Figures:
    """What came of all the kills."""

    kills: int = 0
    worker_kills: int = 0
    database_kills: int = 0
    promised: int = 0
    refused: int = 0
    unsure: int = 0
    put_off: int = 0
    verdict: Verdict = field(default_factory=Verdict)
    faults: list[str] = field(default_factory=list)
    feed_faults: list[str] = field(default_factory=list)
    ready_seconds: list[float] = field(default_factory=list)

    @property
    def is_sound(self) -> bool:
        """Whether every promise was kept, once."""
        return not any(self.complaints())

    def complaints(self) -> Iterator[str]:
        """Yield all that is wrong."""
        for name, found in vars(self.verdict).items():
            yield from (f"{name}: {each}" for each in found)
        yield from self.faults
        yield from self.feed_faults

    def add(self, ledger: Ledger, verdict: Verdict) -> None:
        """Count one round in."""
        self.promised += len(ledger.promised())
        self.refused += sum(work.is_refused for work in ledger.works)
        self.unsure += sum(work.unsure > 0 for work in ledger.works)
        self.put_off += ledger.put_off
        self.verdict.add(verdict)

    def __str__(self) -> str:
        ready, verdict = sorted(self.ready_seconds), self.verdict
        return (
            f"kills of the server {self.kills}, of one worker {self.worker_kills}, of the database "
            f"{self.database_kills}; "
            f"writes acknowledged {self.promised}, without an answer at first {self.unsure}, refused {self.refused}, "
            f"told to come again {self.put_off}; "
            f"lost {len(verdict.lost)}, doubled {len(verdict.doubled)}, other than promised {len(verdict.garbled)}, "
            f"done though refused {len(verdict.undue)}, unsettled {len(verdict.unsettled)}, "
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


async def write_and_break(
    ports: list[int], token: str, ledger: Ledger, chance: random.Random, breaking: Callable[[], Awaitable[None]]
) -> None:
    """Let all kinds of clients write for a moment, break something, and wait until they have noticed."""
    enough = asyncio.Event()
    # The two of a pair may call different servers: what is sent twice at once then arrives in two places.
    callers = [Caller(ports[number % len(ports)], token) for number in range(2 * len(KINDS))]
    plan = await read_plan(callers[0])
    pairs = zip(KINDS, callers[::2], callers[1::2], strict=True)
    writing = [
        asyncio.create_task(write_on(kind(caller, plan, chance), caller, second, ledger, chance, enough))
        for kind, caller, second in pairs
    ]
    wanted = chance.randint(FEWEST, MOST)
    while len(ledger.promised()) < wanted and not any(task.done() for task in writing):
        await asyncio.sleep(chance.uniform(0, BETWEEN_SECONDS))
    await breaking()
    enough.set()
    await asyncio.gather(*writing)
    for caller in callers:
        await caller.close()


@dataclass
class Ordeal:
    """One database, its servers, and what is done to them."""

    url: str
    servers: list[Server]
    token: str
    chance: random.Random
    postgres: OwnPostgres | None
    figures: Figures = field(default_factory=Figures)
    seen: list[Entry] = field(default_factory=list)
    ledgers: list[Ledger] = field(default_factory=list)

    async def run(self, kills: int, worker_kills: int, database_kills: int) -> None:
        """Do all the kills, with a reader of the feed beside them."""
        ports = [server.port for server in self.servers]
        for server in self.servers:
            await server.ready()
        enough = asyncio.Event()
        following = asyncio.create_task(follow(ports, self.token, self.seen, enough))
        rounds = [self._kill_server] * kills + [self._kill_worker] * worker_kills
        rounds += [self._kill_database] * database_kills
        self.chance.shuffle(rounds)
        for number, breaking in enumerate(rounds, start=1):
            await self._round(ports, breaking)
            if not self.figures.is_sound or number % 10 == 0:
                say(f"{number}: {self.figures}")
        enough.set()
        await following
        self.figures.feed_faults += feed_faults(self.seen, await ask(self.url, change_log))
        await self._look_at_all_of_it()

    async def _round(self, ports: list[int], breaking: Callable[[], Awaitable[None]]) -> None:
        ledger = Ledger()
        self.ledgers.append(ledger)
        await write_and_break(ports, self.token, ledger, self.chance, breaking)
        began = time.perf_counter()
        for server in self.servers:
            if server.process.poll() is not None:
                server.start()
        for server in self.servers:
            await server.ready()
        self.figures.ready_seconds.append(time.perf_counter() - began)
        port = self.chance.choice(ports)
        await settle(ledger, port, self.token)
        marks, faults = await ask(self.url, lambda connection: (count_marks(connection), faults_of(connection)))
        self.figures.add(ledger, judge(ledger, marks))
        self.figures.faults += faults
        self.figures.verdict.garbled += await contradictions(ledger.promised(), port, self.token)

    async def _look_at_all_of_it(self) -> None:
        """Judge every round once more: no later kill may take what an earlier one left."""
        marks = await ask(self.url, count_marks)
        for ledger in self.ledgers:
            self.figures.verdict.add(judge(ledger, marks))

    async def _kill_server(self) -> None:
        self.figures.kills += 1
        self.chance.choice(self.servers).kill()

    async def _kill_worker(self) -> None:
        self.figures.worker_kills += 1
        server = self.chance.choice(self.servers)
        gone = server.kill_one_worker()
        # The others serve meanwhile.
        await server.all_workers(without=gone)

    async def _kill_database(self) -> None:
        assert self.postgres is not None
        self.figures.database_kills += 1
        await asyncio.to_thread(self.postgres.kill)
        await asyncio.to_thread(self.postgres.start)


def say(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)  # noqa: T201 This is a command.


@contextmanager
def fresh_database(engine: str, folder: Path, *, is_bare: bool = False) -> Iterator[tuple[str, OwnPostgres | None]]:
    """Give the address of a database with the sample plan (or nothing), and the server behind it where there is one."""
    with ExitStack() as stack:
        postgres = stack.enter_context(own_postgres()) if engine == "postgresql" else None
        url = postgres.make_database() if postgres else f"sqlite:///{folder / 'tracker.db'}"
        if not is_bare:
            tracker(url, "migrate")
            tracker(url, "load", "--sample")
        elif postgres is None:
            (folder / "tracker.db").touch()
        yield url, postgres


@dataclass(frozen=True)
class Kills:
    """How often what is killed."""

    server: int = 0
    worker: int = 0
    database: int = 0


def endure(
    url: str,
    folder: Path,
    kills: Kills,
    *,
    postgres: OwnPostgres | None = None,
    servers: int = 1,
    workers: int = 1,
    seed: int = 1,
) -> Figures:
    """Do it all to a database that holds the sample plan, and return the figures."""
    chance = random.Random(seed)  # noqa: S311 It hides nothing.
    with ExitStack() as stack:
        running = [
            stack.enter_context(serving(url, folder / f"server-{number}.log", workers=workers))
            for number in range(servers)
        ]
        ordeal = Ordeal(url, running, make_token(url), chance, postgres)
        asyncio.run(ordeal.run(kills.server, kills.worker, kills.database))
        return ordeal.figures


def main() -> int:
    """Read the command line, run, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", choices=("sqlite", "postgresql"), required=True)
    parser.add_argument("--kills", type=int, default=100, help="how often a server is killed, with all its workers")
    parser.add_argument("--worker-kills", type=int, default=0, help="how often one worker of several is killed")
    parser.add_argument("--database-kills", type=int, default=0, help="how often PostgreSQL itself is killed")
    parser.add_argument("--servers", type=int, default=1, help="servers in front of the database")
    parser.add_argument("--workers", type=int, default=1, help="processes of each server")
    parser.add_argument("--seed", type=int, default=1, help="what the random choices start from")
    chosen = parser.parse_args()
    if chosen.database_kills and chosen.engine == "sqlite":
        parser.error("SQLite has no processes of its own to kill.")
    if chosen.worker_kills and chosen.workers == 1:
        parser.error("A server of one worker is that worker: say --workers 2.")
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        fresh_database(chosen.engine, Path(folder)) as (url, postgres),
    ):
        figures = endure(
            url,
            Path(folder),
            Kills(chosen.kills, chosen.worker_kills, chosen.database_kills),
            postgres=postgres,
            servers=chosen.servers,
            workers=chosen.workers,
            seed=chosen.seed,
        )
    say(f"{chosen.engine}, servers {chosen.servers}, workers {chosen.workers}: {figures}")
    for complaint in figures.complaints():
        say(f"  {complaint}")
    late = sum(seconds > READY_SECONDS for seconds in figures.ready_seconds)
    if late:
        say(f"  not ready within {READY_SECONDS} seconds: {late} times")
    return 0 if figures.is_sound and not late else 1


if __name__ == "__main__":
    sys.exit(main())
