"""Many clients at once: every accepted write is there once, and nothing else is.

    python -m tests.durability.crowd --engine sqlite|postgresql --patches 2000 --updates 10000

First all of them patch one milestone with If-Match, then all of them report on it, while a reader follows the change
feed. With `--servers` several servers stand in front of one database, and the clients and the reader use all of them.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.durability.audit import Entry, change_log, faults_of
from tests.durability.feed import feed_faults, follow
from tests.durability.kill import ask, fresh_database, say
from tests.durability.loopback import Caller, make_token, serving
from tests.durability.witness import contradictions
from tests.durability.writers import Ledger, Verdict, Work, count_marks, judge, tag_of

CLIENTS = 32
MILESTONE = "/v1/milestones/1"


@dataclass
class Crowd:
    """What many clients did to one milestone, and what came of it."""

    accepted: int = 0
    seconds: float = 0
    statuses: Counter[int] = field(default_factory=Counter)
    ledger: Ledger = field(default_factory=Ledger)
    verdict: Verdict = field(default_factory=Verdict)
    faults: list[str] = field(default_factory=list)

    @property
    def is_sound(self) -> bool:
        """Whether every accepted write is there once, and nothing else."""
        return not any(self.complaints())

    def complaints(self) -> Iterator[str]:
        """Yield all that is wrong."""
        for name, found in vars(self.verdict).items():
            yield from (f"{name}: {each}" for each in found)
        yield from self.faults

    def __str__(self) -> str:
        answered = ", ".join(f"{count} × {status}" for status, count in sorted(self.statuses.items()))
        return (
            f"accepted {self.accepted} in {self.seconds:.1f} s (answers: {answered}); "
            f"lost {len(self.verdict.lost)}, doubled {len(self.verdict.doubled)}, "
            f"other than promised {len(self.verdict.garbled)}, done though refused {len(self.verdict.undue)}, "
            f"faults {len(self.faults)}"
        )


async def patch_in_turn(caller: Caller, crowd: Crowd, wanted: int) -> None:
    """Patch one milestone with If-Match until so many changes were accepted."""
    while crowd.accepted < wanted:
        tag, mark = await tag_of(caller, MILESTONE), uuid.uuid4().hex
        if tag is not None and crowd.accepted < wanted:
            await _do(caller, crowd, Work("PATCH", MILESTONE, {"description": mark}, {"if_match": tag}, mark))


async def report_in_turn(caller: Caller, crowd: Crowd, wanted: int) -> None:
    """Report on one milestone until so many reports were sent."""
    while len(crowd.ledger.works) < wanted:
        mark = uuid.uuid4().hex
        content = {"status": "in_progress", "percent_complete": 50, "narrative": mark}
        await _do(caller, crowd, Work("POST", f"{MILESTONE}/updates", content, {"idempotency_key": mark}, mark))


async def _do(caller: Caller, crowd: Crowd, work: Work) -> None:
    crowd.ledger.works.append(work)
    answer = await work.send(caller)
    crowd.statuses[answer.status] += 1
    crowd.accepted += work.answer is not None


async def gather(url: str, ports: list[int], token: str, work: object, wanted: int) -> Crowd:
    """Let all clients do one kind of work, and judge what came of it."""
    assert callable(work)
    crowd, seen, enough, before = Crowd(), list[Entry](), asyncio.Event(), await _version(ports[0], token)
    following = asyncio.create_task(follow(ports, token, seen, enough))
    callers = [Caller(ports[number % len(ports)], token) for number in range(CLIENTS)]
    began = time.perf_counter()
    await asyncio.gather(*(work(caller, crowd, wanted) for caller in callers))
    crowd.seconds = time.perf_counter() - began
    for caller in callers:
        await caller.close()
    enough.set()
    await following
    marks, faults, log = await ask(url, lambda each: (count_marks(each), faults_of(each), change_log(each)))
    crowd.verdict = judge(crowd.ledger, marks)
    crowd.verdict.garbled += await contradictions(crowd.ledger.promised(), random.choice(ports), token)  # noqa: S311 Any.
    crowd.faults = faults + feed_faults(seen, log)
    changes = sum(each.answer is not None and each.method == "PATCH" for each in crowd.ledger.works)
    after = await _version(ports[-1], token)
    if after != before + changes:
        crowd.faults.append(f"{changes} changes were accepted, and the version went from {before} to {after}")
    return crowd


async def _version(port: int, token: str) -> int:
    async with Caller(port, token) as caller:
        return int((await caller.call("GET", MILESTONE)).json()["version"])


def crowd_in(
    url: str, folder: Path, *, patches: int, updates: int, servers: int = 1, workers: int = 1
) -> tuple[Crowd, Crowd]:
    """Let the clients patch and then report on a database that holds the sample plan, and return what came of both."""

    async def story(ports: list[int]) -> tuple[Crowd, Crowd]:
        for server in running:
            await server.ready()
        patched = await gather(url, ports, token, patch_in_turn, patches)
        return patched, await gather(url, ports, token, report_in_turn, updates)

    token = make_token(url)
    with ExitStack() as stack:
        running = [
            stack.enter_context(serving(url, folder / f"server-{number}.log", workers=workers))
            for number in range(servers)
        ]
        return asyncio.run(story([server.port for server in running]))


def main() -> int:
    """Read the command line, run, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", choices=("sqlite", "postgresql"), required=True)
    parser.add_argument("--patches", type=int, default=2_000, help="how many patches are to be accepted")
    parser.add_argument("--updates", type=int, default=10_000, help="how many reports are sent")
    parser.add_argument("--servers", type=int, default=1, help="servers in front of the database")
    parser.add_argument("--workers", type=int, default=1, help="processes of each server")
    chosen = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        fresh_database(chosen.engine, Path(folder)) as (url, _),
    ):
        crowds = crowd_in(
            url,
            Path(folder),
            patches=chosen.patches,
            updates=chosen.updates,
            servers=chosen.servers,
            workers=chosen.workers,
        )
    for name, crowd in zip(("patches", "updates"), crowds, strict=True):
        say(f"{chosen.engine}, servers {chosen.servers}, workers {chosen.workers}, {name}: {crowd}")
        for complaint in crowd.complaints():
            say(f"  {complaint}")
    return 0 if all(crowd.is_sound for crowd in crowds) else 1


if __name__ == "__main__":
    sys.exit(main())
