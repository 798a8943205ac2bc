"""System-versioned rows: one mechanism for every table of the plan.

A table holds the rows as they are known now. Its twin, named `…_history`, holds each row as it was, with the
half-open interval of transactions [from_seq, to_seq) in which it was the known one. A stamp numbers each
transaction and dates it, in commit order: writers take turns, and an instant is never repeated or passed back
even where the system clock is. What is only ever added (status updates, observations) carries its `seq`.
`change` lists what each transaction did, for the audit trail and the change feed.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    FromClause,
    Index,
    Insert,
    Integer,
    PrimaryKeyConstraint,
    Select,
    String,
    Table,
    UniqueConstraint,
    Update,
    and_,
    bindparam,
    case,
    func,
    insert,
    literal,
    select,
    text,
    true,
    type_coerce,
    union_all,
    update,
)
from sqlmodel import SQLModel

from service.core.bulk import insert_rows
from service.core.columns import Instant, text_column, to_microseconds
from service.core.driver import is_sqlite
from service.core.errors import Fault, Invalid
from service.core.statements import Statement

metadata = SQLModel.metadata
metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

Row = dict[str, Any]
# Up to so many rows the ordinary statement, which is built already, is the faster one.
FEW = 100
# Of the statements that change some columns of a row, so many are kept.
ALTERATIONS_KEPT = 256
TWINS: dict[str, Table] = {}
APPEND_ONLY: set[str] = {"stamp", "change"}

stamp = Table(
    "stamp",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False, unique=True),
    Column("actor_id", BigInteger),
    Column("reason", text_column(1000)),
)
change = Table(
    "change",
    metadata,
    Column("seq", BigInteger, nullable=False),
    Column("position", Integer, nullable=False),
    Column("resource", String(40), nullable=False),
    Column("row_id", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Column("action", String(10), nullable=False),
    PrimaryKeyConstraint("seq", "position"),
    Index("ix_change_resource_row_id", "resource", "row_id"),
)


class Action(StrEnum):
    """What a transaction did to a row."""

    CREATED = "created"
    CHANGED = "changed"
    DELETED = "deleted"


def versioned(table: Table) -> Table:
    """Give a table its history twin and return the table."""
    key = [column.name for column in table.primary_key]
    twin = Table(
        f"{table.name}_history",
        table.metadata,
        *(Column(column.name, column.type, nullable=column.nullable, info=column.info) for column in table.columns),
        Column("to_seq", BigInteger, nullable=False),
        PrimaryKeyConstraint(*key, "from_seq"),
        *(Index(None, *names) for names in _searched(table)),
    )
    TWINS[table.name] = twin
    APPEND_ONLY.add(twin.name)
    return table


def append_only(table: Table) -> Table:
    """Mark a table whose rows the database will neither change nor delete, and return the table."""
    APPEND_ONLY.add(table.name)
    return table


def _searched(table: Table) -> Iterable[list[str]]:
    """Yield the columns by which the table is searched, other than by its key."""
    for constraint in sorted(table.constraints, key=lambda each: str(each.name)):
        if isinstance(constraint, UniqueConstraint):
            yield [column.name for column in constraint.columns]
    for index in sorted(table.indexes, key=lambda each: str(each.name)):
        yield [column.name for column in index.columns]


Narrow = Callable[[FromClause], Sequence[ColumnElement[bool]]]


def as_known(table: Table, seq: int | ColumnElement[int] | None, narrow: Narrow = lambda _: ()) -> FromClause:
    """Return the rows of a table as they were known at a transaction, or as they are now where it is None.

    `narrow` gives conditions on the rows; they are put where an index can serve them.
    """
    if seq is None:
        conditions = narrow(table)
        return select(table).where(*conditions).correlate_except(table).subquery(table.name) if conditions else table
    moment = literal(seq, BigInteger) if isinstance(seq, int) else seq
    twin = TWINS[table.name]
    held = [twin.c[column.name] for column in table.columns]
    return union_all(
        select(table).where(table.c.from_seq <= moment, *narrow(table)).correlate_except(table),
        select(*held).where(twin.c.from_seq <= moment, twin.c.to_seq > moment, *narrow(twin)).correlate_except(twin),
    ).subquery(table.name)


def ever(table: Table, narrow: Narrow = lambda _: ()) -> FromClause:
    """Return every version of every row of a table, with the `to_seq` that ended it (null for the present one)."""
    if table.name not in TWINS:
        return select(table).where(*narrow(table)).correlate_except(table).subquery("versions")
    twin = TWINS[table.name]
    held = [twin.c[column.name] for column in table.columns]
    return union_all(
        select(table, literal(None, BigInteger).label("to_seq")).where(*narrow(table)).correlate_except(table),
        select(*held, twin.c.to_seq).where(*narrow(twin)).correlate_except(twin),
    ).subquery("versions")


def newest_seq() -> Select[tuple[int]]:
    """Select the number of the newest transaction, 0 where there is none."""
    return select(func.coalesce(func.max(stamp.c.seq), 0))


@dataclass(frozen=True)
class Known:
    """The state of knowledge an answer rests on: the newest transaction in it and the instant to ask for again."""

    seq: int
    at: datetime
    is_now: bool

    @property
    def past_seq(self) -> int | None:
        """The transaction to ask the history for; None where the present rows answer."""
        return None if self.is_now else self.seq


_STAMPS = select(stamp.c.seq, stamp.c.at).limit(1)
_NEWEST = Statement(_STAMPS.order_by(stamp.c.seq.desc()))
_NEWEST_THEN = Statement(_STAMPS.where(stamp.c.at <= bindparam("then", type_=Instant)).order_by(stamp.c.at.desc()))


def find_known(
    connection: Connection, known_at: datetime | None, now: datetime, pointer: str = "/query/known_at"
) -> Known:
    """Resolve `known_at` (None for now) to the newest transaction stamped no later.

    With nothing stamped by then the number is 0, and the instant the one asked for, or else the wall clock's.

    Raises:
        Invalid: the instant is still to come.
    """
    newest = _NEWEST.rows(connection, {})
    if known_at is not None and known_at > max(now, newest[0][1] if newest else now):
        raise Invalid(Fault(pointer, "Nobody knows yet: name an instant that has passed."))
    if not newest:
        return Known(0, known_at or now, is_now=True)
    ((seq, at),) = newest
    if known_at is None or known_at >= at:
        return Known(seq, at, is_now=True)
    for seq, at in _NEWEST_THEN.rows(connection, {"then": known_at}):
        return Known(seq, at, is_now=False)
    return Known(0, known_at, is_now=False)


@dataclass
class Recorder:
    """Writes of one transaction: it stamps the transaction at the first of them, and keeps what was before."""

    connection: Connection
    actor_id: int | None
    now: datetime
    reason: str | None = None
    _stamped: tuple[int, datetime] | None = None
    _position: int = field(default=0)

    @property
    def seq(self) -> int:
        """The number of this transaction."""
        return self._stamp()[0]

    @property
    def at(self) -> datetime:
        """The instant of this transaction."""
        return self._stamp()[1]

    def add(self, table: Table, values: Row) -> Row:
        """Insert a row of the plan as version 1 and return it whole."""
        row = {**values, **self._born()}
        row["id"] = _add_statement(table, tuple(row)).rows(self.connection, row)[0][0]
        self._log(table, Action.CREATED, [(row["id"], 1)])
        return row

    def add_many(self, table: Table, rows: Sequence[Row]) -> None:
        """Insert rows of the plan that carry their ids already, each as version 1."""
        self._insert_many(table, rows, self._born())
        self._log(table, Action.CREATED, [(row["id"], 1) for row in rows])

    def alter(self, table: Table, row_id: int, values: Row) -> None:
        """Change a row; the row as it was goes to the history with its interval closed."""
        _keep_numbered(table).rows(self.connection, self._closing(row_id))
        statement = _alter_statement(table, tuple(values))
        ((version,),) = statement.rows(self.connection, self._altered(row_id, values))
        self._log(table, Action.CHANGED, [(row_id, version)])

    def _closing(self, row_id: int) -> Row:
        return {"this_row": row_id, "this_seq": self.seq}

    def _altered(self, row_id: int, values: Row) -> Row:
        born = {"new_updated_at": self.at, "new_from_seq": self.seq, "this_row": row_id}
        return {**{f"new_{name}": value for name, value in values.items()}, **born}

    def retire(self, table: Table, row_id: int) -> None:
        """Take a row out of what is known now; it stays in the history."""
        version = self.connection.execute(select(table.c.version).where(table.c.id == row_id)).scalar_one()
        _keep_numbered(table).rows(self.connection, self._closing(row_id))
        self.connection.execute(table.delete().where(table.c.id == row_id))
        self._log(table, Action.DELETED, [(row_id, version)])

    def append(self, table: Table, values: Row) -> int:
        """Insert a row that is never changed, and return its id."""
        if self._stamped is None and not is_sqlite(self.connection):
            return self._append_at_once(table, values)
        row = {**values, "seq": self.seq}
        ((row_id,),) = _add_statement(table, tuple(row)).rows(self.connection, row)
        self._log(table, Action.CREATED, [(row_id, 1)])
        return int(row_id)

    def _append_at_once(self, table: Table, values: Row) -> int:
        """Stamp, insert and log in one statement: over a network the three trips are most of what a report costs."""
        ((seq, at, row_id),) = _append_statement(table, tuple(values)).rows(
            self.connection, {**values, **self._stamping(), "position": self._position}
        )
        self._stamped = (seq, at)
        self._position += 1
        return int(row_id)

    def append_many(self, table: Table, rows: Sequence[Row]) -> None:
        """Insert rows that are never changed and carry their ids already."""
        self._insert_many(table, rows, {"seq": self.seq})
        self._log(table, Action.CREATED, [(row["id"], 1) for row in rows])

    def link(self, table: Table, owner: Mapping[str, int], rows: Sequence[Row]) -> None:
        """Make the link rows of one owner these: close those that are no longer among them, add the new ones."""
        mine = and_(*(table.c[name] == value for name, value in owner.items()))
        wanted = {tuple(sorted({**row, **owner}.items())) for row in rows}
        plain = [column for column in table.columns if column.name != "from_seq"]
        names = [column.name for column in plain]
        found = self.connection.execute(select(*plain).where(mine))
        held = {tuple(sorted(zip(names, row, strict=True))) for row in found}
        for gone in sorted(held - wanted, key=repr):
            this = and_(*(table.c[name] == value for name, value in gone))
            self.connection.execute(_kept(table, this), {"this_seq": self.seq})
            self.connection.execute(table.delete().where(this))
        self.link_many(table, [dict(new) for new in sorted(wanted - held, key=repr)])

    def link_many(self, table: Table, rows: Sequence[Row]) -> None:
        """Add link rows."""
        self._insert_many(table, rows, {"from_seq": self.seq})

    def _born(self) -> Row:
        return {"version": 1, "created_at": self.at, "updated_at": self.at, "from_seq": self.seq}

    def _insert_many(self, table: Table, rows: Sequence[Row], same: Row) -> None:
        """Insert rows that all have the columns of the first, and some values in common."""
        if len(rows) < FEW:
            if rows:
                whole = [{**row, **same} for row in rows]
                _insert_statement(table, tuple(whole[0])).each(self.connection, whole)
            return
        names, values = tuple(rows[0]), tuple(same.values())
        insert_rows(self.connection, table, (*names, *same), ((*map(row.__getitem__, names), *values) for row in rows))

    def _log(self, table: Table, action: Action, rows: Sequence[tuple[int, int]]) -> None:
        same = {"seq": self.seq, "resource": table.info["resource"], "action": action.value}
        entries = [
            {"position": position, "row_id": row_id, "version": version}
            for position, (row_id, version) in enumerate(rows, self._position)
        ]
        self._position += len(rows)
        self._insert_many(change, entries, same)

    def _stamp(self) -> tuple[int, datetime]:
        if self._stamped is None:
            ((seq, at),) = STAMP.rows(self.connection, self._stamping())
            self._stamped = (seq, at)
        return self._stamped

    def _stamping(self) -> Row:
        return {"stamp_now": to_microseconds(self.now), "stamp_actor": self.actor_id, "stamp_reason": self.reason}


@dataclass
class BulkRecorder(Recorder):
    """Writes of one transaction in which many rows are altered, each once: those wait for `flush`, and go together."""

    _waiting: dict[tuple[Table, tuple[str, ...]], dict[int, Row]] = field(default_factory=dict)

    def alter(self, table: Table, row_id: int, values: Row) -> None:
        """Have a row changed at the next flush; until then it is found as it was."""
        self._waiting.setdefault((table, tuple(values)), {})[row_id] = values

    def flush(self) -> None:
        """Change the rows that wait."""
        for (table, names), rows in self._waiting.items():
            _keep_numbered(table).each(self.connection, [self._closing(row_id) for row_id in rows])
            altered = [self._altered(row_id, values) for row_id, values in rows.items()]
            _alter_many_statement(table, names).each(self.connection, altered)
            found = _versions(table).rows(self.connection, {"these_rows": list(rows)})
            versions = {row_id: version for row_id, version in found}  # noqa: C416 Of rows, dict() knows no type.
            self._log(table, Action.CHANGED, [(row_id, versions[row_id]) for row_id in rows])
        self.forget()

    def forget(self) -> None:
        """Change none of the rows that wait."""
        self._waiting.clear()


@lru_cache
def _insert_statement(table: Table, names: tuple[str, ...]) -> Statement:
    return Statement(insert(table), names)


@lru_cache
def _add_statement(table: Table, names: tuple[str, ...]) -> Statement:
    """Return the statement that inserts a row and gives its number."""
    return Statement(insert(table).returning(table.c.id), names)


@lru_cache(ALTERATIONS_KEPT)
def _alter_statement(table: Table, names: tuple[str, ...]) -> Statement:
    """Return the statement that gives a row new values, and the version that it makes of it."""
    return Statement(_altering(table, names).returning(table.c.version))


@lru_cache(ALTERATIONS_KEPT)
def _alter_many_statement(table: Table, names: tuple[str, ...]) -> Statement:
    """Return the statement that gives a row new values, and nothing back: so it can be sent for many at once."""
    return Statement(_altering(table, names))


def _altering(table: Table, names: tuple[str, ...]) -> Update:
    values = {name: bindparam(f"new_{name}", type_=table.c[name].type) for name in (*names, "updated_at", "from_seq")}
    this = table.c.id == bindparam("this_row", type_=BigInteger)
    return update(table).where(this).values({**values, "version": table.c.version + 1})


@lru_cache
def _versions(table: Table) -> Statement:
    these = bindparam("these_rows", expanding=True, type_=BigInteger)
    return Statement(select(table.c.id, table.c.version).where(table.c.id.in_(these)))


@lru_cache
def _keep_numbered(table: Table) -> Statement:
    """Return the statement that copies the row of a number into the history."""
    return Statement(_kept(table, table.c.id == bindparam("this_row", type_=BigInteger)))


def _kept(table: Table, this: ColumnElement[bool]) -> Insert:
    """Return the statement that copies a row into the history, unless this very transaction made it: nobody knew it."""
    names = [column.name for column in table.columns]
    seq = bindparam("this_seq", type_=BigInteger)
    was = select(*(table.c[name] for name in names), seq.label("to_seq")).where(this, table.c.from_seq < seq)
    return insert(TWINS[table.name]).from_select([*names, "to_seq"], was)


def _stamping() -> Any:
    last = select(type_coerce(stamp.c.at, BigInteger)).order_by(stamp.c.seq.desc()).limit(1).scalar_subquery()
    now = bindparam("stamp_now", type_=BigInteger)
    instant = case((func.coalesce(last, 0) >= now, last + 1), else_=now)
    following = newest_seq().scalar_subquery() + 1
    actor, reason = bindparam("stamp_actor", type_=BigInteger), bindparam("stamp_reason", type_=String)
    values = select(following, instant, actor, reason)
    return insert(stamp).from_select(["seq", "at", "actor_id", "reason"], values).returning(stamp.c.seq, stamp.c.at)


STAMPING = _stamping()
STAMP = Statement(STAMPING)


@lru_cache
def _append_statement(table: Table, names: tuple[str, ...]) -> Statement:
    """Return the statement that stamps a transaction, inserts one row and logs it, in PostgreSQL's words."""
    stamped = STAMPING.cte("stamped")
    values = select(*(bindparam(name, type_=table.c[name].type) for name in names), stamped.c.seq)
    made = insert(table).from_select([*names, "seq"], values).returning(table.c.id).cte("made")
    entry = {
        "seq": stamped.c.seq,
        "position": bindparam("position", type_=Integer),
        "resource": literal(table.info["resource"]),
        "row_id": made.c.id,
        "version": literal(1),
        "action": literal(Action.CREATED.value),
    }
    log = insert(change).from_select(list(entry), select(*entry.values()).select_from(stamped.join(made, true())))
    found = select(stamped.c.seq, stamped.c.at, made.c.id).join_from(stamped, made, true())
    return Statement(found.add_cte(log.cte("logged")))


def reserve_ids(connection: Connection, table: Table, count: int) -> int:
    """Take `count` successive ids that no row ever had and return the first; only the one writer may call it."""
    if is_sqlite(connection):
        found = connection.execute(
            text("SELECT seq FROM sqlite_sequence WHERE name = :name"), {"name": table.name}
        ).scalar_one_or_none()
        return (found or 0) + 1
    sequence = func.pg_get_serial_sequence(table.name, "id")
    first: int = connection.execute(select(func.nextval(sequence))).scalar_one()
    if count > 1:
        connection.execute(select(func.setval(sequence, first + count - 1)))
    return first
