"""What others do to a database while the service works on it."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from sqlalchemy import make_url

from service.core.db import WRITER_LOCK

OURS = "application_name = 'tracker' AND datname = current_database()"


@asynccontextmanager
async def postgresql_session(url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """Open a session of one's own on the server behind the service."""
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def sqlite_transaction(url: str, opening: str) -> AsyncIterator[None]:
    """Hold a transaction on the file behind the service, opened by these statements."""
    connection = sqlite3.connect(str(make_url(url).database), isolation_level=None)
    try:
        for statement in opening.split(";"):
            connection.execute(statement).fetchone()
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()


@asynccontextmanager
async def another_writer(url: str) -> AsyncIterator[None]:
    """Hold the writer's place, as another process of the service would."""
    if url.startswith("sqlite"):
        async with sqlite_transaction(url, "BEGIN IMMEDIATE"):
            yield
        return
    async with postgresql_session(url) as session, session.transaction():
        await session.execute(f"SELECT pg_advisory_xact_lock({WRITER_LOCK})")
        yield


@asynccontextmanager
async def locked_milestones(url: str) -> AsyncIterator[None]:
    """Make whoever reads milestones wait (PostgreSQL)."""
    async with postgresql_session(url) as session, session.transaction():
        await session.execute("LOCK TABLE milestone IN ACCESS EXCLUSIVE MODE")
        yield


async def wait_for_waiters(session: "asyncpg.Connection[asyncpg.Record]", count: int) -> None:
    """Wait until so many of the service's connections wait for a lock."""
    waiting = f"SELECT count(*) FROM pg_stat_activity WHERE {OURS} AND wait_event_type = 'Lock'"  # noqa: S608 It is fixed.
    while await session.fetchval(waiting) < count:
        await asyncio.sleep(0.01)


async def cut_connections(session: "asyncpg.Connection[asyncpg.Record]") -> int:
    """End all of the service's connections from the side of the database, and return how many there were."""
    cut = await session.fetch(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {OURS}")  # noqa: S608 It is fixed.
    while await session.fetchval(f"SELECT count(*) FROM pg_stat_activity WHERE {OURS}"):  # noqa: S608 It is fixed.
        await asyncio.sleep(0.01)
    return len(cut)
