"""Backup and restore: the whole database as one zip file that either engine can read.

The file holds `manifest.json` and one file of JSON lines for each table. It is one consistent state, taken while
the service goes on writing.
"""

import base64
import json
import sqlite3
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Connection, Integer, Table, create_engine, func, insert, select, text

from service.core.columns import EPOCH, MICROSECOND, to_microseconds
from service.core.errors import Conflict, Fault, Invalid
from service.core.history import Row, metadata
from service.core.migrations import current_revision

FORMAT, FORMAT_VERSION = "tracker-backup", 1
PART = 5_000
MANIFEST = "manifest.json"


def write_backup(connection: Connection, target: Path) -> dict[str, int]:
    """Write a backup of what this connection sees, and return the rows of each table; never a half file."""
    partial = target.with_name(target.name + ".partial")
    counts: dict[str, int] = {}
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as archive:
        for table in metadata.sorted_tables:
            with archive.open(f"{table.name}.jsonl", "w", force_zip64=True) as lines:
                counts[table.name] = 0
                for row in _rows(connection, table):
                    lines.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
                    counts[table.name] += 1
        manifest = {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "revision": current_revision(connection),
            "rows": counts,
            "last_ids": _last_ids(connection),
        }
        archive.writestr(MANIFEST, json.dumps(manifest, indent=1))
    partial.replace(target)
    return counts


def write_sqlite_backup(source: Path, target: Path) -> dict[str, int]:
    """Write a backup of a SQLite file from a quick copy, so that no writer waits for the slow part."""
    with tempfile.TemporaryDirectory(dir=target.resolve().parent) as folder:
        copy = Path(folder) / "copy.db"
        with sqlite3.connect(source) as live, sqlite3.connect(copy) as held:
            live.backup(held)
        live.close()
        held.close()
        engine = create_engine(f"sqlite:///{copy}")
        try:
            with engine.connect() as connection:
                return write_backup(connection, target)
        finally:
            engine.dispose()


def check_empty(connection: Connection) -> None:
    """Raise Conflict unless the database holds nothing."""
    for table in metadata.sorted_tables:
        if connection.execute(select(table).limit(1)).first() is not None:
            raise Conflict("This database holds data. Restore into an empty one, or say --replace to discard it.")


def read_backup(connection: Connection, source: Path) -> dict[str, int]:
    """Put the rows of a backup into an empty database, and return how many of each table.

    Raises:
        Invalid: the file is no backup, or one of other tables than these.
    """
    try:
        archive = zipfile.ZipFile(source)
        manifest = json.loads(archive.read(MANIFEST))
    except (OSError, zipfile.BadZipFile, KeyError, ValueError):
        raise Invalid(Fault("", f"{source} is not a backup of this service.")) from None
    with archive:
        if manifest.get("format") != FORMAT or manifest.get("format_version") != FORMAT_VERSION:
            raise Invalid(Fault("", f"{source} is not a backup of this service."))
        if manifest["revision"] != current_revision(connection):
            raise Invalid(Fault("", f"The backup is of revision {manifest['revision']}: restore it with that version."))
        for table in metadata.sorted_tables:
            with archive.open(f"{table.name}.jsonl") as lines:
                count = _insert(connection, table, (json.loads(line) for line in lines))
            if count != manifest["rows"][table.name]:
                raise Invalid(Fault("", f"{source} is cut short: {table.name} has {count} rows."))
        _set_last_ids(connection, manifest["last_ids"])
    return dict(manifest["rows"])


def _rows(connection: Connection, table: Table) -> Iterator[Row]:
    columns = list(table.columns)
    found = connection.execution_options(yield_per=PART).execute(select(table).order_by(*table.primary_key))
    for row in found:
        yield {column.name: _plain(value) for column, value in zip(columns, row, strict=True)}


def _insert(connection: Connection, table: Table, lines: Iterable[Row]) -> int:
    count, part = 0, []
    for line in _parents_first(table, lines):
        part.append({column.name: _typed(line[column.name], column) for column in table.columns})
        count += 1
        if len(part) == PART:
            connection.execute(insert(table), part)
            part = []
    if part:
        connection.execute(insert(table), part)
    return count


def _parents_first(table: Table, lines: Iterable[Row]) -> Iterable[Row]:
    """Put the rows of a tree in an order in which no row comes before its parent."""
    if "parent_id" not in table.c or "to_seq" in table.c:
        return lines
    waiting = list(lines)
    placed: dict[int | None, None] = {None: None}
    ordered: list[Row] = []
    while waiting:
        ready = [row for row in waiting if row["parent_id"] in placed]
        if not ready:
            raise Invalid(Fault("", f"The rows of {table.name} refer to parents that are not there."))
        ordered.extend(ready)
        placed.update(dict.fromkeys(row["id"] for row in ready))
        waiting = [row for row in waiting if row["id"] not in placed]
    return ordered


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return to_microseconds(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value


def _typed(value: Any, column: Column[Any]) -> Any:
    kind = type(column.type).__name__
    if value is None:
        return None
    if kind == "Instant":
        return EPOCH + value * MICROSECOND
    if kind == "Date":
        return date.fromisoformat(value)
    if kind == "Money":
        return Decimal(value)
    if kind == "LargeBinary":
        return base64.b64decode(value)
    return value


def _numbered(table: Table) -> bool:
    """Tell whether a table hands out its ids."""
    return "id" in table.primary_key.columns and len(table.primary_key.columns) == 1


def _last_ids(connection: Connection) -> dict[str, int]:
    """Return the last id that each table handed out, whether or not its row is still there."""
    last: dict[str, int] = {}
    for table in metadata.sorted_tables:
        if not _numbered(table):
            continue
        if connection.dialect.name == "sqlite":
            found = connection.execute(select(func.max(table.c.id))).scalar_one()
            if table.dialect_options["sqlite"]["autoincrement"]:
                query = text("SELECT seq FROM sqlite_sequence WHERE name = :name").columns(seq=Integer)
                found = connection.execute(query, {"name": table.name}).scalar_one_or_none() or found
        else:
            last_value = text("SELECT pg_sequence_last_value(pg_get_serial_sequence(:name, 'id')::regclass)")
            found = connection.execute(last_value, {"name": table.name}).scalar_one()
        last[table.name] = found or 0
    return last


def _set_last_ids(connection: Connection, last: Mapping[str, int]) -> None:
    for table in metadata.sorted_tables:
        row_id = last.get(table.name, 0)
        if not _numbered(table) or not row_id:
            continue
        if connection.dialect.name != "sqlite":
            connection.execute(select(func.setval(func.pg_get_serial_sequence(table.name, "id"), row_id)))
        elif table.dialect_options["sqlite"]["autoincrement"]:
            named = {"name": table.name, "seq": row_id}
            if not connection.execute(text("UPDATE sqlite_sequence SET seq = :seq WHERE name = :name"), named).rowcount:
                connection.execute(text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :seq)"), named)
