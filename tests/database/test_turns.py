"""Changes that wait for one another on SQLite share a commit, and nothing else: each is done, or undone, by itself."""

import asyncio
import contextlib
import gc
import sqlite3
import threading
import weakref
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import Connection, text

from service.core.db import Database, is_wal_safe
from service.core.errors import Conflict, Unavailable
from service.core.turns import Act
from tests.database.listening import statements_sent

pytestmark = pytest.mark.parametrize("engine_name", ["sqlite"])
SHORT, LONG = 0.2, 60.0


@pytest.fixture
def path(database_url: str) -> str:
    """Return an empty file with one table."""
    path = database_url.removeprefix("sqlite:///")
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE said (what TEXT PRIMARY KEY)")
    connection.close()
    return path


def say(what: str) -> Act:
    """Return a change that keeps a word, and returns it."""

    def act(connection: Connection) -> str:
        connection.execute(text("INSERT INTO said VALUES (:what)"), {"what": what})
        return what

    return act


def say_and_raise(what: str) -> Act:
    """Return a change that keeps a word and then fails."""

    def act(connection: Connection) -> None:
        say(what)(connection)
        raise LookupError(what)

    return act


def lose_the_transaction(connection: Connection) -> None:
    """Fail as SQLite does where the disk is full: what was begun is gone."""
    say("lost")(connection)
    driver: Any = connection.connection.driver_connection
    driver.rollback()
    raise sqlite3.OperationalError("database or disk is full")


def kept(path: str) -> set[str]:
    """Return what is on the disk."""
    connection = sqlite3.connect(path)
    try:
        return {what for (what,) in connection.execute("SELECT what FROM said")}
    finally:
        connection.close()


@asynccontextmanager
async def held_up(database: Database) -> Any:
    """Keep the thread of the writer busy with a change until the block ends."""
    begun, go_on = threading.Event(), threading.Event()

    def wait(_connection: Connection) -> None:
        begun.set()
        go_on.wait()

    first = asyncio.create_task(database.write(wait))
    await asyncio.to_thread(begun.wait)
    try:
        yield
    finally:
        go_on.set()
        await first


async def all_at_once(database: Database, *acts: Act) -> list[Any]:
    """Send in changes while the writer is busy, and return what became of them."""
    async with held_up(database):
        waiting = [asyncio.create_task(database.write(act)) for act in acts]
        await asyncio.sleep(0)
    return await asyncio.gather(*waiting, return_exceptions=True)


def run(path: str, story: Callable[[Database], Awaitable[None]], patience: float = LONG) -> None:
    """Run a story over a database that has the table."""

    async def tell() -> None:
        database = Database(f"sqlite:///{path}", lock_timeout_seconds=patience)
        try:
            await story(database)
        finally:
            await database.dispose()

    asyncio.run(tell())


def test_those_that_wait_share_a_commit(path: str) -> None:
    async def story(database: Database) -> None:
        with statements_sent(database, lambda statement: statement == "COMMIT") as commits:
            assert await all_at_once(database, *(say(what) for what in "abcde")) == list("abcde")
            assert kept(path) == set("abcde")
        # One is that of whoever held them up.
        assert len(commits) == 2

    run(path, story)


def test_one_that_fails_is_undone_alone(path: str) -> None:
    async def story(database: Database) -> None:
        first, failed, taken, last = await all_at_once(database, say("a"), say_and_raise("b"), say("a"), say("c"))
        assert (first, last) == ("a", "c")
        assert isinstance(failed, LookupError)
        assert isinstance(taken, Conflict)

    run(path, story)
    assert kept(path) == {"a", "c"}


def test_what_takes_the_transaction_with_it_makes_all_of_them_come_again(path: str) -> None:
    async def story(database: Database) -> None:
        found = await all_at_once(database, say("a"), lose_the_transaction, say("b"))
        assert [type(each) for each in found] == [Unavailable] * 3
        assert await database.write(say("after")) == "after"

    run(path, story)
    assert kept(path) == {"after"}


@pytest.mark.skipif(
    is_wal_safe(sqlite3.sqlite_version_info), reason="With a write-ahead log no reader gets in the way of a commit."
)
def test_a_commit_that_fails_makes_all_of_them_come_again(path: str) -> None:
    async def story(database: Database) -> None:
        reader = sqlite3.connect(path, isolation_level=None, check_same_thread=False)

        def get_in_the_way(connection: Connection) -> None:
            say("b")(connection)
            connection.exec_driver_sql("PRAGMA busy_timeout = 0")
            reader.execute("BEGIN")
            reader.execute("SELECT * FROM said").fetchall()

        found = await all_at_once(database, say("a"), get_in_the_way)
        assert [type(each) for each in found] == [Unavailable] * 2
        reader.close()

    run(path, story)
    assert kept(path) == set()


def test_who_waits_too_long_is_sent_away_before_anything_is_done(path: str) -> None:
    async def story(database: Database) -> None:
        async with held_up(database):
            with pytest.raises(Unavailable, match="busy"):
                await database.write(say("late"))
        assert await database.write(say("in time")) == "in time"

    run(path, story, SHORT)
    assert kept(path) == {"in time"}


def test_who_goes_away_while_waiting_leaves_no_trace(path: str) -> None:
    async def story(database: Database) -> None:
        async with held_up(database):
            gone, there = (asyncio.create_task(database.write(say(what))) for what in ("gone", "there"))
            await asyncio.sleep(0)
            gone.cancel()
        assert await there == "there"

    run(path, story)
    assert kept(path) == {"there"}


def test_what_failed_is_let_go_at_once(path: str) -> None:
    known: list[weakref.ref[Exception]] = []

    class Heavy(Exception):  # noqa: N818 It is no error of the service.
        def __init__(self) -> None:
            known.append(weakref.ref(self))

    def fail(_connection: Connection) -> None:
        raise Heavy

    async def story(database: Database) -> None:
        gc.disable()
        try:
            with contextlib.suppress(Heavy):
                await database.write(fail)
            # The thread has put down what it did before.
            await database.write(say("next"))
            assert [each() for each in known] == [None]
        finally:
            gc.enable()

    run(path, story)
