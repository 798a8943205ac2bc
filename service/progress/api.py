"""Milestones, reports on them, and progress over HTTP."""

from collections.abc import Callable
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from sqlalchemy import Connection

from service.access.collection import PathId, collection_router, list_answer, view_of
from service.access.door import Door, PlanReader, Visit, entered
from service.access.policy import Act, Actor
from service.access.resource import Listing, Resource, View
from service.access.rows import get_listed, get_row, list_rows
from service.core import clock
from service.core.answers import tagged_answer, to_json
from service.core.columns import to_microseconds
from service.core.history import Known, Recorder, Row, find_known
from service.core.kept import Answer
from service.core.negotiation import Format, chosen_format
from service.core.paging import Page
from service.core.responses import (
    ETAG,
    IDEMPOTENCY_KEY,
    IF_NONE_MATCH,
    LINK,
    LISTING,
    LOCATION,
    READING,
    RECORDING,
    answers,
    page_model,
    tabular,
)
from service.core.schemas import KnownAt
from service.plan.catalogue import PRIORITIES, WORKSTREAMS
from service.plan.models import status_update
from service.plan.queries import updates_as_known
from service.plan.schemas import UPDATE_ORDERS, StatusUpdateCreate, StatusUpdateQuery, StatusUpdateRead
from service.plan.service import explain_reporting, record_update
from service.progress import service
from service.progress.milestones import MILESTONES, in_priorities, of_organisations, of_owners
from service.progress.queries import Question
from service.progress.rules import GroupBy
from service.progress.schemas import (
    ChangesQuery,
    ChildProgressQuery,
    MilestoneVersion,
    ProgressChanges,
    ProgressQuery,
    RollUp,
    Trend,
    TrendQuery,
)

UPDATES = Listing(
    table=status_update,
    rows=updates_as_known,
    hidden=frozenset({"seq", "strategy_id", "workstream_id"}),
    sortable=UPDATE_ORDERS,
    conditions={
        "effective_after": lambda rows, day, _: rows.c.effective_on >= day,
        "effective_before": lambda rows, day, _: rows.c.effective_on < day,
        "organisation_id": of_organisations,
        "owner_id": of_owners,
        "priority_id": in_priorities,
        "recorded_since": lambda rows, instant, _: rows.c.recorded_at >= instant,
    },
)
milestones = collection_router(MILESTONES, MilestoneVersion)
router = APIRouter(route_class=Door, redirect_slashes=False)
# What is asked most often stands first: routes are tried in their order.
figures = APIRouter(route_class=Door, redirect_slashes=False)

UPDATES_PAGE = page_model("StatusUpdatePage", StatusUpdateRead)
PROGRESS_TAG = "progress"


def list_updates(
    connection: Connection, actor: Actor, query: StatusUpdateQuery, milestone_id: int | None = None
) -> Page:
    """Return a page of reports, of one milestone or across all; NotFound where that one is not known."""
    view = view_of(connection, actor, query.known_at)
    if milestone_id is None:
        return list_rows(connection, UPDATES, query, view)
    get_row(connection, MILESTONES, milestone_id, view)
    return list_rows(connection, UPDATES, query, view, {"milestone_id": [milestone_id]})


@router.get(
    "/v1/updates",
    operation_id="list_updates",
    summary="List status updates",
    description="Reports across all milestones that are known, e.g. all that were recorded since an instant.",
    responses=tabular(answers(*LISTING, model=UPDATES_PAGE, headers=LINK, what="One page.")),
    tags=["updates"],
)
async def list_all_updates(query: Annotated[StatusUpdateQuery, Query()], visit: PlanReader) -> Response:
    """Answer with reports across milestones."""
    return await list_answer(
        visit, query, "updates", lambda connection, query: list_updates(connection, visit.actor, query)
    )


@router.get(
    "/v1/updates/{id}",
    operation_id="get_update",
    summary="Get one status update",
    description="One report, as it was recorded.",
    responses=answers(*READING, model=StatusUpdateRead, headers=ETAG, what="The report."),
    openapi_extra=IF_NONE_MATCH,
    tags=["updates"],
)
async def get_update(
    row_id: PathId,
    query: Annotated[KnownAt, Query()],
    visit: PlanReader,
) -> Response:
    """Answer with one report."""

    def ask(connection: Connection) -> Row:
        view = view_of(connection, visit.actor, query.known_at)
        return get_listed(connection, UPDATES, "status update", row_id, view)

    return tagged_answer(visit.request, to_json(await visit.snapshot(ask)))


@router.get(
    "/v1/milestones/{id}/updates",
    operation_id="list_milestone_updates",
    summary="List the status updates of a milestone",
    description="Every report on the milestone, by the order in which they were recorded unless sorted otherwise.",
    responses=tabular(answers(*READING, model=UPDATES_PAGE, headers=LINK, what="One page.")),
    tags=["updates"],
)
async def list_milestone_updates(
    row_id: PathId, query: Annotated[StatusUpdateQuery, Query()], visit: PlanReader
) -> Response:
    """Answer with the reports on one milestone."""
    return await list_answer(
        visit, query, "updates", lambda connection, query: list_updates(connection, visit.actor, query, row_id)
    )


@router.post(
    "/v1/milestones/{id}/updates",
    status_code=201,
    operation_id="record_update",
    summary="Report on a milestone",
    description=(
        "Records a report. It is never edited: to correct one, report again for the same date. A percentage that is "
        "left out is carried forward; a milestone that was complete must name its new one."
    ),
    responses=answers(*RECORDING, success=201, model=StatusUpdateRead, headers=LOCATION, what="The report."),
    openapi_extra=IDEMPOTENCY_KEY,
    tags=["updates"],
)
async def report_on_milestone(
    row_id: PathId,
    body: StatusUpdateCreate,
    visit: Annotated[Visit, entered(Act.REPORT_PROGRESS, explain_reporting)],
) -> Response:
    """Record a report."""

    def act(recorder: Recorder) -> tuple[Row, str]:
        row = record_update(recorder, visit.actor, row_id, body, clock.today())
        return row, f"/v1/updates/{row['id']}"

    return await visit.post(act)


Figures = dict[str, Any]


async def progress_answer(
    visit: Visit, query: Any, name: str, ask: Callable[[Connection, Known], Figures], as_at: date | None = None
) -> Response:
    """Answer a question about progress, from memory while nothing it rests on has changed, or as the table of a name.

    `as_at` is the date of a question that need not name one.
    """
    request = visit.request
    now = clock.now()

    def find(connection: Connection) -> tuple[Known, Figures]:
        newest = find_known(connection, None, now)
        known = newest if query.known_at is None else find_known(connection, query.known_at, now)
        return newest, ask(connection, known)

    form = chosen_format(request.headers.get("accept"), query.format)
    if form is not Format.JSON:
        _, found = await visit.snapshot(find)
        answer: Response = request.app.state.tables.figures(request, query, form, name, found)
        return answer

    def make(connection: Connection) -> tuple[int, Answer]:
        newest, found = find(connection)
        return to_microseconds(newest.at), Answer(to_json(found))

    kept = await visit.kept(as_at, lambda: visit.snapshot(make))
    return tagged_answer(request, kept.body)


@figures.get(
    "/v1/progress",
    operation_id="get_progress",
    summary="Get the progress of a strategy",
    description=(
        "How the strategy stands at a date, in total and by priority, workstream, organisation or owner. A workstream "
        "that serves several priorities counts in full in each of them and once in the total."
    ),
    responses=tabular(
        answers(*READING, model=RollUp, headers=ETAG, what="The figures, with the integers behind them.")
    ),
    openapi_extra=IF_NONE_MATCH,
    tags=[PROGRESS_TAG],
)
async def get_progress(
    query: Annotated[ProgressQuery, Query()],
    visit: PlanReader,
) -> Response:
    """Answer how a strategy stands."""
    as_at = query.as_at or clock.today()
    return await progress_answer(
        visit,
        query,
        "progress",
        lambda connection, known: service.roll_up(
            connection, Question(visit.actor.reach.sight, query.strategy_id, query, query.group_by, known), as_at
        ),
        as_at,
    )


@figures.get(
    "/v1/progress/trend",
    operation_id="get_progress_trend",
    summary="Get progress over time",
    description="Progress on the last day of each month or quarter that ends in that time, and on its very last day.",
    responses=tabular(answers(*READING, model=Trend, headers=ETAG, what="The figures, point by point.")),
    openapi_extra=IF_NONE_MATCH,
    tags=[PROGRESS_TAG],
)
async def get_progress_trend(
    query: Annotated[TrendQuery, Query()],
    visit: PlanReader,
) -> Response:
    """Answer how a strategy stood over time."""
    points = service.trend_points(query.from_, query.to, query.every)
    return await progress_answer(
        visit,
        query,
        "progress_trend",
        lambda connection, known: service.trend(
            connection, Question(visit.actor.reach.sight, query.strategy_id, query, query.group_by, known), points
        ),
    )


@figures.get(
    "/v1/progress/changes",
    operation_id="get_progress_changes",
    summary="Get why progress moved",
    description=(
        "What each milestone did to the figure between two dates, in percentage points; the effects add up to the "
        "unrounded difference."
    ),
    responses=tabular(
        answers(*READING, model=ProgressChanges, headers=ETAG, what="The two figures and what lies between them.")
    ),
    openapi_extra=IF_NONE_MATCH,
    tags=[PROGRESS_TAG],
)
async def get_progress_changes(
    query: Annotated[ChangesQuery, Query()],
    visit: PlanReader,
) -> Response:
    """Answer why a figure moved."""

    def ask(connection: Connection, known: Known) -> Figures:
        known_first = known
        if query.from_known_at is not None:
            known_first = find_known(connection, query.from_known_at, clock.now(), "/query/from_known_at")
        sight = visit.actor.reach.sight
        first, last = (
            Question(sight, query.strategy_id, query, GroupBy.WORKSTREAM, each) for each in (known_first, known)
        )
        return service.changes(connection, (query.from_, first), (query.to, last))

    return await progress_answer(visit, query, "progress_changes", ask)


def _add_child_progress(resource: Resource, filter_name: str, group_by: GroupBy | None) -> None:
    children = "workstreams" if group_by else "milestones"

    async def get_child_progress(
        row_id: PathId,
        query: Annotated[ChildProgressQuery, Query()],
        visit: PlanReader,
    ) -> Response:
        as_at = query.as_at or clock.today()
        wanted = getattr(query, filter_name)
        narrowed = query.model_copy(update={filter_name: [row_id] if wanted is None or row_id in wanted else []})

        def ask(connection: Connection, known: Known) -> Figures:
            sight = visit.actor.reach.sight
            strategy_id = get_row(connection, resource, row_id, View(known.past_seq, as_at, sight))["strategy_id"]
            return service.roll_up(connection, Question(sight, strategy_id, narrowed, group_by, known), as_at)

        return await progress_answer(visit, query, "progress", ask, as_at)

    router.add_api_route(
        f"/v1/{resource.name}/{{id}}/progress",
        get_child_progress,
        methods=["GET"],
        operation_id=f"get_{resource.noun}_progress",
        summary=f"Get the progress of a {resource.noun}",
        description=f"How the {resource.noun} stands at a date, in total and by its {children}.",
        responses=tabular(
            answers(*READING, model=RollUp, headers=ETAG, what="The figures, with the integers behind them.")
        ),
        openapi_extra=IF_NONE_MATCH,
        tags=[PROGRESS_TAG],
    )


_add_child_progress(PRIORITIES, "priority_id", GroupBy.WORKSTREAM)
_add_child_progress(WORKSTREAMS, "workstream_id", None)
