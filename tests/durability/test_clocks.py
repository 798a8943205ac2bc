"""Servers whose clocks differ, and clocks that are put back: the stamps go on all the same."""

import asyncio
import random
from datetime import timedelta

from sqlalchemy import Connection, select

from service.core import clock
from service.core.db import Database
from service.core.history import Recorder, stamp
from service.plan.models import status_update
from tests.durability.audit import faults_of

REPORT = {
    "milestone_id": 1,
    "effective_on": clock.today(),
    "status": "on_hold",
    "percent_complete": 0,
    "evidence": [],
}
WRITES = 25


def test_servers_with_clocks_that_differ_and_jump_stamp_in_one_order(sample_url: str) -> None:
    chance = random.Random(1)  # noqa: S311 It hides nothing.

    async def write_on(database: Database, hours_ahead: float) -> list[int]:
        """Report again and again by a clock that is ahead and jumps, and return the transactions in their order."""
        made = []
        for _ in range(WRITES):
            now = clock.now() + timedelta(hours=hours_ahead + chance.uniform(-1, 1))

            def act(connection: Connection, now: object = now) -> int:
                recorder = Recorder(connection, None, now)  # type: ignore[arg-type]
                recorder.append(status_update, REPORT)
                return recorder.seq

            made.append(await database.write(act))
        return made

    async def story() -> list[list[int]]:
        databases = [Database(sample_url) for _ in range(3)]
        try:
            return await asyncio.gather(
                *(write_on(each, hours) for each, hours in zip(databases, (-30, 0, 30), strict=True))
            )
        finally:
            for each in databases:
                await each.dispose()

    made = asyncio.run(story())
    assert all(seqs == sorted(seqs) for seqs in made)
    database = Database(sample_url)

    async def look() -> tuple[list[str], list[int]]:
        try:
            faults = await database.snapshot(faults_of)
            return faults, list(await database.snapshot(lambda each: each.execute(select(stamp.c.seq)).scalars().all()))
        finally:
            await database.dispose()

    faults, seqs = asyncio.run(look())
    assert faults == []
    assert set(seqs) >= {seq for each in made for seq in each}
