"""The entity sets: those of the API's lists, the links between workstreams and priorities, and flat ones for charts."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from pydantic import BaseModel, Field
from sqlalchemy import BigInteger, Double, FromClause, Select, select, type_coerce

from service.access.resource import Lens, Listing
from service.core.columns import Money
from service.core.fields import Id
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
    Kind.AMOUNT: Type.NUMBER,
    Kind.FLAG: Type.FLAG,
    Kind.DATE: Type.DATE,
    Kind.INSTANT: Type.INSTANT,
    Kind.TEXT: Type.TEXT,
}
PENCE = 100.0


@dataclass(frozen=True, eq=False)
class EntitySet:
    """One set: its name, the name of one of its entities, the fields of its rows and which of them tell them apart."""

    name: str
    entity: str
    model: type[BaseModel]
    rows: Callable[[Lens], Select[Any]]
    keys: tuple[str, ...] = ("id",)
    arrange: Callable[[Row], Row] = field(default=lambda row: row)

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The properties, in their order."""
        return columns_of(self.model)

    @cached_property
    def by_name(self) -> dict[str, Column]:
        """The properties by their names."""
        return {column.name: column for column in self.columns}

    def source(self, lens: Lens) -> FromClause:
        """Return the rows that may be seen, as a table to ask of."""
        return _source(self, lens)

    def properties(self, rows: FromClause) -> dict[str, Value | None]:
        """Return what a filter can ask about; None is what can only be shown."""
        found: dict[str, Value | None] = {}
        for column in self.columns:
            held = rows.c.get(column.name)
            if held is None or column.kind not in TYPES or column.name not in rows.c:
                found[column.name] = None
            elif isinstance(held.type, Money):
                pounds = type_coerce(held, BigInteger) / type_coerce(PENCE, Double())
                found[column.name] = Value(pounds, Type.NUMBER, column.is_nullable)
            else:
                found[column.name] = Value(held, TYPES[column.kind], column.is_nullable)
        return found


@lru_cache(256)
def _source(entities: EntitySet, lens: Lens) -> FromClause:
    return entities.rows(lens).subquery()


def _listed(listing: Listing) -> Callable[[Lens], Select[Any]]:
    """Return the rows of a list of the API, as far as they may be seen."""

    def rows(lens: Lens) -> Select[Any]:
        found = listing.source(lens)
        chosen = select(*listing.columns(found, lens.seq, lens)).select_from(found)
        return chosen.where(*lens.is_seen(listing.table, found, lens.seq))

    return rows


class WorkstreamPriority(BaseModel):
    """That a workstream serves a priority."""

    workstream_id: Id = Field(description="The workstream.")
    priority_id: Id = Field(description="The priority.")
    strategy_id: Id = Field(description="The strategy of both.")


class MilestoneFact(MilestoneRead):
    """A milestone for one of the priorities that it serves, with the names of all it belongs to."""

    priority_id: Id = Field(description="The priority.")
    priority_ref: str = Field(description="Its ref.")
    priority_title: str = Field(description="Its title.")
    workstream_ref: str = Field(description="The ref of its workstream.")
    workstream_title: str = Field(description="The title of its workstream.")
    strategy_ref: str = Field(description="The ref of its strategy.")
    strategy_title: str = Field(description="The title of its strategy.")
    organisation_name: str = Field(description="Who answers for it, by name.")
    owner_post: str | None = Field(description="The post that answers for it; null where there is none.")


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
    shown = [column for column in tasks.c if column.name in MilestoneRead.model_fields]
    return (
        select(
            *shown,
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


def _plain_name(collection: str) -> str:
    return "".join(part.capitalize() for part in collection.split("-"))


def _entity_name(noun: str) -> str:
    return "".join(part.capitalize() for part in noun.split(" "))


SETS: dict[str, EntitySet] = {
    each.name: each
    for each in (
        *(
            EntitySet(_plain_name(one.name), _entity_name(one.noun), one.read, _listed(one), arrange=one.arrange)
            for one in (*COLLECTIONS, MILESTONES, INDICATORS)
            if one.name != "areas"
        ),
        EntitySet("StatusUpdates", "StatusUpdate", StatusUpdateRead, _listed(UPDATES)),
        EntitySet("Observations", "Observation", ObservationRead, _listed(OBSERVATIONS), arrange=compared),
        EntitySet(
            "WorkstreamPriorities",
            "WorkstreamPriority",
            WorkstreamPriority,
            _links,
            keys=("workstream_id", "priority_id"),
        ),
        EntitySet("MilestoneFacts", "MilestoneFact", MilestoneFact, _facts, keys=("id", "priority_id")),
    )
}
