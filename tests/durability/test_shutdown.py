"""SIGTERM: what is in flight is finished and answered, then the process ends well."""

import asyncio
import uuid
from pathlib import Path

import pytest

from tests.durability.kill import ask
from tests.durability.loopback import Answer, Caller, Server, make_token, serving
from tests.durability.obstacles import another_writer
from tests.durability.writers import count_marks

CLIENTS = 8


@pytest.mark.parametrize(
    ("engine_name", "workers"),
    [("sqlite", 1), ("postgresql", 2)],
    indirect=["engine_name"],
    ids=["sqlite", "postgresql, 2 workers"],
)
def test_requests_in_flight_finish_before_the_server_ends(sample_url: str, workers: int, tmp_path: Path) -> None:
    token = make_token(sample_url)
    marks = [uuid.uuid4().hex for _ in range(CLIENTS)]

    async def post(caller: Caller, mark: str) -> Answer:
        content = {"status": "in_progress", "percent_complete": 50, "narrative": mark}
        return await caller.call("POST", "/v1/milestones/1/updates", content, idempotency_key=mark)

    async def story(server: Server) -> None:
        await server.ready()
        callers = [Caller(server.port, token) for _ in marks]
        for caller in callers:
            assert (await caller.call("GET", "/livez")).status == 200
        async with another_writer(sample_url):
            sent = [asyncio.create_task(post(caller, mark)) for caller, mark in zip(callers, marks, strict=True)]
            # The requests are on their way; nothing tells from outside when the server has read them all.
            await asyncio.sleep(0.5)
            server.ask_to_stop()
            await asyncio.sleep(1)
            assert not any(task.done() for task in sent)
        answers = await asyncio.gather(*sent)
        assert [answer.status for answer in answers] == [201] * CLIENTS
        assert await server.stopped() == 0, server.logged()
        for caller in callers:
            await caller.close()
        there = await ask(sample_url, count_marks)
        assert [len(there[mark]) for mark in marks] == [1] * CLIENTS

    with serving(sample_url, tmp_path / "log", workers=workers) as server:
        asyncio.run(story(server))


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_an_idle_server_of_two_workers_ends_well(database_url: str, tmp_path: Path) -> None:
    async def story(server: Server) -> int:
        async with Caller(server.port) as caller:
            await server.ready()
            assert (await caller.call("GET", "/livez")).status == 200
            server.ask_to_stop()
            return await server.stopped()

    with serving(database_url, tmp_path / "log", workers=2) as server:
        assert asyncio.run(story(server)) == 0, server.logged()
