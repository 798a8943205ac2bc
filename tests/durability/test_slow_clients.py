"""Clients that send slowly, or only keep their connections, are in nobody's way."""

import asyncio
from contextlib import AsyncExitStack, closing
from pathlib import Path

import pytest

from tests.durability.audit import faults_of
from tests.durability.kill import ask
from tests.durability.loopback import HOST, Caller, Server, make_token, serving

IDLE, UPLOADING, ASKING = 100, 60, 40
REPORTS = "/v1/milestones/1/updates"
CROWD = 200


async def hold(stack: AsyncExitStack, server: Server, said: str) -> None:
    """Open a connection, say the beginning of something, and keep it."""
    _, writer = await asyncio.open_connection(HOST, server.port)
    stack.enter_context(closing(writer))
    writer.write(said.encode())
    await writer.drain()


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_slow_clients_are_in_nobodys_way_and_do_not_stop_the_end(sample_url: str, tmp_path: Path) -> None:
    token = make_token(sample_url)
    head = f"POST {REPORTS} HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"
    beginnings = ["", f"{head}Content-Length: 500\r\n\r\n{{", "GET /livez HT"]

    async def story(server: Server) -> None:
        await server.ready()
        async with AsyncExitStack() as stack:
            for beginning, count in zip(beginnings, (IDLE, UPLOADING, ASKING), strict=True):
                for _ in range(count):
                    await hold(stack, server, beginning)
            async with Caller(server.port, token) as caller:
                for _ in range(10):
                    assert (await caller.call("GET", "/livez")).status == 200
                    assert (await caller.call("GET", "/v1/milestones")).status == 200
                    assert (await caller.call("POST", REPORTS, {"status": "on_hold"})).status == 201
            server.ask_to_stop()
            # What is still being sent after the time for it is given up.
            assert await server.stopped() == 0, server.logged()

    with serving(sample_url, tmp_path / "log", shutdown_seconds=1) as server:
        asyncio.run(story(server))


def test_a_crowd_larger_than_the_pool_is_served_or_told_to_come_again(sample_url: str, tmp_path: Path) -> None:
    token = make_token(sample_url)

    async def visit(server: Server, number: int) -> int:
        async with Caller(server.port, token) as caller:
            if number % 2:
                answer = await caller.call("POST", REPORTS, {"status": "on_hold"})
            else:
                answer = await caller.call("GET", f"/v1/progress?strategy_id=1&as_at=2018-12-{1 + number % 28:02}")
            assert answer.status != 503 or answer.headers["retry-after"]
            return answer.status

    async def story(server: Server) -> None:
        await server.ready()
        async with Caller(server.port, token) as caller:
            before = len((await caller.call("GET", f"{REPORTS}?limit=1000")).json()["items"])
            visiting = [asyncio.create_task(visit(server, number)) for number in range(CROWD)]
            while not all(task.done() for task in visiting):
                assert (await caller.call("GET", "/livez")).status == 200
            statuses = [task.result() for task in visiting]
            assert set(statuses) <= {200, 201, 503}
            assert 200 in statuses
            after = len((await caller.call("GET", f"{REPORTS}?limit=1000")).json()["items"])
            assert after == before + statuses.count(201)
        assert await ask(sample_url, faults_of) == []

    with serving(sample_url, tmp_path / "log", pool_size=2, lock_timeout_seconds=2) as server:
        asyncio.run(story(server))
