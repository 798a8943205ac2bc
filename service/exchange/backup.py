"""Backup and restore: the whole database as one zip file that either engine can read.

The file holds `manifest.json` and one file of JSON lines for each table. It is one consistent state, taken while
the service goes on writing. It holds people's names, so only its owner may read it.
"""

import base64
import hashlib
import json
import os
import sqlite3
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import IO, Any, Literal, NoReturn

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Column, Connection, Integer, Table, create_engine, func, select, text
from sqlalchemy.exc import IntegrityError

from service.core.bulk import insert_rows
from service.core.columns import EPOCH, MICROSECOND, to_microseconds
from service.core.driver import is_sqlite
from service.core.errors import Conflict, Fault, Invalid, Unavailable
from service.core.history import Row, metadata
from service.core.migrations import current_revision

# Rows are fetched in parts of this many.
PART = 5_000
MANIFEST = "manifest.json"
# What reading a file comes to that is no backup, is cut off, or was changed since it was written.
DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RuntimeError,
    IntegrityError,
)


class Manifest(BaseModel):
    """What a backup says of itself; the digests are the SHA-256 of each table's lines, in hex."""

    model_config = ConfigDict(extra="forbid", strict=True)

    format: Literal["tracker-backup"] = "tracker-backup"
    format_version: Literal[1] = 1
    revision: str | None
    rows: dict[str, int]
    digests: dict[str, str]
    last_ids: dict[str, int]


def write_backup(connection: Connection, target: Path) -> dict[str, int]:
    """Write a backup of what this connection sees, and return the rows of each table; never a half file.

    Raises:
        Invalid: the file cannot be written.
    """
    counts: dict[str, int] = {}
    digests: dict[str, str] = {}
    with _new_file(target) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as archive:
        for table in metadata.sorted_tables:
            digest, count = hashlib.sha256(), 0
            with archive.open(f"{table.name}.jsonl", "w", force_zip64=True) as lines:
                for row in _rows(connection, table):
                    line = json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
                    lines.write(line)
                    digest.update(line)
                    count += 1
            counts[table.name], digests[table.name] = count, digest.hexdigest()
        manifest = Manifest(
            revision=current_revision(connection), rows=counts, digests=digests, last_ids=_last_ids(connection)
        )
        with archive.open(MANIFEST, "w") as words:
            words.write(manifest.model_dump_json(indent=1).encode())
    return counts


def write_sqlite_backup(source: Path, target: Path) -> dict[str, int]:
    """Write a backup of a SQLite file from a quick copy, so that no writer waits for the slow part.

    Raises:
        Invalid: the file cannot be written.
        Unavailable: the database cannot be copied.
    """
    with _file_faults(target, "write"), tempfile.TemporaryDirectory(dir=target.resolve().parent) as folder:
        copy = Path(folder) / "copy.db"
        try:
            with closing(sqlite3.connect(source)) as live, closing(sqlite3.connect(copy)) as held:
                live.backup(held)
        except sqlite3.Error as error:
            raise Unavailable(f"The database cannot be copied: {error}.") from error
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
        Invalid: the file is no backup, is damaged, or is one of other tables than these.
    """
    with _file_faults(source, "read"), _damage(f"{source} is not a backup of this service."):
        archive = zipfile.ZipFile(source)
        manifest = Manifest.model_validate_json(archive.read(MANIFEST))
    with archive:
        if manifest.revision != current_revision(connection):
            raise Invalid(Fault("", f"The backup is of revision {manifest.revision}: restore it with that version."))
        with _file_faults(source, "read"), _damage(f"{source} is damaged: it is not as it was written."):
            for table in metadata.sorted_tables:
                with archive.open(f"{table.name}.jsonl") as lines:
                    digest = hashlib.sha256()
                    count = _insert(connection, table, _parsed(lines, digest))
                if (count, digest.hexdigest()) != (manifest.rows[table.name], manifest.digests[table.name]):
                    raise ValueError(table.name)
            _set_last_ids(connection, manifest.last_ids)
    return manifest.rows


@contextmanager
def _new_file(target: Path) -> Iterator[IO[bytes]]:
    """Give a file that its owner alone may read, and put it in the target's place once it is whole and on the disk."""
    with _file_faults(target, "write"):
        if target.exists() and not target.is_file():
            raise Invalid(Fault("", f"Cannot write {target}: it is there, and not a file."))
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".tracker-backup-", delete=False) as file:
            partial = Path(file.name)
            try:
                yield file
                file.flush()
                os.fsync(file.fileno())
                partial.replace(target)
                _sync_folder(target.parent)
            except BaseException:
                partial.unlink(missing_ok=True)
                raise


def _sync_folder(folder: Path) -> None:
    """Put the names in a folder on the disk: after a power cut a file is only there if its name is."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


@contextmanager
def _file_faults(path: Path, verb: str) -> Iterator[None]:
    """Say in words what is wrong with a file, and not that the database is away."""
    try:
        yield
    except (ConnectionError, TimeoutError):
        raise
    except OSError as error:
        raise Invalid(Fault("", f"Cannot {verb} {path}: {error.strerror or error}.")) from None


@contextmanager
def _damage(detail: str) -> Iterator[None]:
    try:
        yield
    except DAMAGE as error:
        raise Invalid(Fault("", detail)) from error


def _parsed(lines: Iterable[bytes], digest: Any) -> Iterator[Row]:
    for line in lines:
        digest.update(line)
        yield json.loads(line, parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _rows(connection: Connection, table: Table) -> Iterator[Row]:
    columns = list(table.columns)
    found = connection.execution_options(yield_per=PART).execute(select(table).order_by(*table.primary_key))
    for row in found:
        yield {column.name: _plain(value) for column, value in zip(columns, row, strict=True)}


def _insert(connection: Connection, table: Table, lines: Iterable[Row]) -> int:
    columns = list(table.columns)
    rows = (_values(columns, line) for line in _parents_first(table, lines))
    return insert_rows(connection, table, [column.name for column in columns], rows)


def _values(columns: Sequence[Column[Any]], line: Row) -> list[Any]:
    if len(line) != len(columns):
        raise ValueError(line)
    return [_typed(line[column.name], column) for column in columns]


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
            raise ValueError(table.name)
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
    """Return a value of a backup as its column holds it; ValueError or TypeError where it cannot be one."""
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
    # SQLite would keep a word where a number belongs.
    if kind != "JSON" and type(value) is not column.type.python_type:
        raise ValueError(column.name)
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
        if is_sqlite(connection):
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
        if not is_sqlite(connection):
            connection.execute(select(func.setval(func.pg_get_serial_sequence(table.name, "id"), row_id)))
        elif table.dialect_options["sqlite"]["autoincrement"]:
            named = {"name": table.name, "seq": row_id}
            if not connection.execute(text("UPDATE sqlite_sequence SET seq = :seq WHERE name = :name"), named).rowcount:
                connection.execute(text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :seq)"), named)
