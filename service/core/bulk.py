"""Inserting many rows in the fastest way that each driver has."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Table

from service.core.driver import copy_rows, is_sqlite, send_each

Values = Sequence[Any]
# Rows are handed to the database in parts of this many.
PART = 20_000


def insert_rows(connection: Connection, table: Table, names: Sequence[str], rows: Iterable[Values]) -> int:
    """Insert rows, each with the values of the named columns in their order, and return how many there were.

    PostgreSQL takes them by COPY, SQLite by one prepared statement; what a type does to its values is done here.

    Raises:
        IntegrityError: a constraint refused a row.
    """
    count, part = 0, []
    for row in _bound(connection, table, names, rows):
        part.append(row)
        if len(part) == PART:
            _insert(connection, table, names, part)
            count, part = count + PART, []
    if part:
        _insert(connection, table, names, part)
    return count + len(part)


def _bound(connection: Connection, table: Table, names: Sequence[str], rows: Iterable[Values]) -> Iterable[Values]:
    """Return the rows as the driver takes them."""
    kinds = [table.c[name].type.dialect_impl(connection.dialect) for name in names]
    processors = [kind.bind_processor(connection.dialect) for kind in kinds]
    bound = [(place, process) for place, process in enumerate(processors) if process is not None]
    if not bound:
        yield from rows
        return
    for row in rows:
        values = list(row)
        for place, process in bound:
            values[place] = process(values[place])
        yield values


def _insert(connection: Connection, table: Table, names: Sequence[str], rows: Sequence[Values]) -> None:
    if is_sqlite(connection):
        places = ", ".join("?" * len(names))
        sql = f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({places})"  # noqa: S608 Names of our own tables.
        send_each(connection, sql, rows)
    else:
        copy_rows(connection, table.name, names, rows)
