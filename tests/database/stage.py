"""A running server in front of a database that is about to fail, and what its answers must look like then."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.durability.audit import change_log, faults_of
from tests.durability.kill import ask
from tests.durability.loopback import Answer, Caller, Server, make_token, serving

PATIENT, IMPATIENT = 30, 1
LIST = "/v1/milestones"
REPORTS = "/v1/milestones/1/updates"
SNAPSHOT = "/v1/progress?strategy_id=1"
REFUSE_AT_COMMIT = (
    """
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = '{code}'; END $$
    """,
    """
    CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON stamp DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION refuse()
    """,
)
on_postgresql = pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
on_sqlite = pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)


@dataclass
class Stage:
    """A running server and what is needed to talk to it."""

    url: str
    server: Server
    token: str
    caller: Caller

    def another_caller(self) -> Caller:
        """Return a connection of its own."""
        return Caller(self.server.port, self.token)

    async def get(self, path: str = LIST) -> Answer:
        """Read, on a connection of its own."""
        async with self.another_caller() as caller:
            return await caller.call("GET", path)

    async def report(self) -> Answer:
        """Report progress, on a connection of its own."""
        async with self.another_caller() as caller:
            return await caller.call("POST", REPORTS, {"status": "in_progress", "percent_complete": 10})

    async def is_alive_all_the_while(self) -> None:
        """Ask twenty times whether the process is alive."""
        for _ in range(20):
            assert (await self.caller.call("GET", "/livez")).status == 200

    async def changes(self) -> int:
        """Count all that was ever done to the plan, and check that it is in order."""
        assert await ask(self.url, faults_of) == []
        return len(await ask(self.url, change_log))


@asynccontextmanager
async def on_stage(url: str, folder: Path, **settings: object) -> AsyncIterator[Stage]:
    """Run a server and wait until it is ready."""
    token = await asyncio.to_thread(make_token, url)
    with serving(url, folder / "server.log", **settings) as server:  # type: ignore[arg-type]
        await server.ready()
        async with Caller(server.port, token) as caller:
            yield Stage(url, server, token, caller)


def assert_says_come_again(answer: Answer) -> None:
    """Check that an answer is 503 with a time to come again and a problem document that shows nothing inside."""
    assert answer.status == 503, answer.body
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == 503
    assert problem["type"] == "urn:tracker:problem:service-unavailable"
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert not any(word in problem["detail"] for word in ("SELECT", "INSERT", "sqlite3", "asyncpg", "Error"))


async def until_well(stage: Stage) -> None:
    """Ask in every way until the faults of old connections are over; each answer is 200, 201 or 503."""
    for _ in range(50):
        answers = [await stage.get(), await stage.report(), await stage.get(SNAPSHOT)]
        assert {answer.status for answer in answers} <= {200, 201, 503}
        if {answer.status for answer in answers} == {200, 201}:
            break
    for _ in range(20):
        assert (await stage.get()).status == 200
        assert (await stage.report()).status == 201
        assert (await stage.get(SNAPSHOT)).status == 200
    assert (await stage.get("/readyz")).status == 200
