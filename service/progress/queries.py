"""Asking for sums: one statement for any number of dates, one for the groups, one for the links."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Connection,
    Date,
    FromClause,
    Integer,
    Select,
    and_,
    bindparam,
    case,
    func,
    or_,
    select,
    union,
    values,
)
from sqlalchemy import column as named

from service.access.resource import Lens
from service.access.rows import STATEMENTS_KEPT, filter_parameters, filter_values, filters
from service.access.scope import Breadth, Sight
from service.core.columns import constant, constants
from service.core.history import Known, as_known
from service.plan import models
from service.progress.facts import facts
from service.progress.milestones import MILESTONES
from service.progress.rules import COUNT_NAMES, MOST_DRIVERS, Driver, GroupBy, Member, Rag, Sums
from service.progress.schemas import MilestoneFilters

FILTERS = frozenset(MilestoneFilters.model_fields)
# Filters on plain columns with an index of their own: put where they cut down what is looked at.
NARROWING = ("owner_id", "ref", "workstream_id")
CELL_COLUMN = {
    GroupBy.PRIORITY: "workstream_id",
    GroupBy.WORKSTREAM: "workstream_id",
    GroupBy.ORGANISATION: "organisation_id",
    GroupBy.OWNER: "owner_id",
    None: "id",
}
# A key for what has none; ids start at 1.
NOBODY = 0
ONE = constant(1)
AT_RISK = constants((Rag.RED.value, Rag.AMBER.value))


@dataclass(frozen=True)
class Question:
    """Which milestones, as known when and seen by whom, divided by what (None: one by one)."""

    sight: Sight
    strategy_id: int
    filters: MilestoneFilters
    group_by: GroupBy | None
    known: Known

    @property
    def seq(self) -> ColumnElement[int] | None:
        """The transaction to look back to, None for now."""
        return Lens(self.known.past_seq is not None, Breadth.ALL).seq

    @property
    def parameters(self) -> dict[str, Any]:
        """The question's place in the history; its dates stand in the statement itself."""
        return {"known_seq": self.known.past_seq}


@dataclass
class Cell:
    """The milestones of one workstream, organisation or owner, or a single one, at one date."""

    sums: Sums
    drivers: list[Driver] = field(default_factory=list)


@dataclass(frozen=True)
class Group:
    """One line of a roll-up, and the cells that make it up."""

    id: int | None
    ref: str | None
    title: str | None
    cells: tuple[int, ...]


def fetch_cells(connection: Connection, question: Question, points: Sequence[date]) -> dict[date, dict[int, Cell]]:
    """Return the cells of a question at each date."""
    statement = _cells(_shape(question, points), CELL_COLUMN[question.group_by])
    cells: dict[date, dict[int, Cell]] = {point: {} for point in points}
    counted = len(Sums.__dataclass_fields__)
    for as_at, key, *rest in connection.execute(statement, _parameters(question, points)):
        cell = cells[as_at].get(key)
        if cell is None:
            cell = cells[as_at][key] = Cell(Sums(*rest[:counted]))
        if rest[counted] is not None:
            cell.drivers.append(Driver(*rest[counted:]))
    return cells


def fetch_members(connection: Connection, question: Question, point: date) -> dict[int, Member]:
    """Return the milestones of a question at a date, by id."""
    statement = _each_member(_shape(question, [point]))
    return {row.id: Member(*row) for row in connection.execute(statement, _parameters(question, [point]))}


class Shape(NamedTuple):
    """What a statement depends on; all else is a parameter, so that it can be kept."""

    is_past: bool
    filters: frozenset[str]
    points: int


def _shape(question: Question, points: Sequence[date]) -> Shape:
    return Shape(question.known.past_seq is not None, frozenset(_filters(question)), len(points))


def _filters(question: Question) -> dict[str, Any]:
    return filter_values(question.filters, question.filters.model_fields_set & FILTERS)


def _parameters(question: Question, points: Sequence[date]) -> dict[str, Any]:
    return {
        **question.parameters,
        **filter_parameters(_filters(question)),
        **{f"point_{number}": point for number, point in enumerate(points)},
        "strategy_id": question.strategy_id,
    }


def _members(shape: Shape, columns: Iterable[str]) -> CTE:
    """Return these columns of the facts that a question is about, once for each date.

    No more than needed: the rows are kept for the length of the statement, and their width is what they cost.
    """
    dates = [(bindparam(f"point_{number}", type_=Date),) for number in range(shape.points)]
    when = values(named("as_at", Date), name="points").data(dates).cte()
    # What stands in a strategy that may be seen may all be seen.
    lens = Lens(shape.is_past, Breadth.ALL)
    strategy_id = bindparam("strategy_id", type_=BigInteger)

    def narrow(rows: FromClause) -> list[ColumnElement[bool]]:
        plain = [name for name in NARROWING if name in shape.filters]
        return [rows.c.strategy_id == strategy_id, *filters(MILESTONES, rows, plain, lens)]

    fact = facts(when.c.as_at, lens.seq, points=when, narrow=narrow)
    chosen = select(*(fact.c[name] for name in columns))
    return chosen.where(*filters(MILESTONES, fact, shape.filters, lens)).cte("member")


@lru_cache(STATEMENTS_KEPT)
def _each_member(shape: Shape) -> Select[Any]:
    return select(_members(shape, MEMBER_COLUMNS))


@lru_cache(STATEMENTS_KEPT)
def _cells(shape: Shape, cell_column: str) -> Select[Any]:
    """Select the sums of each cell at each date, beside up to ten of its drivers, the gravest first."""
    member = _members(shape, dict.fromkeys((*SUMMED_COLUMNS, *DRIVER_COLUMNS, cell_column)))
    key = func.coalesce(member.c[cell_column], constant(NOBODY)).label("key")
    sums = select(member.c.as_at, key, *_aggregates(member)).group_by(member.c.as_at, key).cte("sums")
    rank = (-member.c.weight * member.c.shortfall).label("rank")
    place = func.row_number().over(partition_by=(member.c.as_at, key), order_by=(rank, member.c.ref, member.c.id))
    at_risk = (
        select(
            member.c.as_at,
            key,
            rank,
            *(member.c[name] for name in DRIVER_COLUMNS),
            place.label("place"),
        )
        .where(member.c.rag.in_(AT_RISK))
        .cte("driver")
    )
    beside = and_(
        at_risk.c.as_at == sums.c.as_at, at_risk.c.key == sums.c.key, at_risk.c.place <= constant(MOST_DRIVERS)
    )
    return select(*sums.c, at_risk.c.rank, *(at_risk.c[name] for name in DRIVER_COLUMNS)).outerjoin_from(
        sums, at_risk, beside
    )


MEMBER_COLUMNS = tuple(Member.__dataclass_fields__)
SUMMED_COLUMNS = (
    "as_at",
    "baseline_due_on",
    "due_on",
    "is_included",
    "overdue",
    "percent_complete",
    "planned_bp",
    "rag",
    "reported_on",
    "status",
    "weight",
)
DRIVER_COLUMNS = tuple(name for name in Driver.__dataclass_fields__ if name != "rank")


def _aggregates(member: Any) -> list[ColumnElement[int]]:
    """Return the terms of `Sums`, in its order."""
    fact = member.c
    is_scheduled = and_(fact.is_included, fact.due_on.is_not(None))
    conditions: dict[str, ColumnElement[bool]] = {
        "included": fact.is_included,
        "overdue": fact.overdue,
        "unreported": and_(fact.is_included, fact.reported_on.is_(None)),
        "unscheduled": and_(fact.is_included, fact.due_on.is_(None)),
        "rescheduled": and_(fact.is_included, fact.due_on > fact.baseline_due_on),
    }
    terms: list[ColumnElement[int]] = [func.count()]
    for name in COUNT_NAMES[1:]:
        condition = conditions.get(name, fact.status == constant(name))
        terms.append(_sum_where(condition, ONE))
    terms.append(_sum_where(fact.is_included, fact.weight))
    terms.append(_sum_where(fact.is_included, fact.weight * fact.percent_complete))
    terms.append(_sum_where(is_scheduled, fact.weight))
    terms.append(_sum_where(is_scheduled, fact.weight * fact.percent_complete))
    terms.append(_sum_where(is_scheduled, fact.weight * fact.planned_bp))
    terms.append(_sum_where(and_(fact.is_included, fact.status == constant("complete")), ONE))
    terms.append(_sum_where(fact.rag.in_(AT_RISK), ONE))
    return [term.label(name) for term, name in zip(terms, Sums.__dataclass_fields__, strict=True)]


def _sum_where(condition: ColumnElement[bool], value: Any) -> ColumnElement[int]:
    return func.sum(case((condition, value), else_=constant(0)), type_=Integer)


def fetch_groups(connection: Connection, question: Question) -> list[Group]:
    """Return the groups of a question in their order, whether or not they have milestones."""
    if question.group_by is GroupBy.PRIORITY:
        return _priority_groups(connection, question)
    found = _group_rows(question)
    groups = [Group(row.id, row.ref, row.title, (row.id,)) for row in connection.execute(found, question.parameters)]
    if question.group_by is GroupBy.OWNER:
        groups.append(Group(None, None, None, (NOBODY,)))
    return groups


def _priority_groups(connection: Connection, question: Question) -> list[Group]:
    seq = question.seq
    rows = as_known(models.priority, seq, lambda known: [known.c.strategy_id == question.strategy_id])
    links = as_known(models.workstream_priority, seq)
    found = (
        select(rows.c.id, rows.c.ref, rows.c.title, links.c.workstream_id)
        .select_from(rows)
        .outerjoin(links, links.c.priority_id == rows.c.id)
        .order_by(rows.c.position, rows.c.id, links.c.workstream_id)
    )
    if question.filters.priority_id:
        found = found.where(rows.c.id.in_(question.filters.priority_id))
    served: dict[tuple[int, str, str], list[int]] = defaultdict(list)
    for row_id, ref, title, workstream_id in connection.execute(found, question.parameters):
        held = served[row_id, ref, title]
        if workstream_id is not None:
            held.append(workstream_id)
    return [Group(*name, tuple(cells)) for name, cells in served.items()]


def _group_rows(question: Question) -> Select[Any]:
    seq, strategy_id, wanted = question.seq, question.strategy_id, question.filters
    tasks = as_known(models.milestone, seq, lambda rows: [rows.c.strategy_id == strategy_id])
    streams = as_known(models.workstream, seq, lambda rows: [rows.c.strategy_id == strategy_id])
    if question.group_by is GroupBy.WORKSTREAM:
        found = select(streams.c.id, streams.c.ref, streams.c.title)
        if wanted.priority_id:
            links = as_known(models.workstream_priority, seq)
            serving = select(links.c.workstream_id).where(links.c.priority_id.in_(wanted.priority_id))
            found = found.where(streams.c.id.in_(serving))
        if wanted.workstream_id:
            found = found.where(streams.c.id.in_(wanted.workstream_id))
        return found.order_by(streams.c.id)
    if question.group_by is None:
        found = select(tasks.c.id, tasks.c.ref, tasks.c.title).order_by(tasks.c.id)
        return found.where(tasks.c.workstream_id.in_(wanted.workstream_id)) if wanted.workstream_id else found
    owners = as_known(models.owner, seq)
    posts = union(select(tasks.c.owner_id), select(streams.c.owner_id))
    partners = as_known(models.strategy_organisation, seq)
    partaking = select(partners.c.organisation_id).where(partners.c.strategy_id == strategy_id)
    if question.group_by is GroupBy.OWNER:
        found = select(owners.c.id, owners.c.ref, owners.c.post.label("title")).where(
            or_(owners.c.id.in_(posts), owners.c.organisation_id.in_(partaking))
        )
        return (found.where(owners.c.id.in_(wanted.owner_id)) if wanted.owner_id else found).order_by(owners.c.id)
    answering = union(
        partaking,
        select(streams.c.lead_organisation_id),
        select(owners.c.organisation_id).where(owners.c.id.in_(posts)),
    )
    rows = as_known(models.organisation, seq)
    found = select(rows.c.id, rows.c.ref, rows.c.name.label("title")).where(rows.c.id.in_(answering))
    if wanted.organisation_id:
        found = found.where(rows.c.id.in_(wanted.organisation_id))
    return found.order_by(rows.c.id)
