"""A database that is busy, away or failing: the service says "come again", changes nothing, and recovers by itself."""

import asyncio
import sqlite3
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, text

from service.core.db import WRITER_LOCK, is_wal_safe
from tests.conftest import Api
from tests.durability.audit import change_log, faults_of
from tests.durability.kill import ask
from tests.durability.loopback import Answer, Caller, Server, make_token, serving, tracker
from tests.durability.machines import own_postgres
from tests.durability.obstacles import (
    another_writer,
    cut_connections,
    locked_milestones,
    postgresql_session,
    sqlite_transaction,
    wait_for_waiters,
)

PATIENT, IMPATIENT = 30, 1
LIST = "/v1/milestones"
REPORTS = "/v1/milestones/1/updates"
on_postgresql = pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
on_sqlite = pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
with_a_rollback_journal = pytest.mark.skipif(
    is_wal_safe(sqlite3.sqlite_version_info),
    reason="With a write-ahead log readers and writers do not wait for each other.",
)


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
    """Read and write until the faults of old connections are over; each answer is 200, 201 or 503."""
    for _ in range(50):
        answers = [await stage.get(), await stage.report()]
        assert {answer.status for answer in answers} <= {200, 201, 503}
        if {answer.status for answer in answers} == {200, 201}:
            break
    for _ in range(20):
        assert (await stage.get()).status == 200
        assert (await stage.report()).status == 201
    assert (await stage.get("/readyz")).status == 200


def test_reads_and_the_health_check_answer_while_a_write_waits(sample_url: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with on_stage(sample_url, tmp_path, lock_timeout_seconds=PATIENT) as stage:
            async with another_writer(sample_url):
                waiting = asyncio.create_task(stage.report())
                await stage.is_alive_all_the_while()
                assert (await stage.get()).status == 200
                assert (await stage.get("/readyz")).status == 200
                assert not waiting.done()
            assert (await waiting).status == 201

    asyncio.run(story())


def test_a_writer_that_stays_too_long_makes_the_others_come_again(sample_url: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with on_stage(sample_url, tmp_path, lock_timeout_seconds=IMPATIENT) as stage:
            before = await stage.changes()
            async with another_writer(sample_url):
                refused = await asyncio.gather(*(stage.report() for _ in range(12)))
                # Again, now that connections were given back by writes that failed.
                refused += await asyncio.gather(*(stage.report() for _ in range(12)))
                assert (await stage.get()).status == 200
            for answer in refused:
                assert_says_come_again(answer)
            assert await stage.changes() == before
            answers = await asyncio.gather(*(stage.report() for _ in range(24)), *(stage.get() for _ in range(24)))
            assert [answer.status for answer in answers] == [201] * 24 + [200] * 24

    asyncio.run(story())


def test_a_key_whose_write_was_put_off_does_its_work_when_sent_again(sample_url: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with on_stage(sample_url, tmp_path, lock_timeout_seconds=IMPATIENT) as stage:
            key, content = uuid.uuid4().hex, {"status": "on_hold"}
            async with another_writer(sample_url):
                assert_says_come_again(await stage.caller.call("POST", REPORTS, content, idempotency_key=key))
            before = await stage.changes()
            answers = [await stage.caller.call("POST", REPORTS, content, idempotency_key=key) for _ in range(3)]
            assert [answer.status for answer in answers] == [201] * 3
            assert len({answer.body for answer in answers}) == 1
            assert await stage.changes() == before + 1

    asyncio.run(story())


@on_sqlite
@with_a_rollback_journal
def test_a_locked_file_does_not_stop_the_health_check(sample_url: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with on_stage(sample_url, tmp_path, lock_timeout_seconds=3) as stage:
            assert (await stage.get()).status == 200
            async with sqlite_transaction(sample_url, "BEGIN EXCLUSIVE"):
                waiting = [asyncio.create_task(stage.get()) for _ in range(8)]
                await asyncio.sleep(0.2)
                await stage.is_alive_all_the_while()
                assert not any(task.done() for task in waiting)
            assert [(await task).status for task in waiting] == [200] * 8

    asyncio.run(story())


@on_sqlite
@with_a_rollback_journal
def test_a_file_locked_from_the_start_does_not_stop_the_health_check(sample_url: str, tmp_path: Path) -> None:
    async def story() -> None:
        token = await asyncio.to_thread(make_token, sample_url)
        with serving(sample_url, tmp_path / "server.log", lock_timeout_seconds=3) as server:
            async with Caller(server.port, token) as caller, Caller(server.port, token) as another:
                await server.ready()
                async with sqlite_transaction(sample_url, "BEGIN EXCLUSIVE"):
                    waiting = asyncio.create_task(another.call("GET", LIST))
                    await asyncio.sleep(0.2)
                    for _ in range(20):
                        assert (await caller.call("GET", "/livez")).status == 200
                    assert not waiting.done()
                assert (await waiting).status == 200

    asyncio.run(story())


@on_sqlite
@with_a_rollback_journal
def test_a_file_locked_too_long_makes_readers_come_again(sample_url: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with on_stage(sample_url, tmp_path, lock_timeout_seconds=IMPATIENT) as stage:
            before = await stage.changes()
            async with sqlite_transaction(sample_url, "BEGIN EXCLUSIVE"):
                for path in (LIST, "/v1/progress?strategy_id=1", "/v1/milestones/1", "/readyz"):
                    assert_says_come_again(await stage.get(path))
                assert_says_come_again(await stage.report())
            await until_well(stage)
            assert await stage.changes() > before

    asyncio.run(story())


@on_sqlite
@with_a_rollback_journal
def test_a_commit_that_a_long_reader_holds_up_is_no_success(sample_url: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with on_stage(sample_url, tmp_path, lock_timeout_seconds=IMPATIENT) as stage:
            before = await stage.changes()
            async with sqlite_transaction(sample_url, "BEGIN;SELECT count(*) FROM milestone"):
                waiting = asyncio.create_task(stage.report())
                await stage.is_alive_all_the_while()
                assert_says_come_again(await waiting)
                assert (await stage.get()).status == 200
            assert await stage.changes() == before
            assert (await stage.report()).status == 201
            assert await stage.changes() == before + 1

    asyncio.run(story())


@on_sqlite
def test_a_full_disk_makes_writers_come_again(sample: Api, engine_name: str) -> None:
    del engine_name
    before = sample.look(change_log)
    is_full = True

    @event.listens_for(sample.database.engine, "checkout")
    def fill(connection: Any, *_: object) -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0] if is_full else 2**30
        connection.execute(f"PRAGMA max_page_count = {pages}")

    content = {"status": "in_progress", "percent_complete": 1, "narrative": "x" * 9_000}
    answers = [sample.post(REPORTS, content) for _ in range(3)]
    event.remove(sample.database.engine, "checkout", fill)
    refused = answers[-1]
    assert refused.status_code == 503, refused.text
    assert refused.headers["retry-after"]
    accepted = sum(answer.status_code == 201 for answer in answers)
    is_full = False
    event.listen(sample.database.engine, "checkout", fill)
    assert sample.post(REPORTS, content).status_code == 201
    assert len(sample.look(change_log)) == len(before) + accepted + 1
    assert sample.look(faults_of) == []


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


@contextmanager
def failing_commits(api: Api) -> Iterator[None]:
    """Let every commit fail, for a reason that waiting does not mend."""
    if not api.database.is_sqlite:
        api.run(lambda connection: [connection.execute(text(each.format(code="P0001"))) for each in REFUSE_AT_COMMIT])
        yield
        api.run(lambda connection: connection.execute(text("DROP TRIGGER refuse ON stamp")))
        return

    def fail(_connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        if statement == "COMMIT":
            raise RuntimeError("The commit fails.")

    event.listen(api.database.engine, "before_cursor_execute", fail)
    yield
    event.remove(api.database.engine, "before_cursor_execute", fail)


def test_a_failing_commit_is_no_success(sample: Api) -> None:
    before = sample.look(change_log)
    tag = sample.get("/v1/milestones/2").headers["etag"]
    award = sample.get("/v1/funding-awards/1").headers["etag"]
    with failing_commits(sample):
        answers = [
            sample.post(REPORTS, {"status": "on_hold"}),
            sample.post("/v1/boards", {"ref": "late", "name": "Never"}),
            sample.call("PATCH", "/v1/milestones/2", json={"title": "Never"}, headers={"If-Match": tag}),
            sample.call("DELETE", "/v1/funding-awards/1", headers={"If-Match": award}),
        ]
    assert [answer.status_code for answer in answers] == [500] * 4
    assert all(answer.headers["content-type"] == "application/problem+json" for answer in answers)
    assert sample.look(change_log) == before
    assert sample.get("/v1/milestones/2").headers["etag"] == tag
    assert sample.post(REPORTS, {"status": "on_hold"}).status_code == 201
    assert sample.look(faults_of) == []


@on_postgresql
@pytest.mark.parametrize(
    "code", ["40001", "40P01", "53100", "57014"], ids=["serialization", "deadlock", "disk full", "cancelled"]
)
def test_a_commit_that_the_database_refuses_is_no_success(sample_url: str, code: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with on_stage(sample_url, tmp_path) as stage, postgresql_session(sample_url) as session:
            before = await stage.changes()
            await session.execute(";".join(REFUSE_AT_COMMIT).format(code=code))
            for _ in range(12):
                assert_says_come_again(await stage.report())
            await session.execute("DROP TRIGGER refuse ON stamp")
            assert await stage.changes() == before
            assert (await stage.report()).status == 201

    asyncio.run(story())


@on_postgresql
def test_the_victim_of_a_deadlock_comes_again(sample_url: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with on_stage(sample_url, tmp_path, lock_timeout_seconds=PATIENT) as stage:
            before = await stage.changes()
            async with postgresql_session(sample_url) as session, postgresql_session(sample_url) as watch:
                tag = (await stage.caller.call("GET", "/v1/milestones/1")).headers["etag"]
                # The service looks for deadlocks sooner than this session, so it is the one that gives way.
                await session.execute("SET deadlock_timeout = '60s'")
                async with session.transaction():
                    await session.execute("SELECT id FROM milestone WHERE id = 1 FOR UPDATE")
                    change = stage.caller.call("PATCH", "/v1/milestones/1", {"title": "Never"}, if_match=tag)
                    waiting = asyncio.create_task(change)
                    await wait_for_waiters(watch, 1)
                    await session.execute(f"SELECT pg_advisory_xact_lock({WRITER_LOCK})")
                    assert_says_come_again(await waiting)
            assert await stage.changes() == before
            answer = await stage.caller.call("PATCH", "/v1/milestones/1", {"title": "Now"}, if_match=tag)
            assert answer.status == 200
            await until_well(stage)

    asyncio.run(story())


@on_postgresql
def test_connections_lost_between_requests_are_made_anew(sample_url: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with on_stage(sample_url, tmp_path) as stage, postgresql_session(sample_url) as session:
            await asyncio.gather(*(stage.get() for _ in range(32)), *(stage.report() for _ in range(32)))
            assert await cut_connections(session) > 1
            await until_well(stage)
            # Each kind of request may be the one that finds out.
            for request in (stage.get, stage.report):
                await cut_connections(session)
                assert (await request()).status in {200, 201, 503}
                await until_well(stage)

    asyncio.run(story())


@on_postgresql
def test_connections_lost_during_requests_make_them_come_again(sample_url: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with (
            on_stage(sample_url, tmp_path, lock_timeout_seconds=PATIENT) as stage,
            postgresql_session(sample_url) as session,
        ):
            before = await stage.changes()
            async with locked_milestones(sample_url):
                waiting = [asyncio.create_task(stage.get()) for _ in range(4)]
                waiting.append(asyncio.create_task(stage.report()))
                await wait_for_waiters(session, 5)
                await cut_connections(session)
                for task in waiting:
                    assert_says_come_again(await task)
            async with another_writer(sample_url):
                waiting = [asyncio.create_task(stage.report())]
                await wait_for_waiters(session, 1)
                await cut_connections(session)
                assert_says_come_again(await waiting[0])
            assert await stage.changes() == before
            await until_well(stage)

    asyncio.run(story())


@on_postgresql
def test_a_pool_without_a_free_connection_makes_requests_come_again(sample_url: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with on_stage(sample_url, tmp_path, pool_size=1, lock_timeout_seconds=IMPATIENT) as stage:
            before = await stage.changes()
            async with locked_milestones(sample_url):
                waiting = [asyncio.create_task(stage.get()) for _ in range(16)]
                waiting += [asyncio.create_task(stage.report()) for _ in range(16)]
                await stage.is_alive_all_the_while()
                for task in waiting:
                    assert_says_come_again(await task)
            assert await stage.changes() == before
            await until_well(stage)

    asyncio.run(story())


def test_a_server_that_was_stopped_is_found_again(tmp_path: Path) -> None:
    async def story(url: str) -> None:
        async with on_stage(url, tmp_path) as stage:
            assert (await stage.report()).status == 201
            before = await stage.changes()
            await asyncio.to_thread(postgres.stop)
            for path in (LIST, "/v1/milestones/1", "/v1/progress?strategy_id=1", "/readyz"):
                assert_says_come_again(await stage.get(path))
            assert_says_come_again(await stage.report())
            assert (await stage.get("/livez")).status == 200
            await asyncio.to_thread(postgres.start)
            assert await stage.changes() == before
            await until_well(stage)

    with own_postgres() as postgres:
        url = postgres.make_database()
        tracker(url, "migrate")
        tracker(url, "load", "--sample")
        asyncio.run(story(url))
