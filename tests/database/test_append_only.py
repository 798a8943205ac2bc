"""What is only ever added: the database itself refuses to change or delete it, whoever asks."""

from collections.abc import Callable

import pytest
from sqlalchemy import Connection, Table, delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError

import service.main  # noqa: F401 Every table joins the metadata.
from service.core.errors import TrackerError
from service.core.history import APPEND_ONLY, metadata
from tests.conftest import run_once
from tests.factories import all_rows, fill

Attempt = Callable[[Connection, Table], object]


def change(connection: Connection, table: Table) -> None:
    """Set a column to what it is."""
    column = next(iter(table.primary_key))
    connection.execute(update(table).values({column: column}))


def remove(connection: Connection, table: Table) -> None:
    """Delete every row."""
    connection.execute(delete(table))


def replace(connection: Connection, table: Table) -> None:
    """Write a row over the one with its key."""
    row = connection.execute(select(table).limit(1)).mappings().one()
    connection.execute(insert(table).prefix_with("OR REPLACE").values(dict(row)))


def truncate(connection: Connection, table: Table) -> None:
    """Empty the table at once."""
    connection.execute(text(f"TRUNCATE {table.name} CASCADE"))


def is_refused(url: str, attempt: Attempt, table: Table) -> bool:
    """Tell whether the database refuses an attempt."""
    try:
        run_once(url, lambda connection: attempt(connection, table))
    except (TrackerError, DBAPIError):
        return True
    return False


def refused(url: str, attempt: Attempt) -> set[str]:
    """Return the names of those tables on which the database refuses an attempt."""
    return {name for name in APPEND_ONLY if is_refused(url, attempt, metadata.tables[name])}


@pytest.mark.parametrize("attempt", [change, remove])
def test_no_row_is_changed_or_deleted(database_url: str, attempt: Attempt) -> None:
    fill(database_url)
    assert refused(database_url, attempt) == APPEND_ONLY


@pytest.mark.parametrize("engine_name", ["postgresql"])
def test_no_table_is_truncated(database_url: str) -> None:
    fill(database_url)
    assert refused(database_url, truncate) == APPEND_ONLY


@pytest.mark.parametrize("engine_name", ["sqlite"])
def test_no_row_is_written_over(database_url: str) -> None:
    fill(database_url)
    assert refused(database_url, replace) == APPEND_ONLY


def test_every_history_is_among_them() -> None:
    histories = {name for name in metadata.tables if name.endswith("_history")}
    assert (
        histories | {"status_update", "observation", "report_file", "stamp", "change", "access_change"} == APPEND_ONLY
    )


def test_the_tests_fill_every_table(database_url: str) -> None:
    fill(database_url)
    assert [name for name, rows in all_rows(database_url).items() if not rows] == []
