"""What goes past SQLAlchemy, straight to the driver: statements and scripts as they stand, and many rows at once.

Faults come as they do through SQLAlchemy: a refusal of a constraint is an IntegrityError, and a connection that may be
broken is let go. Whoever listens for statements hears of those of `fetch` and `send_each`.
"""

import sqlite3
from collections.abc import Sequence
from typing import Any

import asyncpg
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError
from sqlalchemy.util import await_only

Parameters = Sequence[Any]
REFUSALS = (sqlite3.IntegrityError, asyncpg.IntegrityConstraintViolationError)
# After any other fault a connection may be of no further use.
HARMLESS = (sqlite3.Error, asyncpg.DataError)


def is_sqlite(connection: Connection) -> bool:
    """Tell which of the two databases this is."""
    return connection.dialect.name == "sqlite"


def sqlite_driver(connection: Connection) -> sqlite3.Connection:
    """Return the connection of SQLite's driver."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)  # noqa: S101 It narrows the type; the engine was made so.
    return driver


def postgresql_driver(connection: Connection) -> asyncpg.Connection:
    """Return the connection of PostgreSQL's driver."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, asyncpg.Connection)  # noqa: S101 It narrows the type; the engine was made so.
    return driver


def fetch(connection: Connection, sql: str, parameters: Parameters = ()) -> list[Any]:
    """Send a statement and return its rows.

    Raises:
        IntegrityError: a constraint refused it.
    """
    _tell(connection, sql, parameters, is_many=False)
    with _Faults(connection, sql):
        if is_sqlite(connection):
            return sqlite_driver(connection).execute(sql, parameters).fetchall()
        found: list[Any] = await_only(postgresql_driver(connection).fetch(sql, *parameters))
        return found


def send_each(connection: Connection, sql: str, several: Sequence[Parameters]) -> None:
    """Send a statement once for each of several lists of parameters.

    Raises:
        IntegrityError: a constraint refused one of them.
    """
    _tell(connection, sql, several, is_many=True)
    with _Faults(connection, sql):
        if is_sqlite(connection):
            sqlite_driver(connection).executemany(sql, several)
        else:
            await_only(postgresql_driver(connection).executemany(sql, several))


def send_script(connection: Connection, script: str) -> None:
    """Send what gives no rows; to PostgreSQL in one message, which may hold several statements."""
    if is_sqlite(connection):
        fetch(connection, script)
        return
    with _Faults(connection, script):
        await_only(postgresql_driver(connection).execute(script))


def copy_rows(connection: Connection, table: str, names: Sequence[str], rows: Sequence[Parameters]) -> None:
    """Insert rows into a table of PostgreSQL by COPY.

    Raises:
        IntegrityError: a constraint refused one of them.
    """
    with _Faults(connection, f"COPY {table}"):
        await_only(postgresql_driver(connection).copy_records_to_table(table, columns=names, records=rows))


def _tell(connection: Connection, sql: str, parameters: Any, *, is_many: bool) -> None:
    for listener in connection.dispatch.before_cursor_execute:
        listener(connection, None, sql, parameters, None, is_many)


class _Faults:
    """Around what is sent: a constraint refuses as through SQLAlchemy; a connection that may be broken is let go."""

    def __init__(self, connection: Connection, sql: str) -> None:
        self._connection = connection
        self._sql = sql

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        """Look at what went wrong, if anything."""
        if error is None:
            return
        if isinstance(error, REFUSALS):
            raise IntegrityError(self._sql, None, error) from error
        if not isinstance(error, HARMLESS):
            self._connection.invalidate()
