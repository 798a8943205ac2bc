"""Measuring progress when it has to be worked out, by one client: every time is a first time after a change."""

import asyncio
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from urllib.parse import quote

from fastapi.testclient import TestClient
from sqlalchemy import event

from bench.cores import SERVER_CORE, on_core
from bench.databases import bare
from bench.measure import Duel, Finding, duel, shown_seconds, timed
from bench.reading import PROGRESS
from bench.stage import House, Stage
from service.core import clock
from service.main import create_app
from service.settings import Settings

QUARTERS = 8
TRANSACTION = {"BEGIN", "ROLLBACK", "COMMIT"}
Statements = list[tuple[str, Sequence[Any]]]


async def first_time(stage: Stage) -> list[Finding]:
    """Measure progress after a change against the same statements through the bare driver."""
    house = stage.full
    asked = await asyncio.to_thread(statements_of, house, PROGRESS)
    async with bare(house.url) as driver:

        async def run() -> None:
            for sql, parameters in asked:
                await driver.run(sql, parameters)

        async def bare_seconds() -> float:
            await house.report()
            with on_core(SERVER_CORE):
                return await timed(run)

        found = await duel(lambda: seconds_of(house, PROGRESS), bare_seconds, 4 * stage.pace.rounds)
    return [finding("progress by priority, first time after a change", 1.5, found, "S")]


async def in_company(stage: Stage) -> list[Finding]:
    """Measure progress in the full database against the database that holds that strategy alone."""
    found = await duel(
        lambda: seconds_of(stage.full, PROGRESS), lambda: seconds_of(stage.alone, PROGRESS), 4 * stage.pace.rounds
    )
    return [finding("the same, in the full database against that strategy alone", 1.3, found, "× alone")]


async def in_the_past(stage: Stage) -> list[Finding]:
    """Measure progress at a past date as known at a past instant, against now."""
    as_at, known_at = stage.span.middle
    path = f"{PROGRESS}&as_at={as_at}&known_at={quote(known_at.isoformat())}"
    found = await duel(
        lambda: seconds_of(stage.full, path), lambda: seconds_of(stage.full, PROGRESS), 4 * stage.pace.rounds
    )
    return [finding("progress at a past (as_at, known_at) against now", 3.0, found, "× now")]


async def over_quarters(stage: Stage) -> list[Finding]:
    """Measure the trend over eight quarters against the trend over one, and count the statements of both."""
    last = clock.today()
    found = await duel(
        lambda: seconds_of(stage.full, trend_path(last, QUARTERS)),
        lambda: seconds_of(stage.full, trend_path(last, 1)),
        4 * stage.pace.rounds,
    )
    counts = [
        len(await asyncio.to_thread(statements_of, stage.full, trend_path(last, count))) for count in (1, QUARTERS)
    ]
    return [
        finding(f"trend over {QUARTERS} quarters against one", 8.0, found, "× one"),
        Finding(
            f"statements of a trend over {QUARTERS} quarters, beyond those of one",
            0,
            counts[1] - counts[0],
            f"{counts[1]}; {counts[0]}",
            "statements",
        ),
    ]


async def seconds_of(house: House, path: str) -> float:
    """Return how long an answer takes that nothing kept can give."""
    await house.report()
    return (await house.caller.ask(house.caller.get(path))).seconds


def finding(what: str, target: float, found: Duel, unit: str) -> Finding:
    """Return the line of two times."""
    return Finding(what, target, found.quotient, f"{shown_seconds(found.thing)}; {shown_seconds(found.other)}", unit)


def trend_path(last: date, quarters: int) -> str:
    """Return the question about the last so many quarters' ends: one point each."""
    first = trend_start(last, quarters)
    return f"/v1/progress/trend?strategy_id=1&group_by=priority&from={first}&to={trend_end(last)}"


def trend_end(last: date) -> date:
    """Return the newest end of a quarter that is over: one day before a January, April, July or October."""
    first_of_quarter = last.replace(month=(last.month - 1) // 3 * 3 + 1, day=1)
    return first_of_quarter - timedelta(days=1)


def trend_start(last: date, quarters: int) -> date:
    """Return the first day of the quarter so many quarters back."""
    end = trend_end(last)
    months = end.year * 12 + end.month - 3 * quarters
    return date(months // 12, months % 12 + 1, 1)


def statements_of(house: House, path: str) -> Statements:
    """Return the statements that a question sends to the driver with their parameters, that of the token included."""
    sent: Statements = []

    def take(_connection: Any, _cursor: Any, sql: str, parameters: Any, *_more: Any) -> None:
        sent.append((sql, parameters))

    app = create_app(Settings(database_url=house.url))
    engines = app.state.database.engines
    for engine in engines:
        event.listen(engine, "before_cursor_execute", take)
    with TestClient(app) as client:
        client.get(path, headers={"Authorization": f"Bearer {house.caller.token}"}).raise_for_status()
        # What it writes when it ends is no part of the question.
        for engine in engines:
            event.remove(engine, "before_cursor_execute", take)
    return [(sql, parameters) for sql, parameters in sent if sql not in TRANSACTION]
