"""What the service needs to know of a noun to list, get, make, change, retire and remember it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, Date, FromClause, Table, bindparam, exists, select

from service.access.policy import Act
from service.core.columns import json_list
from service.core.errors import Fault
from service.core.fields import Input
from service.core.history import Row, as_known
from service.core.paging import ListQuery

# Statements are built once and asked with these: the transaction to look back to and the date of the question.
SEQ = bindparam("known_seq", type_=BigInteger)
AS_AT = bindparam("as_at", type_=Date)


@dataclass(frozen=True)
class Moment:
    """When a question is asked of: `past_seq` is None for what is known now."""

    past_seq: int | None
    as_at: date

    @property
    def seq(self) -> ColumnElement[int] | None:
        """The transaction as a parameter of a statement, None for now."""
        return None if self.past_seq is None else SEQ

    @property
    def parameters(self) -> dict[str, Any]:
        """The values of the parameters."""
        return {"known_seq": self.past_seq, "as_at": self.as_at}


@dataclass(frozen=True)
class Link:
    """A list field that is kept in a table of links, e.g. `priority_ids` of a workstream."""

    field: str
    table: Table
    columns: tuple[str, ...]

    @property
    def owner(self) -> str:
        """The column that holds the row's own id."""
        return str(self.table.info["owner"])

    @property
    def is_plain(self) -> bool:
        """Whether the field is a list of ids rather than of objects."""
        return len(self.columns) == 1

    def gathered(self, row_id: ColumnElement[int], seq: ColumnElement[int] | None) -> ColumnElement[list[Any]]:
        """Select the links of a row as one JSON list."""
        links = as_known(self.table, seq, lambda rows: [rows.c[self.owner] == row_id])
        return select(json_list(*(links.c[name] for name in self.columns))).scalar_subquery().label(self.field)

    def holds(self, rows: FromClause, ids: Any, seq: ColumnElement[int] | None) -> ColumnElement[bool]:
        """Return the condition that a row is linked to one of these ids."""
        links = as_known(self.table, seq)
        return exists().where(links.c[self.owner] == rows.c.id, links.c[self.columns[0]].in_(ids))

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
    values: Row
    before: Row | None
    asked: frozenset[str]
    reason: str | None
    today: date

    def is_changing(self, name: str) -> bool:
        """Tell whether this write gives the field another value."""
        return name in self.asked and (self.before is None or self.before[name] != self.values[name])


# A filter on rows; its value is a parameter, so that the statement can be kept.
Condition = Callable[[FromClause, Any, Moment], ColumnElement[bool]]
Rows = Callable[[Moment], FromClause]


def no_faults(_: Mapping[str, Any]) -> Iterable[Fault]:
    """Find nothing wrong."""
    return ()


def settled(_: Draft) -> Iterable[Fault]:
    """Leave a draft as it is."""
    return ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Listing:
    """What a list shows, and what it can be searched, sorted and filtered by."""

    rows: Rows | None = None
    hidden: frozenset[str] = frozenset({"from_seq"})
    searched: tuple[str, ...] = ("ref", "title", "description")
    sortable: tuple[str, ...] = ("id", "ref", "title", "created_at", "updated_at")
    conditions: Mapping[str, Condition] = field(default_factory=dict)
    links: tuple[Link, ...] = ()

    def source(self, moment: Moment) -> FromClause:
        """Return the rows as they were known, with whatever is computed beside them."""
        if self.rows is None:
            raise NotImplementedError
        return self.rows(moment)

    def columns(self, rows: FromClause, seq: ColumnElement[int] | None) -> list[ColumnElement[Any]]:
        """Return what the API shows of each row."""
        plain = [column for column in rows.c if column.name not in self.hidden]
        return [*plain, *(link.gathered(rows.c.id, seq) for link in self.links)]

    def arrange(self, row: Row) -> Row:
        """Put the lists of a row in order, in place, and return the row."""
        for link in self.links:
            row[link.field] = link.arranged(row[link.field])
        return row


@dataclass(frozen=True, kw_only=True, eq=False)
class Resource(Listing):
    """One collection of the API."""

    name: str
    noun: str
    table: Table
    create: type[Input]
    patch: type[Input]
    read: type[Any]
    query: type[ListQuery]
    writes: Act = Act.WRITE_PLAN
    reads: Act = Act.READ_PLAN
    rules: Callable[[Mapping[str, Any]], Iterable[Fault]] = no_faults
    settle: Callable[[Draft], Iterable[Fault]] = settled

    def source(self, moment: Moment) -> FromClause:
        """Return the rows as they were known: the table's own, unless something is computed beside them."""
        return self.rows(moment) if self.rows else as_known(self.table, moment.seq)
