"""The collection of milestones: its rows carry the latest report and how they stand."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, FromClause, bindparam, exists, func, select

from service.access.resource import AS_AT, Draft, Lens, Resource
from service.core.errors import Fault
from service.core.history import as_known
from service.plan import models, rules, schemas
from service.plan.boundaries import guard_in_strategy
from service.plan.catalogue import WORKSTREAM_PRIORITIES
from service.plan.service import has_updates
from service.progress.facts import facts
from service.progress.schemas import MilestoneQuery, MilestoneRead

NOT_SHOWN = frozenset({"as_at", "lead_organisation_id", "is_included", "planned_bp", "reason", "shortfall"})
NEEDING_REASON = ("due_on", "weight")


def in_priorities(rows: FromClause, ids: Any, lens: Lens) -> ColumnElement[bool]:
    """Keep the milestones of workstreams that serve one of these priorities."""
    links = as_known(WORKSTREAM_PRIORITIES.table, lens.seq)
    return exists().where(links.c.workstream_id == rows.c.workstream_id, links.c.priority_id.in_(ids))


def of_owners(rows: FromClause, ids: Any, lens: Lens) -> ColumnElement[bool]:
    """Keep what is about the milestones of these owners."""
    tasks = as_known(models.milestone, lens.seq)
    return rows.c.milestone_id.in_(select(tasks.c.id).where(tasks.c.owner_id.in_(ids)))


def of_organisations(rows: FromClause, ids: Any, lens: Lens) -> ColumnElement[bool]:
    """Keep what is about the milestones for which these organisations answer."""
    tasks, streams, posts = (as_known(each, lens.seq) for each in (models.milestone, models.workstream, models.owner))
    source = tasks.join(streams, streams.c.id == tasks.c.workstream_id).outerjoin(posts, posts.c.id == tasks.c.owner_id)
    answering = func.coalesce(posts.c.organisation_id, streams.c.lead_organisation_id)
    return rows.c.milestone_id.in_(select(tasks.c.id).select_from(source).where(answering.in_(ids)))


def milestone_rows(lens: Lens) -> FromClause:
    """Return the milestones as they were known, each as it stands at the date asked about."""
    return facts(AS_AT, lens.seq, is_in_plan=False)


STRATEGY_OF_WORKSTREAM = select(models.workstream.c.strategy_id).where(
    models.workstream.c.id == bindparam("workstream_id", type_=BigInteger)
)


def settle_milestone(draft: Draft) -> Iterable[Fault]:
    """Fill in what follows from the rest, and ask for a reason where a promise is changed."""
    values, before = draft.values, draft.before
    if draft.is_changing("workstream_id"):
        named = {"workstream_id": values["workstream_id"]}
        values["strategy_id"] = draft.connection.execute(STRATEGY_OF_WORKSTREAM, named).scalar_one()
        if before is not None and before["strategy_id"] != values["strategy_id"]:
            yield Fault("/workstream_id", "This workstream belongs to another strategy: a milestone stays in its own.")
    if values["agreed_on"] is None:
        values["agreed_on"] = draft.today
    if values.get("baseline_due_on") is None:
        values["baseline_due_on"] = values["due_on"]
    is_moving = any(draft.is_changing(name) for name in NEEDING_REASON)
    if before is not None and is_moving and draft.reason is None and has_updates(draft.connection, before["id"]):
        yield Fault(
            "/change_reason",
            "Progress was reported against this: say in change_reason why its weight or due date changes.",
        )


MILESTONES = Resource(
    noun="milestone",
    table=models.milestone,
    create=schemas.MilestoneCreate,
    patch=schemas.MilestonePatch,
    read=MilestoneRead,
    query=MilestoneQuery,
    sortable=(
        "id",
        "ref",
        "title",
        "kind",
        "weight",
        "agreed_on",
        "start_on",
        "due_on",
        "status",
        "percent_complete",
        "forecast_on",
        "reported_on",
        "rag",
        "created_at",
        "updated_at",
    ),
    conditions={
        "as_at": lambda rows, day, _: rows.c.agreed_on <= day,
        "priority_id": in_priorities,
        "due_after": lambda rows, day, _: rows.c.due_on >= day,
        "due_before": lambda rows, day, _: rows.c.due_on < day,
    },
    rules=rules.milestone_faults,
    settle=settle_milestone,
    guard=guard_in_strategy,
    rows=milestone_rows,
    hidden=NOT_SHOWN,
)
