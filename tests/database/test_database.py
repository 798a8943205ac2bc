"""The three verbs of a database: where they run, and when."""

import asyncio
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import Connection, text

from service.core import clock
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
