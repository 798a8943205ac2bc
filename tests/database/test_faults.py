"""A database that is busy or failing: the service says "come again", changes nothing, and recovers by itself."""

import asyncio
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, text

from service.core.db import is_wal_safe
from tests.conftest import Api
from tests.database.stage import (
    IMPATIENT,
    LIST,
    PATIENT,
    REFUSE_AT_COMMIT,
    REPORTS,
    assert_says_come_again,
    on_sqlite,
    on_stage,
    until_well,
)
from tests.durability.audit import change_log, faults_of
from tests.durability.loopback import Caller, make_token, serving
from tests.durability.obstacles import another_writer, sqlite_transaction

with_a_rollback_journal = pytest.mark.skipif(
    is_wal_safe(sqlite3.sqlite_version_info),
    reason="With a write-ahead log readers and writers do not wait for each other.",
)


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
            # On a slow disk the last of so many writers may wait too long again.
            assert {answer.status for answer in answers[:24]} <= {201, 503}
            assert [answer.status for answer in answers[24:]] == [200] * 24
            await until_well(stage)

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
    sample.token()
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
    sample.token()
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


@on_sqlite
def test_a_file_that_cannot_be_written_makes_writers_come_again(sample: Api, engine_name: str) -> None:
    del engine_name
    sample.token()

    @event.listens_for(sample.database.engine, "checkout")
    def protect(connection: Any, *_: object) -> None:
        connection.execute("PRAGMA query_only = ON")

    refused = sample.post(REPORTS, {"status": "on_hold"})
    assert (refused.status_code, refused.headers.get("retry-after")) == (503, "2"), refused.text
    assert sample.get(LIST).status_code == 200
    event.remove(sample.database.engine, "checkout", protect)

    @event.listens_for(sample.database.engine, "checkout")
    def release(connection: Any, *_: object) -> None:
        connection.execute("PRAGMA query_only = OFF")

    assert sample.post(REPORTS, {"status": "on_hold"}).status_code == 201
