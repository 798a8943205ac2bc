"""What the service needs to know of a noun to list, get, make, change, retire and remember it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from pydantic import BaseModel
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Date,
    FromClause,
    String,
    Table,
    bindparam,
    exists,
    select,
    true,
)

from service.access.policy import Act, Actor
from service.access.scope import Breadth, Sight
from service.core.columns import IdSet, is_among, is_written_in, json_list
from service.core.errors import Fault
from service.core.fields import Input
from service.core.history import Row, as_known, ever
from service.core.paging import ListQuery

# Statements are built once and asked with these: the transaction to look back to, the date of the question, and
# what the actor may see.
SEQ = bindparam("known_seq", type_=BigInteger)
AS_AT = bindparam("as_at", type_=Date)
STRATEGY = bindparam("strategy_in_sight", type_=BigInteger)
STRATEGIES = bindparam("strategies_in_sight", type_=IdSet)
WRITTEN_STRATEGIES = bindparam("written_strategies_in_sight", type_=String)
ORGANISATIONS = bindparam("organisations_in_sight", type_=IdSet)
# The condition that rows (as they were known at a transaction) may be seen. Each table carries its own; one that has
# none cannot be asked for.
Seen = Callable[[FromClause, ColumnElement[int] | None, "Lens"], ColumnElement[bool]]
IS_SEEN = "is_seen"


@dataclass(frozen=True)
class Lens:
    """How a statement looks at the plan: as it is or as it was known, and how wide. All else is a parameter."""

    is_past: bool
    breadth: Breadth
    is_of_one: bool = False
    """Whether one row is asked for, by its number."""

    @property
    def seq(self) -> ColumnElement[int] | None:
        """The transaction to look back to, None for now."""
        return SEQ if self.is_past else None

    def shows(self, strategy_id: ColumnElement[int]) -> ColumnElement[bool]:
        """Return the condition that the actor may see a strategy."""
        if self.breadth is Breadth.ALL:
            return true()
        if self.breadth is Breadth.ONE:
            return strategy_id == STRATEGY
        if self.is_of_one:
            return is_written_in(strategy_id, WRITTEN_STRATEGIES)
        return is_among(strategy_id, STRATEGIES)

    def is_seen(
        self, table: Table, rows: FromClause, seq: ColumnElement[int] | None = None
    ) -> list[ColumnElement[bool]]:
        """Return the conditions that the actor may see rows of a table, as they were known at a transaction."""
        if self.breadth is Breadth.ALL:
            return []
        condition: Seen = table.info[IS_SEEN]
        return [condition(rows, seq, self)]


@dataclass(frozen=True)
class View:
    """The plan as a question sees it: as it was known (None for now), at a date, as far as the actor may see."""

    past_seq: int | None
    as_at: date
    sight: Sight

    @property
    def lens(self) -> Lens:
        """What the statement depends on."""
        return Lens(self.past_seq is not None, self.sight.breadth)

    @property
    def lens_of_one(self) -> Lens:
        """What the statement depends on that asks for one row."""
        return Lens(self.past_seq is not None, self.sight.breadth, is_of_one=True)

    @property
    def parameters(self) -> dict[str, Any]:
        """The values of the statement's parameters."""
        return {"known_seq": self.past_seq, "as_at": self.as_at, **self.sight.parameters}


def seen_by(table: Table, condition: Seen) -> Table:
    """Say who may see the rows of a table, and return the table."""
    table.info[IS_SEEN] = condition
    return table


def to_all(_rows: FromClause, _seq: ColumnElement[int] | None, _lens: Lens) -> ColumnElement[bool]:
    """Let everybody see the rows that may do the act at all."""
    return true()


def is_within(row_id: ColumnElement[int], table: Table, lens: Lens) -> list[ColumnElement[bool]]:
    """Return the conditions that a row of a table may be seen, whenever it was there: its strategy never changes."""
    if lens.breadth is Breadth.ALL:
        return []
    rows = ever(table, lambda versions: [versions.c.id == row_id, lens.shows(versions.c.strategy_id)])
    return [exists().select_from(rows)]


@dataclass(frozen=True)
class Link:
    """A list field that is kept in a table of links, e.g. `priority_ids` of a workstream.

    `across` is the table at the other end where a row may be linked to what its reader may not see: to priorities
    of another strategy, say.
    """

    field: str
    table: Table
    columns: tuple[str, ...]
    across: Table | None = None

    @property
    def owner(self) -> str:
        """The column that holds the row's own id."""
        return str(self.table.info["owner"])

    @property
    def is_plain(self) -> bool:
        """Whether the field is a list of ids rather than of objects."""
        return len(self.columns) == 1

    def gathered(
        self, row_id: ColumnElement[int], seq: ColumnElement[int] | None, lens: Lens
    ) -> ColumnElement[list[Any]]:
        """Select the links of a row that may be seen, as one JSON list."""
        links = as_known(self.table, seq, lambda rows: [rows.c[self.owner] == row_id])
        found = select(json_list(*(links.c[name] for name in self.columns))).where(*self._is_seen(links, lens))
        return found.scalar_subquery().label(self.field)

    def holds(self, rows: FromClause, ids: Any, seq: ColumnElement[int] | None, lens: Lens) -> ColumnElement[bool]:
        """Return the condition that a row is linked to one of these ids, as far as may be seen."""
        links = as_known(self.table, seq)
        return exists().where(
            links.c[self.owner] == rows.c.id, links.c[self.columns[0]].in_(ids), *self._is_seen(links, lens)
        )

    def _is_seen(self, links: FromClause, lens: Lens) -> list[ColumnElement[bool]]:
        """Return the conditions that what stands at the other end may be seen."""
        return [] if self.across is None else is_within(links.c[self.columns[0]], self.across, lens)

    def arranged(self, value: list[Any]) -> list[Any]:
        """Return the list as the API shows it, in a fixed order."""
        if self.is_plain:
            return sorted(value)
        return [dict(zip(self.columns, entry, strict=True)) for entry in sorted(value)]

    def rows(self, value: Iterable[Any]) -> list[Row]:
        """Return the rows of the link table that a field's value asks for."""
        return [{self.columns[0]: entry} if self.is_plain else dict(entry) for entry in value]


@dataclass
class Draft:
    """A row about to be written: all its values, what it was before (None for a new one), and what was asked for."""

    connection: Connection
    actor: Actor
    values: Row
    before: Row | None
    asked: frozenset[str]
    reason: str | None
    today: date

    def is_changing(self, name: str) -> bool:
        """Tell whether this write gives the field another value."""
        return name in self.asked and (self.before is None or self.before[name] != self.values[name])


# A filter on rows; its value is a parameter, so that the statement can be kept.
Condition = Callable[[FromClause, Any, Lens], ColumnElement[bool]]
Rows = Callable[[Lens], FromClause]
# What raises Forbidden where an actor may not write a row with these values.
Guard = Callable[[Connection, Actor, Row], None]


def no_faults(_: Mapping[str, Any]) -> Iterable[Fault]:
    """Find nothing wrong."""
    return ()


def settled(_: Draft) -> Iterable[Fault]:
    """Leave a draft as it is."""
    return ()


def unguarded(_connection: Connection, _actor: Actor, _values: Row) -> None:
    """Let everybody write the row that may do the act at all."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Listing:
    """What a list shows, and what it can be searched, sorted and filtered by."""

    table: Table
    reads: Act = Act.READ_PLAN
    rows: Rows | None = None
    hidden: frozenset[str] = frozenset({"from_seq"})
    searched: tuple[str, ...] = ("ref", "title", "description")
    sortable: tuple[str, ...] = ("id", "ref", "title", "created_at", "updated_at")
    conditions: Mapping[str, Condition] = field(default_factory=dict)
    links: tuple[Link, ...] = ()

    @property
    def name(self) -> str:
        """The name of the collection in the API."""
        return str(self.table.info["resource"])

    def source(self, lens: Lens) -> FromClause:
        """Return the rows as they were known: the table's own, unless something is computed beside them."""
        return self.rows(lens) if self.rows else as_known(self.table, lens.seq)

    def columns(self, rows: FromClause, seq: ColumnElement[int] | None, lens: Lens) -> list[ColumnElement[Any]]:
        """Return what the API shows of each row."""
        plain = [column for column in rows.c if column.name not in self.hidden]
        return [*plain, *(link.gathered(rows.c.id, seq, lens) for link in self.links)]

    def arrange(self, rows: list[Row]) -> list[Row]:
        """Put the lists of rows in order, in place, and return the rows."""
        for link in self.links:
            for row in rows:
                row[link.field] = link.arranged(row[link.field])
        return rows


@dataclass(frozen=True, kw_only=True, eq=False)
class Resource(Listing):
    """One collection of the API."""

    noun: str
    create: type[Input]
    patch: type[Input]
    read: type[BaseModel]
    query: type[ListQuery]
    writes: Act = Act.WRITE_PLAN
    guard: Guard = unguarded
    changes_access: bool = False
    """Whether a change to a row may change who may do what."""
    rules: Callable[[Mapping[str, Any]], Iterable[Fault]] = no_faults
    settle: Callable[[Draft], Iterable[Fault]] = settled
