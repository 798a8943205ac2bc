"""One database behind three verbs: `read` (one statement), `snapshot` (several that agree) and `write`.

Work is written once, as plain functions of a connection. On PostgreSQL it runs over an asynchronous driver: reads and
writes on the event loop itself, snapshots and long writes, which work out much from what they find, on a loop apart.
On SQLite a read starts on the event loop (most are shorter than the trip to another thread) and moves to a thread where
it turns out long; a snapshot runs in a thread, and all writes in one thread, where those that waited for it share a
commit. A write is committed before it returns; whatever raises rolls back.
"""

import asyncio
import inspect
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar, cast

import asyncpg
import orjson
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, pool
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.util import greenlet_spawn

from service.core.apart import LoopApart
from service.core.driver import is_sqlite, send_script, sqlite_driver
from service.core.errors import Unavailable
from service.core.integrity import conflict_of
from service.core.letters import SQLITE_FUNCTIONS
from service.core.turns import Act, Failed, Outcomes, Turns

# Any number will do, as long as every writer of one database takes the same.
WRITER_LOCK = 7_226_310
SNAPSHOTS_AT_ONCE = 4
# A read that is not done after this time leaves the event loop to the others. The clock is looked at each so many steps
# of SQLite's machine; to count those alone would not do, for SQLite counts on from one run of a statement to the next.
GLANCE_SECONDS = 0.01
GLANCE_STEPS = 10_000
# Write-ahead logging lost data in versions before these.
FIRST_SAFE_WAL = (3, 51, 3)
SAFE_WAL_BRANCHES = {(3, 50): 7, (3, 44): 6}

POSTGRESQL_NAMES = ("postgresql", "postgres")
SUPPORTED = "TRACKER_DATABASE_URL must start with sqlite:/// or postgresql://"

# PostgreSQL's own defaults suit spinning disks and long reports; ours are many short look-ups, which are over before a
# second process or compiled code of their own could help.
PLANNER = {"random_page_cost": "1.1", "parallel_setup_cost": "10000", "jit": "off"}

BUSY = "The database is busy. Nothing was changed; send the request again in a moment."
AWAY = "The database cannot be reached. Nothing is known to have changed; send the request again in a moment."
PASSING_FAULTS: tuple[type[BaseException], ...] = (
    PoolTimeout,
    TimeoutError,
    ConnectionError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.TransactionRollbackError,
    asyncpg.LockNotAvailableError,
    asyncpg.InvalidAuthorizationSpecificationError,
    # The server that was written to has become a standby.
    asyncpg.ReadOnlySQLTransactionError,
    # The connection was ended from the other side, and the driver has not taken that in yet.
    asyncpg.InternalClientError,
    # A time limit of the server's ended the session.
    asyncpg.IdleInTransactionSessionTimeoutError,
)
# Of those, what other work on the database causes.
OF_OTHERS = (PoolTimeout, asyncpg.TransactionRollbackError, asyncpg.LockNotAvailableError)
PASSING_ON_SQLITE = (
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_INTERRUPT,
)

# How what has parts of its own becomes the text that is kept, and is read from it.
JSON_TEXT: dict[str, Callable[[Any], Any]] = {
    "json_serializer": lambda value: orjson.dumps(value).decode(),
    "json_deserializer": orjson.loads,
}

T = TypeVar("T")


class UnsupportedDatabase(ValueError):
    """TRACKER_DATABASE_URL names neither SQLite nor PostgreSQL, or in a way that cannot be used."""


def is_wal_safe(version: tuple[int, int, int]) -> bool:
    """Tell whether this version of SQLite has the repaired write-ahead log: (3, 50, 7) has, (3, 51, 2) has not."""
    return version >= FIRST_SAFE_WAL or version[2] >= SAFE_WAL_BRANCHES.get(version[:2], 1_000_000)


class Database:
    """A SQLite file or a PostgreSQL database."""

    def __init__(self, url: str, *, pool_size: int = 10, lock_timeout_seconds: float = 10.0) -> None:
        parsed = _parse_url(url)
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        self._lock_timeout_seconds = lock_timeout_seconds
        self._writing = asyncio.Lock()
        self._writer = ThreadPoolExecutor(1, "writer")
        self._turns = Turns(self._writer, self._act_together, lock_timeout_seconds, BUSY)
        self._readers = ThreadPoolExecutor(SNAPSHOTS_AT_ONCE, "snapshot")
        self._workers = ThreadPoolExecutor(1, "worker")
        self._glance: Connection | None = None
        self._glance_until = 0.0
        self._apart = LoopApart("apart")
        if self.is_sqlite:
            self.engine = self._engine_apart = _sqlite_engine(parsed, lock_timeout_seconds)
        else:
            # A connection of its driver belongs to a loop.
            self.engine, self._engine_apart = (
                _postgresql_engine(parsed, size, lock_timeout_seconds)
                for size in (pool_size, min(pool_size, SNAPSHOTS_AT_ONCE))
            )

    @property
    def engines(self) -> tuple[Engine, ...]:
        """What its connections come from."""
        return (self.engine,) if self.is_sqlite else (self.engine, self._engine_apart)

    async def read(self, ask: Callable[[Connection], T]) -> T:
        """Run one short statement, outside any transaction."""
        if not self.is_sqlite:
            return await greenlet_spawn(self._ask, ask)
        try:
            return self._ask_at_once(ask)
        except Unavailable:
            # It is long, or somebody is writing: go on where nobody else has to wait too.
            return await asyncio.get_running_loop().run_in_executor(self._readers, self._ask, ask)

    async def snapshot(self, ask: Callable[[Connection], T]) -> T:
        """Run statements that all see the same state of the database."""
        if not self.is_sqlite:
            return await self._apart.run(greenlet_spawn(self._ask_snapshot, ask))
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._ask_snapshot, ask)

    async def write(self, act: Callable[[Connection], T], *, is_long: bool = False) -> T:
        """Run a change as the only writer, and commit it before returning.

        `is_long` says that it takes long by itself, and not only for the database.

        Raises:
            Unavailable: another writer held the database for longer than the set time.
            Conflict: a constraint of the database refused the change.
        """
        if self.is_sqlite:
            return cast("T", await self._turns.take(act))
        try:
            async with asyncio.timeout(self._lock_timeout_seconds):
                await self._writing.acquire()
        except TimeoutError:
            raise Unavailable(BUSY) from None
        try:
            if is_long:
                return await self._apart.run(greenlet_spawn(self._act, self._engine_apart, act))
            return await greenlet_spawn(self._act, self.engine, act)
        finally:
            self._writing.release()

    async def aside(self, work: Callable[[], T]) -> T:
        """Do what takes long and needs no database, where nobody who asks or writes has to wait for it."""
        return await asyncio.get_running_loop().run_in_executor(self._workers, work)

    async def clear_away(self, tables: Iterable[str]) -> None:
        """Take out of the database's files what its tables no longer hold: old pages of a log, versions of rows.

        What is written just before stands in backups and archives of the log all the same.
        """
        if self.is_sqlite:

            def clear(connection: Connection) -> None:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

            await asyncio.get_running_loop().run_in_executor(self._writer, self._ask, clear)
        else:
            await greenlet_spawn(self._ask, lambda connection: send_script(connection, f"VACUUM {', '.join(tables)}"))

    async def dispose(self) -> None:
        """Close every connection."""
        self._writer.shutdown()
        self._readers.shutdown()
        self._workers.shutdown()
        if self._glance is not None:
            self._glance.close()
        if self.is_sqlite:
            self.engine.dispose()
        else:
            await greenlet_spawn(self.engine.dispose)
            await self._apart.end(greenlet_spawn(self._engine_apart.dispose))

    def _ask_at_once(self, ask: Callable[[Connection], T]) -> T:
        with passing_faults():
            glance = self._glance = self._glance or self._open_glance()
            self._glance_until = time.perf_counter() + GLANCE_SECONDS
            try:
                return ask(glance)
            except BaseException:
                # The driver takes a statement that was cut short for one in use ever after, and each time prepares it
                # afresh, which takes longer than to run it.
                if self._is_long() or glance.invalidated:
                    glance.invalidate()
                    glance.close()
                    self._glance = None
                raise

    def _open_glance(self) -> Connection:
        connection = self.engine.connect()
        connection.exec_driver_sql("PRAGMA busy_timeout = 0")
        sqlite_driver(connection).set_progress_handler(self._is_long, GLANCE_STEPS)
        return connection

    def _is_long(self) -> bool:
        return time.perf_counter() > self._glance_until

    def _ask(self, ask: Callable[[Connection], T]) -> T:
        with passing_faults(), self.engine.connect() as connection:
            return ask(connection)

    def _ask_snapshot(self, ask: Callable[[Connection], T]) -> T:
        with passing_faults(), self._engine_apart.connect() as connection:
            try:
                begin_snapshot(connection)
                return ask(connection)
            finally:
                _roll_back(connection)

    def _act(self, engine: Engine, act: Callable[[Connection], T]) -> T:
        with passing_faults(), engine.connect() as connection:
            try:
                begin_write(connection)
                result = act(connection)
                send_script(connection, "COMMIT")
            except BaseException:
                _roll_back(connection)
                raise
            return result

    def _act_together(self, acts: Sequence[Act]) -> Outcomes:
        """Do several changes on SQLite in one transaction; one that raises is undone alone."""
        if len(acts) == 1:
            return [self._act(self.engine, acts[0])]
        return self._act(self.engine, lambda connection: [_attempted(connection, act) for act in acts])


def _attempted(connection: Connection, act: Act) -> Any:
    """Return what a change returns, or `Failed`.

    Raises:
        Unavailable: it took the whole transaction with it, as when the disk is full.
    """
    try:
        with passing_faults(), attempt(connection):
            return act(connection)
    except Exception as error:
        if not sqlite_driver(connection).in_transaction:
            raise Unavailable(BUSY) from error
        return Failed(error)


def _parse_url(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise UnsupportedDatabase(SUPPORTED) from None
    if parsed.get_backend_name() not in ("sqlite", *POSTGRESQL_NAMES):
        raise UnsupportedDatabase(SUPPORTED)
    return parsed


def begin_snapshot(connection: Connection) -> None:
    """Open a transaction in which all statements see the same state."""
    send_script(connection, "BEGIN" if is_sqlite(connection) else "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")


def begin_write(connection: Connection) -> None:
    """Open a transaction and become the only writer before anything is read."""
    # One message, one round trip: the lock stands before the first statement takes its snapshot.
    on_postgresql = f"BEGIN; SELECT pg_advisory_xact_lock({WRITER_LOCK})"
    send_script(connection, "BEGIN IMMEDIATE" if is_sqlite(connection) else on_postgresql)


@contextmanager
def attempt(connection: Connection) -> Iterator[None]:
    """Undo what is done within, and no more, where it raises."""
    send_script(connection, "SAVEPOINT attempt")
    try:
        yield
    except BaseException:
        if not connection.invalidated:
            send_script(connection, "ROLLBACK TO attempt")
            send_script(connection, "RELEASE attempt")
        raise
    send_script(connection, "RELEASE attempt")


def _roll_back(connection: Connection) -> None:
    """End a transaction that is of no further use; a connection that cannot is thrown away."""
    if connection.invalidated:
        return
    try:
        if is_sqlite(connection):
            # The driver's own does nothing where no transaction was begun.
            connection.connection.rollback()
        else:
            send_script(connection, "ROLLBACK")
    except Exception:  # noqa: BLE001 Whatever is wrong with it, the first error is the one to report.
        connection.invalidate()


@contextmanager
def passing_faults() -> Iterator[None]:
    """Turn the faults of a database that is busy or away into `Unavailable`, and refusals into `Conflict`."""
    try:
        yield
    except IntegrityError as error:
        raise conflict_of(error) from error
    except DBAPIError as error:
        if _is_passing(error):
            raise Unavailable(AWAY if error.connection_invalidated else BUSY) from error
        raise
    except sqlite3.OperationalError as error:
        # Of a statement that was sent past SQLAlchemy.
        if not _is_passing_on_sqlite(error):
            raise
        raise Unavailable(BUSY) from error
    except PASSING_FAULTS as error:
        raise Unavailable(BUSY if isinstance(error, OF_OTHERS) else AWAY) from error
    except OSError as error:
        raise Unavailable(AWAY) from error


def _is_passing(error: DBAPIError) -> bool:
    if error.connection_invalidated:
        return True
    cause: BaseException | None = error.orig
    while cause is not None:
        if isinstance(cause, PASSING_FAULTS):
            return True
        if isinstance(cause, sqlite3.OperationalError):
            return _is_passing_on_sqlite(cause)
        cause = cause.__cause__
    return False


def _is_passing_on_sqlite(error: sqlite3.OperationalError) -> bool:
    # The low byte is the kind of fault; the others say where it arose.
    return error.sqlite_errorcode & 0xFF in PASSING_ON_SQLITE


def _sqlite_engine(url: URL, lock_timeout_seconds: float) -> Engine:
    if url.database and url.database != ":memory:":
        _make_file(Path(url.database))
    engine = create_engine(
        url.set(drivername="sqlite"),
        connect_args={"check_same_thread": False, "timeout": lock_timeout_seconds},
        poolclass=pool.QueuePool,
        pool_size=SNAPSHOTS_AT_ONCE + 2,
        # The one that was used last has the most of what is asked for in its cache; the others need hold nothing.
        pool_use_lifo=True,
        pool_reset_on_return=None,
        hide_parameters=True,
        **JSON_TEXT,
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:  # noqa: ARG001 SQLAlchemy calls it so.
        # Transactions are opened by hand; the driver's own handling would open them too late.
        connection.isolation_level = None
        for name, function in SQLITE_FUNCTIONS.items():
            connection.create_function(name, 1, function, deterministic=True)
        cursor = connection.cursor()
        cursor.execute("PRAGMA foreign_keys = ON")
        # Without it, INSERT OR REPLACE deletes a row past the trigger that refuses it.
        cursor.execute("PRAGMA recursive_triggers = ON")
        cursor.execute("PRAGMA synchronous = FULL")
        # What is deleted or written over is gone from the file too: it may have been a person's name.
        cursor.execute("PRAGMA secure_delete = ON")
        cursor.execute("PRAGMA cache_size = -24576")
        # A commit that deletes its journal can be undone by a power cut: nothing waits until the name is gone from
        # the disk. A journal that is cut short in place is waited for, and takes fewer waits in all.
        cursor.execute(f"PRAGMA journal_mode = {'WAL' if is_wal_safe(sqlite3.sqlite_version_info) else 'TRUNCATE'}")
        cursor.close()

    return engine


def _make_file(path: Path) -> None:
    """Make the file of a new database, with its folder; it will hold people's names, so only its owner may read it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.touch(mode=0o600)
    except OSError as error:
        raise UnsupportedDatabase(f"The SQLite file {path} cannot be made: {error.strerror}.") from None


def _postgresql_engine(url: URL, pool_size: int, lock_timeout_seconds: float) -> Engine:
    known = {"sslmode", "prepared_statement_cache_size", *inspect.signature(asyncpg.connect).parameters}
    unknown = url.query.keys() - known
    if unknown:
        raise UnsupportedDatabase(f"TRACKER_DATABASE_URL: leave out {', '.join(sorted(unknown))}, which is not known.")
    milliseconds = str(int(lock_timeout_seconds * 1000))
    # The driver knows the usual parameter of an address by another name.
    encryption = {"ssl": url.query["sslmode"]} if "sslmode" in url.query else {}
    engine = create_async_engine(
        url.set(drivername="postgresql+asyncpg").difference_update_query(["sslmode"]),
        isolation_level="AUTOCOMMIT",
        **JSON_TEXT,
        pool_size=pool_size,
        max_overflow=0,
        hide_parameters=True,
        pool_timeout=lock_timeout_seconds,
        pool_reset_on_return=None,
        connect_args={
            "timeout": lock_timeout_seconds,
            **encryption,
            # The driver keeps them prepared; by itself it would leave out those that are longer than this.
            "max_cacheable_statement_size": 0,
            "server_settings": {**PLANNER, "lock_timeout": milliseconds, "application_name": "tracker"},
        },
    )
    return engine.sync_engine
