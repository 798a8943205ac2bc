"""What stands in a workbook of a strategy: read through the same lists as all else, as far as its reader sees."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from sqlalchemy import BigInteger, Connection, bindparam, select

from service.access.policy import Actor, may_report, may_write
from service.access.resource import Resource, View
from service.access.rows import get_row, list_rows
from service.core.history import Known, Row
from service.core.paging import ListQuery
from service.core.statements import Statement
from service.exchange.sheets import INDICATORS, MILESTONES, PRIORITIES, UPDATES, WORKSTREAMS, Sheet, Takes
from service.exchange.workbook import Book
from service.outcomes import service as outcomes
from service.plan.catalogue import ORGANISATIONS, OWNERS, STRATEGIES
from service.plan.catalogue import PRIORITIES as PRIORITY_ROWS
from service.plan.catalogue import WORKSTREAMS as WORKSTREAM_ROWS
from service.plan.models import milestone, status_update
from service.progress.milestones import MILESTONES as MILESTONE_ROWS

PAGE_ROWS = 5000
RESOURCES: Mapping[str, Resource] = {
    PRIORITIES.name: PRIORITY_ROWS,
    WORKSTREAMS.name: WORKSTREAM_ROWS,
    MILESTONES.name: MILESTONE_ROWS,
    INDICATORS.name: outcomes.INDICATORS,
}


@dataclass(frozen=True)
class Refs:
    """The refs of the rows that others point to, both ways, by the list that they are in."""

    by_id: dict[str, dict[int, str]]

    def ref(self, points_to: str, row_id: int | None) -> str | None:
        """Return the ref of a row."""
        return None if row_id is None else self.by_id[points_to].get(row_id)

    def named(self, points_to: str, written: str) -> str:
        """Return the ref of the row whose number is written; anything else is a ref already."""
        if written.isascii() and written.isdecimal() and written not in self.by_ref[points_to]:
            return self.by_id[points_to].get(int(written), written)
        return written

    @cached_property
    def by_ref(self) -> dict[str, dict[str, int]]:
        """The rows of each list by their refs in small letters."""
        return {name: {ref.casefold(): row_id for row_id, ref in held.items()} for name, held in self.by_id.items()}


def all_rows(connection: Connection, resource: Resource, view: View, strategy_id: int | None = None) -> Iterator[Row]:
    """Yield the rows of a collection, of one strategy where that is named."""
    fixed = {} if strategy_id is None else {"strategy_id": [strategy_id]}
    cursor: str | None = None
    while True:
        query = ListQuery.model_construct(_fields_set=set(), limit=PAGE_ROWS, cursor=cursor, sort="id")
        page = list_rows(connection, resource, query, view, fixed)
        yield from page.items
        cursor = page.cursor
        if cursor is None:
            return


def find_refs(connection: Connection, view: View, strategy_id: int) -> Refs:
    """Return the refs of what the rows of a strategy point to."""
    found = {
        "priorities": all_rows(connection, PRIORITY_ROWS, view, strategy_id),
        "workstreams": all_rows(connection, WORKSTREAM_ROWS, view, strategy_id),
        "owners": all_rows(connection, OWNERS, view),
        "organisations": all_rows(connection, ORGANISATIONS, view),
    }
    return Refs({name: {row["id"]: row["ref"] for row in rows} for name, rows in found.items()})


def gather(connection: Connection, actor: Actor, strategy_id: int, as_at: date, known: Known) -> Book:
    """Return what stands in the workbook of a strategy.

    Who writes the plan gets all of it; who reports gets the milestones that their organisations answer for.

    Raises:
        NotFound: there is no such strategy that the actor may see.
    """
    view = View(known.past_seq, as_at, actor.reach.sight)
    strategy = get_row(connection, STRATEGIES, strategy_id, view)
    refs, writes = find_refs(connection, view, strategy_id), may_write(actor, strategy_id)
    book = Book(strategy["title"], as_at, known.at, actor.name, writes)
    book.lists = {name: sorted(by_id.values()) for name, by_id in refs.by_id.items()}
    tasks = [
        row
        for row in all_rows(connection, MILESTONE_ROWS, view, strategy_id)
        if writes or may_report(actor, strategy_id, row["organisation_id"])
    ]
    for sheet in (PRIORITIES, WORKSTREAMS, INDICATORS):
        rows = all_rows(connection, RESOURCES[sheet.name], view, strategy_id)
        book.rows[sheet.name] = [in_cells(sheet, row, refs) for row in rows]
    book.rows[MILESTONES.name] = [in_cells(MILESTONES, _with_standing(row), refs) for row in tasks]
    latest = find_latest(connection, strategy_id)
    book.rows[UPDATES.name] = [_to_report(row, refs, latest) for row in tasks if row["status"] != "cancelled"]
    return book


def in_cells(sheet: Sheet, row: Row, refs: Refs) -> Row:
    """Return a row as it stands in the cells of a sheet: ids as refs."""
    cells = {name: row.get(name) for name in sheet.takes}
    for field in sheet.pointing:
        value = cells[field.name]
        if field.takes is Takes.REF:
            cells[field.name] = refs.ref(field.points_to, value)
        else:
            cells[field.name] = "; ".join(filter(None, (refs.ref(field.points_to, each) for each in value or ())))
    return cells


def _with_standing(row: Row) -> Row:
    return {**row, "status_now": row["status"], "percent_now": row["percent_complete"]}


def _to_report(row: Row, refs: Refs, latest: Mapping[int, int]) -> Row:
    return {
        "milestone_id": row["id"],
        "last_update_id": latest[row["id"]],
        "ref": row["ref"],
        "title": row["title"],
        "workstream": refs.ref("workstreams", row["workstream_id"]),
        "due_on": row["due_on"],
        "reported_on": row["reported_on"],
        "status_now": row["status"],
        "percent_now": row["percent_complete"],
        "rag": row["rag"],
    }


_NEWEST = (
    select(status_update.c.id)
    .where(status_update.c.milestone_id == milestone.c.id)
    .order_by(status_update.c.seq.desc(), status_update.c.id.desc())
    .limit(1)
    .scalar_subquery()
)
_LATEST = Statement(
    select(milestone.c.id, _NEWEST.label("newest")).where(
        milestone.c.strategy_id == bindparam("strategy_id", type_=BigInteger)
    )
)


def find_latest(connection: Connection, strategy_id: int) -> dict[int, int]:
    """Return the newest report on each milestone of a strategy, by when it was recorded; 0 where there is none."""
    return {row_id: newest or 0 for row_id, newest in _LATEST.rows(connection, {"strategy_id": strategy_id})}
