"""The three verbs of a database: where they run, and when."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import Connection, text

from service.core import clock, db
from service.core.db import Database
from tests.conftest import Api
from tests.factories import make_plan, report

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


def test_a_change_is_dated_when_its_turn_has_come(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    milestone = make_plan(api).milestone
    asked_at: list[datetime] = []
    write = api.database.write

    async def write_later(act: Callable[[Connection], Any]) -> Any:
        asked_at.append(clock.now())
        return await write(act)

    monkeypatch.setattr(api.database, "write", write_later)
    recorded = report(api, milestone, status="in_progress")["recorded_at"]
    assert datetime.fromisoformat(recorded) > asked_at[-1]
