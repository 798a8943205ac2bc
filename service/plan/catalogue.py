"""The collections of the plan, one after the other: what is searched, sorted, filtered and checked in each."""

from collections.abc import Iterable
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, Table, exists, func, or_, select

from service.access.policy import Act
from service.access.resource import Draft, Lens, Link, Resource
from service.access.roles import Role
from service.core.errors import Fault
from service.core.history import as_known, metadata
from service.plan import boundaries, models, rules, schemas


def linked(link: Link, rows: FromClause, ids: Any, lens: Lens) -> ColumnElement[bool]:
    """Keep the rows that are linked to one of these ids."""
    return link.holds(rows, ids, lens.seq, lens)


def no_loop(draft: Draft, *, resource_table: str) -> Iterable[Fault]:
    """Refuse a parent that stands below the row itself."""
    table = metadata.tables[resource_table]
    if draft.before is None or not draft.is_changing("parent_id"):
        return
    step = draft.values["parent_id"]
    while step is not None:
        if step == draft.before["id"]:
            yield Fault("/parent_id", "This would make it a part of itself: choose another parent.")
            return
        step = draft.connection.execute(select(table.c.parent_id).where(table.c.id == step)).scalar_one()


def same_strategy(draft: Draft, field: str) -> Iterable[Fault]:
    """Refuse priorities of another strategy."""
    if field not in draft.asked or not draft.values[field]:
        return
    table = models.priority
    found = select(table.c.id).where(table.c.id.in_(draft.values[field]))
    others = draft.connection.execute(found.where(table.c.strategy_id != draft.values["strategy_id"])).scalars()
    for other in sorted(others):
        position = draft.values[field].index(other)
        yield Fault(f"/{field}/{position}", f"Priority {other} belongs to another strategy.")


def settle_strategy(draft: Draft) -> Iterable[Fault]:
    """Let those for whom its maker writes partake in a new strategy, unless one of them is named already."""
    partners = draft.values["organisation_ids"]
    if draft.before is None and not draft.actor.reach.managing & set(partners):
        grants = draft.actor.grants
        own = {organisation for role, organisation in grants if role is Role.MANAGER and organisation is not None}
        draft.values["organisation_ids"] = sorted(own | set(partners))
    return ()


def settle_priority(draft: Draft) -> Iterable[Fault]:
    """Put a priority after the others, where no place is named."""
    if draft.values["position"] is None:
        others = models.priority.c
        last = select(func.max(others.position)).where(others.strategy_id == draft.values["strategy_id"])
        if draft.before is not None:
            last = last.where(others.id != draft.before["id"])
        draft.values["position"] = (draft.connection.execute(last).scalar_one() or 0) + 1
    return ()


def settle_workstream(draft: Draft) -> Iterable[Fault]:
    """Check that the priorities of a workstream are those of its strategy."""
    return same_strategy(draft, "priority_ids")


def workstream_of(rows: FromClause, ids: Any, lens: Lens) -> ColumnElement[bool]:
    """Keep the workstreams that these organisations lead or are partners of."""
    return or_(rows.c.lead_organisation_id.in_(ids), WORKSTREAM_PARTNERS.holds(rows, ids, lens.seq, lens))


def decision_on_strategy(rows: FromClause, ids: Any, lens: Lens) -> ColumnElement[bool]:
    """Keep the decisions of the boards of these strategies, and those about their priorities or workstreams."""

    def of_strategies(table: Table) -> Select[Any]:
        known = as_known(table, lens.seq)
        return select(known.c.id).where(known.c.strategy_id.in_(ids))

    boards = as_known(models.strategy_board, lens.seq)
    of_board = select(boards.c.board_id).where(boards.c.strategy_id.in_(ids), lens.shows(boards.c.strategy_id))
    return or_(
        rows.c.board_id.in_(of_board),
        DECISION_PRIORITIES.holds(rows, of_strategies(models.priority), lens.seq, lens),
        DECISION_WORKSTREAMS.holds(rows, of_strategies(models.workstream), lens.seq, lens),
    )


def award_in_strategy(rows: FromClause, ids: Any, lens: Lens) -> ColumnElement[bool]:
    """Keep the awards of workstreams in these strategies."""
    workstreams = as_known(models.workstream, lens.seq)
    return exists().where(workstreams.c.id == rows.c.workstream_id, workstreams.c.strategy_id.in_(ids))


STRATEGY_BOARDS = Link("board_ids", models.strategy_board, ("board_id",))
STRATEGY_PARTNERS = Link("organisation_ids", models.strategy_organisation, ("organisation_id",))
WORKSTREAM_PRIORITIES = Link("priority_ids", models.workstream_priority, ("priority_id",))
WORKSTREAM_AREAS = Link("area_ids", models.workstream_area, ("area_id",))
WORKSTREAM_PARTNERS = Link("partners", models.workstream_partner, ("organisation_id", "role"))
DECISION_PRIORITIES = Link("priority_ids", models.decision_priority, ("priority_id",), models.priority)
DECISION_WORKSTREAMS = Link("workstream_ids", models.decision_workstream, ("workstream_id",), models.workstream)
NAMED = ("id", "ref", "name", "created_at", "updated_at")

ORGANISATIONS = Resource(
    noun="organisation",
    table=models.organisation,
    create=schemas.OrganisationCreate,
    patch=schemas.OrganisationPatch,
    read=schemas.OrganisationRead,
    query=schemas.OrganisationQuery,
    reads=Act.READ_DIRECTORY,
    writes=Act.WRITE_DIRECTORY,
    searched=("ref", "name"),
    sortable=(*NAMED, "kind"),
    settle=partial(no_loop, resource_table="organisation"),
    changes_access=True,
)
OWNERS = Resource(
    noun="owner",
    table=models.owner,
    create=schemas.OwnerCreate,
    patch=schemas.OwnerPatch,
    read=schemas.OwnerRead,
    query=schemas.OwnerQuery,
    searched=("ref", "post", "holder_name"),
    sortable=("id", "ref", "post", "created_at", "updated_at"),
    guard=boundaries.guard_owner,
)
BOARDS = Resource(
    noun="board",
    table=models.board,
    create=schemas.BoardCreate,
    patch=schemas.BoardPatch,
    read=schemas.BoardRead,
    query=schemas.BoardQuery,
    searched=("ref", "name"),
    sortable=NAMED,
    settle=partial(no_loop, resource_table="board"),
)
AREAS = Resource(
    noun="area",
    table=models.area,
    create=schemas.AreaCreate,
    patch=schemas.AreaPatch,
    read=schemas.AreaRead,
    query=schemas.AreaQuery,
    searched=("ref", "name"),
    sortable=(*NAMED, "kind"),
    settle=partial(no_loop, resource_table="area"),
)
STRATEGIES = Resource(
    noun="strategy",
    table=models.strategy,
    create=schemas.StrategyCreate,
    patch=schemas.StrategyPatch,
    read=schemas.StrategyRead,
    query=schemas.StrategyQuery,
    links=(STRATEGY_BOARDS, STRATEGY_PARTNERS),
    sortable=("id", "ref", "title", "starts_on", "ends_on", "created_at", "updated_at"),
    conditions={"board_id": partial(linked, STRATEGY_BOARDS), "organisation_id": partial(linked, STRATEGY_PARTNERS)},
    rules=rules.running_faults,
    settle=settle_strategy,
    guard=boundaries.guard_strategy,
    changes_access=True,
)
PRIORITIES = Resource(
    noun="priority",
    table=models.priority,
    create=schemas.PriorityCreate,
    patch=schemas.PriorityPatch,
    read=schemas.PriorityRead,
    query=schemas.PriorityQuery,
    sortable=("id", "ref", "title", "position", "created_at", "updated_at"),
    settle=settle_priority,
    guard=boundaries.guard_in_strategy,
)
WORKSTREAMS = Resource(
    noun="workstream",
    table=models.workstream,
    create=schemas.WorkstreamCreate,
    patch=schemas.WorkstreamPatch,
    read=schemas.WorkstreamRead,
    query=schemas.WorkstreamQuery,
    links=(WORKSTREAM_PRIORITIES, WORKSTREAM_PARTNERS, WORKSTREAM_AREAS),
    sortable=("id", "ref", "title", "heading", "status", "starts_on", "ends_on", "created_at", "updated_at"),
    conditions={
        "priority_id": partial(linked, WORKSTREAM_PRIORITIES),
        "area_id": partial(linked, WORKSTREAM_AREAS),
        "organisation_id": workstream_of,
    },
    rules=rules.running_faults,
    settle=settle_workstream,
    guard=boundaries.guard_in_strategy,
)
DECISIONS = Resource(
    noun="decision",
    table=models.decision,
    create=schemas.DecisionCreate,
    patch=schemas.DecisionPatch,
    read=schemas.DecisionRead,
    query=schemas.DecisionQuery,
    links=(DECISION_PRIORITIES, DECISION_WORKSTREAMS),
    searched=("ref", "text"),
    sortable=("id", "ref", "decided_on", "kind", "outcome", "created_at", "updated_at"),
    conditions={
        "strategy_id": decision_on_strategy,
        "priority_id": partial(linked, DECISION_PRIORITIES),
        "workstream_id": partial(linked, DECISION_WORKSTREAMS),
    },
    rules=rules.decision_faults,
    guard=boundaries.guard_decision,
)
FUNDING_AWARDS = Resource(
    noun="funding award",
    table=models.funding_award,
    create=schemas.FundingAwardCreate,
    patch=schemas.FundingAwardPatch,
    read=schemas.FundingAwardRead,
    query=schemas.FundingAwardQuery,
    searched=("ref",),
    sortable=("id", "ref", "amount", "status", "starts_on", "ends_on", "created_at", "updated_at"),
    conditions={"strategy_id": award_in_strategy},
    rules=rules.running_faults,
    guard=boundaries.guard_in_workstream,
)
COLLECTIONS = (
    ORGANISATIONS,
    OWNERS,
    BOARDS,
    AREAS,
    STRATEGIES,
    PRIORITIES,
    WORKSTREAMS,
    DECISIONS,
    FUNDING_AWARDS,
)
