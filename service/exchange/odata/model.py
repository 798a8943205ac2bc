"""The entity sets: those of the API's lists, the links between workstreams and priorities, and flat ones for charts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from pydantic import BaseModel, Field
from sqlalchemy import BigInteger, FromClause, Select, select, type_coerce

from service.access.policy import Act
from service.access.resource import Lens, Link, Listing, Resource
from service.core.columns import Money
from service.core.fields import LARGEST_ID, LARGEST_NUMBER, Id, Ref, Title
from service.core.history import Row, as_known
from service.exchange.cells import Kind
from service.exchange.columns import Column, columns_of
from service.exchange.odata.expressions import Type, Value
from service.outcomes.schemas import ObservationRead
from service.outcomes.service import INDICATORS, OBSERVATIONS, compared
from service.plan import models
from service.plan.catalogue import COLLECTIONS
from service.plan.schemas import StatusUpdateRead
from service.progress.api import UPDATES
from service.progress.milestones import MILESTONES, milestone_rows
from service.progress.schemas import MilestoneRead

TYPES = {
    Kind.INTEGER: Type.INTEGER,
    Kind.NUMBER: Type.NUMBER,
    Kind.AMOUNT: Type.AMOUNT,
    Kind.FLAG: Type.FLAG,
    Kind.DATE: Type.DATE,
    Kind.INSTANT: Type.INSTANT,
    Kind.TEXT: Type.TEXT,
}
# How large a number of the API can be, where its field does not say less.
LARGEST = {Kind.INTEGER: float(LARGEST_ID), Kind.NUMBER: LARGEST_NUMBER}
STATEMENTS_KEPT = 256


@dataclass(frozen=True, kw_only=True, eq=False)
class EntitySet:
    """One set: its name, the name of one of its entities, the fields of its rows and which of them tell them apart."""

    name: str
    entity: str
    model: type[BaseModel]
    rows: Callable[[Lens], Select[Any]] | None = None
    """What selects the rows that may be seen; None where they are worked out for each question."""
    keys: tuple[str, ...] = ("id",)
    reads: Act = Act.READ_PLAN
    links: tuple[Link, ...] = ()
    complete: Callable[[Row], Row] | None = None
    """What works out fields of a row from the others, all of which it then needs."""
    has_date: bool = False
    """Whether its rows tell how something stands at a date."""

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The properties, in their order."""
        return columns_of(self.model)

    @cached_property
    def by_name(self) -> dict[str, Column]:
        """The properties by their names."""
        return {column.name: column for column in self.columns}

    def properties(self, rows: FromClause) -> dict[str, Value | None]:
        """Return what a filter can ask about; None is what can only be shown."""
        return {column.name: self._property(column, rows) for column in self.columns}

    def _property(self, column: Column, rows: FromClause) -> Value | None:
        held = rows.c.get(column.name)
        if held is None or column.kind not in TYPES:
            return None
        if isinstance(held.type, Money):
            return Value(type_coerce(held, BigInteger), Type.AMOUNT, column.is_nullable)
        return Value(held, TYPES[column.kind], column.is_nullable, bound=self._bound(column))

    def _bound(self, column: Column) -> float:
        told = self.model.model_fields[column.path[0]].metadata if len(column.path) == 1 else ()
        limits = (float(limit) for each in told if (limit := getattr(each, "le", None)) is not None)
        return min(limits, default=LARGEST.get(column.kind, 0))

    def asked(self, rows: FromClause, names: Sequence[str]) -> Sequence[str]:
        """Return the columns that are asked for so that these properties can be shown."""
        return rows.c.keys() if self.complete else names

    def arranged(self, row: Row, names: Sequence[str]) -> Row:
        """Return a row of what was asked for with these properties, its lists in order."""
        if self.complete:
            whole = self.complete(row)
            row = {name: whole[name] for name in names}
        for link in self.links:
            if link.field in row:
                row[link.field] = link.arranged(row[link.field])
        return row


@lru_cache(STATEMENTS_KEPT)
def source_of(select_rows: Callable[[Lens], Select[Any]], lens: Lens) -> FromClause:
    """Return the rows of a set as a table to ask of."""
    return select_rows(lens).subquery()


def _set_of(
    listing: Listing,
    name: str,
    entity: str,
    model: type[BaseModel],
    *,
    complete: Callable[[Row], Row] | None = None,
    has_date: bool = False,
) -> EntitySet:
    """Return the set of a list of the API: its rows, as far as they may be seen."""

    def rows(lens: Lens) -> Select[Any]:
        found = listing.source(lens)
        chosen = select(*listing.columns(found, lens.seq, lens)).select_from(found)
        return chosen.where(*lens.is_seen(listing.table, found, lens.seq))

    return EntitySet(
        name=name,
        entity=entity,
        model=model,
        rows=rows,
        reads=listing.reads,
        links=listing.links,
        complete=complete,
        has_date=has_date,
    )


def _set_of_resource(resource: Resource) -> EntitySet:
    """Return the set of a collection: `FundingAwards` of funding-awards."""
    return _set_of(
        resource,
        _joined(resource.name.split("-")),
        _joined(resource.noun.split(" ")),
        resource.read,
        has_date=resource is MILESTONES,
    )


def _joined(words: list[str]) -> str:
    return "".join(word.capitalize() for word in words)


class WorkstreamPriority(BaseModel):
    """That a workstream serves a priority."""

    workstream_id: Id = Field(description="The workstream.")
    priority_id: Id = Field(description="The priority.")
    strategy_id: Id = Field(description="The strategy of both.")


class MilestoneFact(MilestoneRead):
    """A milestone for one of the priorities that it serves, with the names of all it belongs to."""

    priority_id: Id = Field(description="The priority.")
    priority_ref: Ref = Field(description="Its ref.")
    priority_title: Title = Field(description="Its title.")
    workstream_ref: Ref = Field(description="The ref of its workstream.")
    workstream_title: Title = Field(description="The title of its workstream.")
    strategy_ref: Ref = Field(description="The ref of its strategy.")
    strategy_title: Title = Field(description="The title of its strategy.")
    organisation_name: Title = Field(description="Who answers for it, by name.")
    owner_post: Title | None = Field(description="The post that answers for it; null where there is none.")


def _links(lens: Lens) -> Select[Any]:
    links, streams = (as_known(each, lens.seq) for each in (models.workstream_priority, models.workstream))
    found = select(links.c.workstream_id, links.c.priority_id, streams.c.strategy_id)
    return found.join_from(links, streams, streams.c.id == links.c.workstream_id).where(
        lens.shows(streams.c.strategy_id)
    )


def _facts(lens: Lens) -> Select[Any]:
    """Return a row for each milestone and priority: one milestone of a shared workstream stands in several."""
    tasks = milestone_rows(lens)
    names = (models.workstream_priority, models.priority, models.workstream, models.strategy, models.organisation)
    links, priorities, streams, strategies, organisations = (as_known(each, lens.seq) for each in names)
    owners = as_known(models.owner, lens.seq)
    return (
        select(
            *(column for column in tasks.c if column.name in MilestoneRead.model_fields),
            priorities.c.id.label("priority_id"),
            priorities.c.ref.label("priority_ref"),
            priorities.c.title.label("priority_title"),
            streams.c.ref.label("workstream_ref"),
            streams.c.title.label("workstream_title"),
            strategies.c.ref.label("strategy_ref"),
            strategies.c.title.label("strategy_title"),
            organisations.c.name.label("organisation_name"),
            owners.c.post.label("owner_post"),
        )
        .join_from(tasks, links, links.c.workstream_id == tasks.c.workstream_id)
        .join(priorities, priorities.c.id == links.c.priority_id)
        .join(streams, streams.c.id == tasks.c.workstream_id)
        .join(strategies, strategies.c.id == tasks.c.strategy_id)
        .join(organisations, organisations.c.id == tasks.c.organisation_id)
        .outerjoin(owners, owners.c.id == tasks.c.owner_id)
        .where(lens.shows(tasks.c.strategy_id))
    )


LISTED = tuple(_set_of_resource(each) for each in (*COLLECTIONS, MILESTONES, INDICATORS) if each.name != "areas")
STATUS_UPDATES = _set_of(UPDATES, "StatusUpdates", "StatusUpdate", StatusUpdateRead)
VALUES = _set_of(OBSERVATIONS, "Observations", "Observation", ObservationRead, complete=compared)
WORKSTREAM_PRIORITIES = EntitySet(
    name="WorkstreamPriorities",
    entity="WorkstreamPriority",
    model=WorkstreamPriority,
    rows=_links,
    keys=("workstream_id", "priority_id"),
)
MILESTONE_FACTS = EntitySet(
    name="MilestoneFacts",
    entity="MilestoneFact",
    model=MilestoneFact,
    rows=_facts,
    keys=("id", "priority_id"),
    has_date=True,
)
