"""Thirty-two clients at once: every accepted write is there once, and nothing else is.

`TRACKER_TEST_SCALE=full` does the numbers that the service is measured by; without it there are fewer of them.
"""

import asyncio
import os
import uuid
from collections import Counter
from pathlib import Path

import pytest

from tests.durability.audit import faults_of
from tests.durability.kill import ask
from tests.durability.loopback import Caller, Server, make_token, serving
from tests.durability.writers import count_marks

IS_FULL = os.environ.get("TRACKER_TEST_SCALE") == "full"  # noqa: TID251 It is a setting of the tests.
CLIENTS = 32
PATCHES = 2_000 if IS_FULL else 200
UPDATES = 10_000 if IS_FULL else 500
MILESTONE = "/v1/milestones/1"

everywhere = pytest.mark.parametrize(
    ("engine_name", "workers"),
    [("postgresql", 2), ("sqlite", 1), ("sqlite", 2)],
    indirect=["engine_name"],
    ids=["postgresql-2", "sqlite-1", "sqlite-2"],
)


async def patch_in_turn(caller: Caller, left: list[str], done: list[str], statuses: Counter[int]) -> None:
    """Patch one milestone with If-Match until no mark is left to be written."""
    while left:
        tag = (await caller.call("GET", MILESTONE)).headers["etag"]
        if not left:
            return
        mark = left.pop()
        answer = await caller.call("PATCH", MILESTONE, {"description": mark}, if_match=tag)
        statuses[answer.status] += 1
        (done if answer.status == 200 else left).append(mark)


async def report(caller: Caller, left: list[str], done: list[str], statuses: Counter[int]) -> None:
    """Report on milestones until no mark is left to be reported."""
    while left:
        mark = left.pop()
        content = {"status": "in_progress", "percent_complete": 50, "narrative": mark}
        answer = await caller.call("POST", f"{MILESTONE}/updates", content, idempotency_key=mark)
        statuses[answer.status] += 1
        (done if answer.status == 201 else left).append(mark)


async def set_to_work(server: Server, token: str, work: object, wanted: int) -> tuple[list[str], Counter[int]]:
    """Let all clients do one kind of work, and return the marks that were accepted and what was answered."""
    assert callable(work)
    await server.ready()
    left, done, statuses = [uuid.uuid4().hex for _ in range(wanted)], list[str](), Counter[int]()
    callers = [Caller(server.port, token) for _ in range(CLIENTS)]
    await asyncio.gather(*(work(caller, left, done, statuses) for caller in callers))
    for caller in callers:
        await caller.close()
    return done, statuses


@everywhere
def test_the_version_of_a_milestone_counts_the_accepted_patches(sample_url: str, workers: int, tmp_path: Path) -> None:
    token = make_token(sample_url)

    async def story(server: Server) -> int:
        done, statuses = await set_to_work(server, token, patch_in_turn, PATCHES)
        assert set(statuses) <= {200, 412}, statuses
        assert statuses[200] == len(done) == PATCHES
        marks = await ask(sample_url, count_marks)
        assert [len(marks[mark]) for mark in done] == [1] * PATCHES
        assert await ask(sample_url, faults_of) == []
        async with Caller(server.port, token) as caller:
            return int((await caller.call("GET", MILESTONE)).json()["version"])

    with serving(sample_url, tmp_path / "log", workers=workers) as server:
        assert asyncio.run(story(server)) == 1 + PATCHES


@everywhere
def test_every_acknowledged_update_is_there_exactly_once(sample_url: str, workers: int, tmp_path: Path) -> None:
    token = make_token(sample_url)

    async def story(server: Server) -> None:
        done, statuses = await set_to_work(server, token, report, UPDATES)
        assert set(statuses) == {201}, statuses
        marks = await ask(sample_url, count_marks)
        assert [len(marks[mark]) for mark in done] == [1] * UPDATES
        assert await ask(sample_url, faults_of) == []

    with serving(sample_url, tmp_path / "log", workers=workers) as server:
        asyncio.run(story(server))
