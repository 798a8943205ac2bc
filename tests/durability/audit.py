"""What must hold of a database after anything whatever: its rows are what its history says, no more and no less."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from sqlalchemy import Connection, Table, select, text

import service.outcomes.models
import service.plan.models  # noqa: F401 Both bring the tables that are looked through.
from service.core.history import TWINS, Action, change, metadata, stamp

Entry = tuple[int, int, str, int, int, str]


def faults_of(connection: Connection) -> list[str]:
    """Return what is wrong with a database, in words; nothing where all is well."""
    log = change_log(connection)
    return [
        *_engine_faults(connection),
        *_stamp_faults(connection),
        *_log_faults(connection, log),
        *_row_faults(connection, log),
        *_date_faults(connection),
        *_link_faults(connection, log),
    ]


def change_log(connection: Connection) -> list[Entry]:
    """Return all that was ever done, in order."""
    columns = (change.c[name] for name in ("seq", "position", "resource", "row_id", "version", "action"))
    found = connection.execute(select(*columns).order_by(change.c.seq, change.c.position))
    return [tuple(row) for row in found]


def _engine_faults(connection: Connection) -> Iterator[str]:
    if connection.dialect.name != "sqlite":
        return
    found = connection.execute(text("PRAGMA integrity_check")).scalar_one()
    if found != "ok":
        yield f"integrity_check: {found}"
    for row in connection.execute(text("PRAGMA foreign_key_check")):
        yield f"foreign_key_check: {tuple(row)}"


def _stamp_faults(connection: Connection) -> Iterator[str]:
    stamps = connection.execute(select(stamp.c.seq, stamp.c.at).order_by(stamp.c.seq)).all()
    if [row.seq for row in stamps] != list(range(1, len(stamps) + 1)):
        yield "stamps are not numbered 1, 2, 3, …"
    for before, after in pairwise(stamps):
        if after.at <= before.at:
            yield f"stamp {after.seq} is not later than the one before"


def _log_faults(connection: Connection, log: list[Entry]) -> Iterator[str]:
    positions: dict[int, list[int]] = defaultdict(list)
    for seq, position, *_ in log:
        positions[seq].append(position)
    for seq, held in positions.items():
        if held != list(range(len(held))):
            yield f"the entries of transaction {seq} are numbered {held}"
    stamped = set(connection.execute(select(stamp.c.seq)).scalars())
    # A transaction that makes a token is stamped, and changes nothing of the plan.
    if not set(positions) <= stamped:
        yield f"entries without a stamp: {sorted(set(positions) - stamped)[:9]}"


def _row_faults(connection: Connection, log: list[Entry]) -> Iterator[str]:
    entries: dict[tuple[str, int], list[Entry]] = defaultdict(list)
    for entry in log:
        entries[entry[2], entry[3]].append(entry)
    for table in metadata.sorted_tables:
        if table.name in TWINS and "version" in table.c:
            for row_id, versions in _versions(connection, table, ("id",)).items():
                yield from _life_faults(
                    f"{table.name} {row_id[0]}", versions, entries.pop((table.info["resource"], row_id[0]), [])
                )
        elif table.name in TWINS:
            key = tuple(column.name for column in table.primary_key)
            for link, spans in _versions(connection, table, key).items():
                yield from _span_faults(f"{table.name} {link}", spans)
        elif "seq" in table.c and "resource" in table.info:
            for row_id, seq in connection.execute(select(table.c.id, table.c.seq)):
                found = [(entry[0], *entry[4:]) for entry in entries.pop((table.info["resource"], row_id), [])]
                if found != [(seq, 1, Action.CREATED)]:
                    yield f"{table.name} {row_id} of transaction {seq} stands in the log as {found}"
    for named in entries:
        yield f"the log names {named}, which is nowhere"


Version = tuple[int, int | None, int]


def _versions(connection: Connection, table: Table, key: tuple[str, ...]) -> dict[tuple[Any, ...], list[Version]]:
    """Return the intervals [from, to) of each row with its version (0 for a link), oldest first; `to` is None for now."""
    found: dict[tuple[Any, ...], list[Version]] = defaultdict(list)
    for source in (TWINS[table.name], table):
        for row in connection.execute(select(source).order_by(source.c.from_seq)).mappings():
            span = (row["from_seq"], row.get("to_seq"), row.get("version", 0))
            found[tuple(row[name] for name in key)].append(span)
    return found


def _span_faults(name: str, spans: list[Version]) -> Iterator[str]:
    for begins, ends, _ in spans:
        if ends is not None and ends <= begins:
            yield f"{name}: the interval [{begins}, {ends}) is empty"
    for before, after in pairwise(spans):
        if before[1] is None or before[1] > after[0]:
            yield f"{name}: the intervals {before[:2]} and {after[:2]} overlap"


def _life_faults(name: str, versions: list[Version], entries: list[Entry]) -> Iterator[str]:
    """Say where the versions of one row and its entries in the log disagree."""
    yield from _span_faults(name, versions)
    for before, after in pairwise(versions):
        if before[1] != after[0]:
            yield f"{name}: nothing is known between {before[1]} and {after[0]}"
    if [version for *_, version in versions] != list(range(1, len(versions) + 1)):
        yield f"{name}: the versions are {[version for *_, version in versions]}"
    _, ended, last = versions[-1]
    told = [(begins, version, Action.CHANGED if version > 1 else Action.CREATED) for begins, _, version in versions]
    if ended is not None:
        told.append((ended, last, Action.DELETED))
    if [(entry[0], *entry[4:]) for entry in entries] != told:
        yield f"{name}: the log says {entries}, the rows say {told}"


def _date_faults(connection: Connection) -> Iterator[str]:
    """Say which versions are not dated as the transactions are that made them."""
    for name in TWINS:
        for table in (metadata.tables[name], TWINS[name]):
            if "updated_at" not in table.c:
                continue
            joined = select(table.c.id, table.c.version).outerjoin(stamp, stamp.c.seq == table.c.from_seq)
            for row in connection.execute(joined.where(stamp.c.at.is_distinct_from(table.c.updated_at))):
                yield f"{table.name} {row.id}: version {row.version} is not dated as its transaction"


def _link_faults(connection: Connection, log: list[Entry]) -> Iterator[str]:
    """Say which links came or went in a transaction that did nothing to the row they belong to."""
    touched = {(entry[2], entry[3], entry[0]) for entry in log}
    for name in TWINS:
        table = metadata.tables[name]
        if "owner" not in table.info:
            continue
        owner = table.info["owner"]
        (key,) = table.c[owner].foreign_keys
        resource = key.column.table.info["resource"]
        for source in (table, TWINS[name]):
            for row in connection.execute(select(source)).mappings():
                for seq in (row["from_seq"], row.get("to_seq")):
                    if seq is not None and (resource, row[owner], seq) not in touched:
                        yield f"{name} of {resource} {row[owner]} changed in transaction {seq}, and that row did not"
