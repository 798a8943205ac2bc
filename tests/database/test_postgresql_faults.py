"""A PostgreSQL that refuses, cuts off or goes away: the service says "come again", and finds it again by itself."""

import asyncio
from pathlib import Path

import asyncpg
import pytest

from service.core.db import WRITER_LOCK
from tests.database.stage import (
    IMPATIENT,
    LIST,
    PATIENT,
    REFUSE_AT_COMMIT,
    assert_says_come_again,
    on_postgresql,
    on_stage,
    until_well,
)
from tests.durability.loopback import tracker
from tests.durability.machines import own_postgres
from tests.durability.obstacles import (
    another_writer,
    cut_connections,
    locked_milestones,
    postgresql_session,
    wait_for_waiters,
)


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


@on_postgresql
def test_a_database_that_takes_no_writes_makes_writers_come_again(sample_url: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with on_stage(sample_url, tmp_path) as stage, postgresql_session(sample_url) as session:
            before = await stage.changes()
            database = await session.fetchval("SELECT current_database()")
            await session.execute(f"ALTER DATABASE {database} SET default_transaction_read_only = on")
            await cut_connections(session)
            # The first may still find out that its connection is gone.
            for _ in range(3):
                assert_says_come_again(await stage.report())
            assert (await stage.get()).status == 200
            await session.execute(f"ALTER DATABASE {database} RESET default_transaction_read_only")
            await cut_connections(session)
            assert await stage.changes() == before
            await until_well(stage)

    asyncio.run(story())


@on_postgresql
@pytest.mark.parametrize("setting", ["statement_timeout", "idle_in_transaction_session_timeout"])
def test_a_time_limit_of_the_database_makes_requests_come_again(sample_url: str, setting: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with on_stage(sample_url, tmp_path) as stage, postgresql_session(sample_url) as session:
            before = await stage.changes()
            database = await session.fetchval("SELECT current_database()")
            await session.execute(f"ALTER DATABASE {database} SET {setting} = '1ms'")
            await cut_connections(session)
            answers = [await stage.report() for _ in range(6)] + [await stage.get() for _ in range(6)]
            assert {answer.status for answer in answers} <= {200, 201, 503}
            assert 503 in {answer.status for answer in answers}
            for answer in answers:
                if answer.status == 503:
                    assert_says_come_again(answer)
            await session.execute(f"ALTER DATABASE {database} RESET {setting}")
            await cut_connections(session)
            done = sum(answer.status == 201 for answer in answers)
            assert await stage.changes() == before + done
            await until_well(stage)

    asyncio.run(story())


def test_a_database_server_that_was_stopped_is_found_again(tmp_path: Path) -> None:
    async def story(url: str) -> None:
        async with on_stage(url, tmp_path) as stage:
            assert (await stage.report()).status == 201
            before = await stage.changes()
            session, watch = await asyncpg.connect(url), await asyncpg.connect(url)
            await session.execute("BEGIN; LOCK TABLE milestone IN ACCESS EXCLUSIVE MODE")
            waiting = [asyncio.create_task(stage.get()), asyncio.create_task(stage.report())]
            await wait_for_waiters(watch, 2)
            await asyncio.to_thread(postgres.stop)
            for task in waiting:
                assert_says_come_again(await task)
            session.terminate()
            watch.terminate()
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
