"""Measuring `tracker load` of a whole plan file against bare bulk inserts of the same rows."""

import time
from pathlib import Path

import orjson
from sqlmodel import SQLModel

from bench.cores import SERVER_CORE, on_core
from bench.databases import Bare, bare, tracker
from bench.measure import Finding, shown_seconds
from bench.planfile import Copied, plan_file
from bench.stage import Stage

# In the order in which they refer to one another.
TABLES = (
    "organisation",
    "owner",
    "strategy",
    "strategy_organisation",
    "priority",
    "workstream",
    "workstream_priority",
    "milestone",
    "status_update",
)


async def load(stage: Stage) -> list[Finding]:
    """Load the data as a plan file, then insert the same rows with the bare driver."""
    async with bare(stage.full.url) as driver:
        data = {table: await _copied(driver, table) for table in TABLES}
    file = stage.home.folder / "plan.json"
    file.write_bytes(orjson.dumps(plan_file(data)))
    loaded, inserted = await _load_seconds(stage, file), await _insert_seconds(stage, data)
    megabytes = file.stat().st_size / 1e6
    file.unlink()
    raw = f"{shown_seconds(loaded)} for {megabytes:,.0f} MB; bare {shown_seconds(inserted)}"
    return [Finding("`load` of the data against bare bulk inserts", 5.0, loaded / inserted, raw, "× bare")]


async def _copied(driver: Bare, table: str) -> Copied:
    """Return the rows of a table as if one transaction had brought them all."""
    columns = tuple(SQLModel.metadata.tables[table].columns.keys())
    shown = ", ".join("1" if name in ("seq", "from_seq") else name for name in columns)
    rows = await driver.run(f"SELECT {shown} FROM {table} ORDER BY 1, 2")  # noqa: S608 Our own names.
    return Copied(columns, [tuple(row) for row in rows])


async def _load_seconds(stage: Stage, file: Path) -> float:
    url = await stage.home.make()
    started = time.perf_counter()
    with on_core(SERVER_CORE):
        tracker(url, "load", str(file))
    seconds = time.perf_counter() - started
    await stage.home.drop(url)
    return seconds


async def _insert_seconds(stage: Stage, data: dict[str, Copied]) -> float:
    url = await stage.home.make()
    async with bare(url) as driver:
        with on_core(SERVER_CORE):
            started = time.perf_counter()
            await driver.run("BEGIN")
            await driver.run("INSERT INTO stamp (seq, at) VALUES (1, 1)")
            for table, copied in data.items():
                await driver.insert_many(table, copied.columns, copied.rows)
            await driver.run("COMMIT")
            seconds = time.perf_counter() - started
    await stage.home.drop(url)
    return seconds
