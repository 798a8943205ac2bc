"""Measuring durable status updates: by one client against the bare driver, and by 32 against one."""

import time

from bench.cores import SERVER_CORE, on_core
from bench.databases import Bare, bare
from bench.measure import Finding, duel
from bench.stage import Stage, ids, reports

CLIENTS = 32
INSERT = """INSERT INTO status_update (milestone_id, effective_on, status, percent_complete, forecast_on, confidence,
    narrative, evidence, seq)
SELECT $1, effective_on, 'in_progress', 40, NULL, NULL,
    'What was done since the last report, and what stands in its way.', '[]', seq
FROM status_update WHERE id = 1"""


async def one_writer(stage: Stage) -> list[Finding]:
    """Measure reports by one client against the bare driver's insert and commit on the same database."""
    house, seconds = stage.full, stage.pace.seconds
    requests = reports(house)
    async with bare(house.url) as driver:

        async def served() -> float:
            return (await house.caller.rate(requests.__next__, seconds, 1)).per_second(201)

        found = await duel(served, lambda: _bare_rate(stage, driver, seconds), stage.pace.rounds)
    raw = f"{found.thing:,.0f}/s; bare {found.other:,.0f}/s"
    return [Finding("durable status update, one client", 0.5, found.quotient, raw, "× bare", is_least=True)]


async def many_writers(stage: Stage) -> list[Finding]:
    """Measure reports by 32 clients against one; any answer but 201 ends the measurement."""
    house, seconds = stage.full, stage.pace.seconds
    requests = reports(house)

    async def rate(clients: int) -> float:
        return (await house.caller.rate(requests.__next__, seconds, clients)).per_second(201)

    found = await duel(lambda: rate(CLIENTS), lambda: rate(1), stage.pace.rounds)
    raw = f"{found.thing:,.0f}/s; one {found.other:,.0f}/s; no errors"
    return [Finding(f"durable status updates, {CLIENTS} clients", 1.0, found.quotient, raw, "× one", is_least=True)]


async def _bare_rate(stage: Stage, driver: Bare, seconds: float) -> float:
    begin = "BEGIN IMMEDIATE" if stage.is_sqlite else "BEGIN"
    sql = INSERT.replace("$1", "?") if stage.is_sqlite else INSERT
    rows, count = ids(stage.size), 0
    started = time.perf_counter()
    with on_core(SERVER_CORE):
        while time.perf_counter() < started + seconds:
            await driver.run(begin)
            await driver.run(sql, (next(rows),))
            await driver.run("COMMIT")
            count += 1
    return count / (time.perf_counter() - started)
