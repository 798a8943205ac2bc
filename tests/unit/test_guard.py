"""The guard of the unit tests stands."""

import asyncio
import contextlib
import socket
import sqlite3
from collections.abc import Callable

import asyncpg
import pytest

from service.core.db import Database
from service.main import create_app
from service.settings import Settings


def connect_to_postgresql() -> None:
    asyncio.run(asyncpg.connect("postgresql://nobody@127.0.0.1:1/none"))


def read_through_our_own_code() -> None:
    Database("sqlite://").engine.connect()


def swallow_the_fault() -> None:
    with contextlib.suppress(Exception):
        sqlite3.connect(":memory:")


@pytest.mark.parametrize(
    "act",
    [
        lambda: sqlite3.connect(":memory:"),
        lambda: socket.create_connection(("127.0.0.1", 1)),
        lambda: socket.getaddrinfo("localhost", 1),
        connect_to_postgresql,
        read_through_our_own_code,
        swallow_the_fault,
    ],
    ids=["sqlite3", "socket", "name", "asyncpg", "database", "swallowed"],
)
def test_a_unit_test_that_opens_a_database_or_a_socket_fails(act: Callable[[], object]) -> None:
    with pytest.raises(pytest.fail.Exception, match="A unit test came to"):
        act()


def test_what_opens_nothing_may_be_made() -> None:
    assert create_app(Settings(database_url="sqlite://")).title == "Partnership Action Tracker"


def test_an_event_loop_may_run() -> None:
    assert asyncio.run(asyncio.sleep(0, "done")) == "done"
