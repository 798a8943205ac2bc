"""The three verbs of a database: where they run, and when."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, func, insert, select, text

from service.core import clock, db
from service.core.db import Database
from service.plan.models import board
from tests.conftest import Api
from tests.factories import make_plan, report

NOW = datetime(2031, 1, 1, tzinfo=UTC)
ONE = text("SELECT 1")
SLEEPING = text("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%' AND pid <> pg_backend_pid()")
COUNTING = """
WITH RECURSIVE number (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM number WHERE i < :last) SELECT count(*) FROM number
"""


@pytest.mark.parametrize("engine_name", ["sqlite"])
@pytest.mark.parametrize(("last", "is_long"), [(10, False), (1_000_000, True)])
def test_only_a_long_read_leaves_the_event_loop(database_url: str, last: int, is_long: bool) -> None:
    ran_in: list[threading.Thread] = []

    def ask(connection: Connection) -> int:
        ran_in.append(threading.current_thread())
        return int(connection.execute(text(COUNTING), {"last": last}).scalar_one())

    async def story() -> int:
        database = Database(database_url)
        try:
            return await database.read(ask)
        finally:
            await database.dispose()

    assert asyncio.run(story()) == last
    assert [thread is threading.main_thread() for thread in ran_in] == ([True, False] if is_long else [True])


@pytest.mark.parametrize("engine_name", ["sqlite"])
def test_many_short_reads_are_not_taken_for_a_long_one(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db, "GLANCE_SECONDS", 3600.0)
    ran_in: set[threading.Thread] = set()

    def ask(connection: Connection) -> int:
        ran_in.add(threading.current_thread())
        return int(connection.execute(text(COUNTING), {"last": 2_000}).scalar_one())

    async def story() -> None:
        database = Database(database_url)
        try:
            for _ in range(100):
                await database.read(ask)
        finally:
            await database.dispose()

    asyncio.run(story())
    assert ran_in == {threading.main_thread()}


@pytest.mark.parametrize("engine_name", ["sqlite"])
def test_a_statement_that_was_cut_short_is_kept_prepared_again(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared: list[int] = []

    def authorize(action: int, *_: Any) -> int:
        prepared.append(action)
        return sqlite3.SQLITE_OK

    def watch(connection: Connection) -> None:
        driver: Any = connection.connection.driver_connection
        driver.set_authorizer(authorize)

    def rows(last: int) -> Callable[[Connection], int]:
        listing = COUNTING.replace("count(*)", "i")
        return lambda connection: len(connection.execute(text(listing), {"last": last}).all())

    async def story() -> None:
        database = Database(database_url)
        try:
            monkeypatch.setattr(db, "GLANCE_SECONDS", 0.0)
            await database.read(rows(100_000))
            monkeypatch.setattr(db, "GLANCE_SECONDS", 3600.0)
            await database.read(watch)
            await database.read(rows(10))
            once = len(prepared)
            for _ in range(5):
                await database.read(rows(10))
            assert 0 < len(prepared) == once
        finally:
            await database.dispose()

    asyncio.run(story())


def test_what_works_for_long_leaves_the_event_loop_to_others(database_url: str) -> None:
    async def story() -> None:
        database = Database(database_url)
        try:
            for verb in (database.snapshot, partial(database.write, is_long=True)):
                others_went_on = threading.Event()

                def work(connection: Connection, others_went_on: threading.Event = others_went_on) -> bool:
                    connection.execute(ONE)
                    return others_went_on.wait(10)

                asyncio.get_running_loop().call_soon(others_went_on.set)
                assert await verb(work)
        finally:
            await database.dispose()

    asyncio.run(story())


def test_what_fails_away_from_the_event_loop_fails_there_and_leaves_no_trace(database_url: str) -> None:
    def fail(connection: Connection) -> None:
        connection.execute(
            insert(board).values(ref="b", name="B", version=1, created_at=NOW, updated_at=NOW, from_seq=1)
        )
        raise ZeroDivisionError

    async def story() -> int:
        database = Database(database_url)
        try:
            with pytest.raises(ZeroDivisionError):
                await database.write(fail, is_long=True)
            return await database.snapshot(
                lambda connection: connection.execute(select(func.count()).select_from(board)).scalar_one()
            )
        finally:
            await database.dispose()

    assert asyncio.run(story()) == 0


@pytest.mark.parametrize("engine_name", ["postgresql"])
def test_nobody_waits_for_what_nobody_waits_for(database_url: str) -> None:
    async def story() -> None:
        database = Database(database_url, pool_size=1, lock_timeout_seconds=60)
        try:
            for verb in (database.snapshot, partial(database.write, is_long=True)):
                asked = asyncio.create_task(verb(lambda connection: connection.execute(text("SELECT pg_sleep(600)"))))
                while not await database.read(lambda connection: connection.execute(SLEEPING).scalar_one()):
                    await asyncio.sleep(0.01)
                asked.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await asked
                await verb(lambda connection: connection.execute(ONE))
        finally:
            await database.dispose()

    asyncio.run(story())


def test_a_change_is_dated_when_its_turn_has_come(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    milestone = make_plan(api).milestone
    asked_at: list[datetime] = []
    write = api.database.write

    async def write_later(act: Callable[[Connection], Any], *, is_long: bool) -> Any:
        asked_at.append(clock.now())
        return await write(act, is_long=is_long)

    monkeypatch.setattr(api.database, "write", write_later)
    recorded = report(api, milestone, status="in_progress")["recorded_at"]
    assert datetime.fromisoformat(recorded) > asked_at[-1]
