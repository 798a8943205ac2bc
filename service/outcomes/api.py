"""Indicators and observations over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from sqlalchemy import Connection

from service.access.collection import PathId, collection_router, list_answer, view_of
from service.access.door import Door, PlanReader, Visit, entered
from service.access.policy import Act
from service.core import clock
from service.core.answers import tagged_answer, to_json
from service.core.history import Recorder, Row
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
from service.outcomes import service
from service.outcomes.schemas import AllObservationsQuery, ObservationCreate, ObservationQuery, ObservationRead

indicators = collection_router(service.INDICATORS)
router = APIRouter(route_class=Door, redirect_slashes=False, tags=["indicators"])


PAGE = page_model("ObservationPage", ObservationRead)
COMPARED = "with its 95 % Wilson interval where counts are known, and how it compares."


async def observations_answer(visit: Visit, query: ObservationQuery, indicator_id: int | None = None) -> Response:
    """Answer with a page of values, of one indicator or of all."""

    def ask(connection: Connection, query: ObservationQuery) -> Page:
        view = view_of(connection, visit.actor, query.known_at)
        return service.list_observations(connection, query, view, indicator_id)

    return await list_answer(visit, query, "observations", ask)


@router.get(
    "/v1/observations",
    operation_id="list_observations",
    summary="List the values of all indicators",
    description=f"Every value of every indicator, {COMPARED}",
    responses=tabular(answers(*LISTING, model=PAGE, headers=LINK, what="One page.")),
)
async def list_observations(query: Annotated[AllObservationsQuery, Query()], visit: PlanReader) -> Response:
    """Answer with the values of all indicators."""
    return await observations_answer(visit, query)


@router.get(
    "/v1/observations/{id}",
    operation_id="get_observation",
    summary="Get one value of an indicator",
    description=f"One value, {COMPARED}",
    responses=answers(*READING, model=ObservationRead, headers=ETAG, what="The value, compared."),
    openapi_extra=IF_NONE_MATCH,
)
async def get_observation(row_id: PathId, query: Annotated[KnownAt, Query()], visit: PlanReader) -> Response:
    """Answer with one value."""

    def ask(connection: Connection) -> Row:
        view = view_of(connection, visit.actor, query.known_at)
        return service.get_observation(connection, row_id, view)

    return tagged_answer(visit.request, to_json(await visit.snapshot(ask)))


@router.get(
    "/v1/indicators/{id}/observations",
    operation_id="list_indicator_observations",
    summary="List the values of an indicator",
    description=f"Every value, {COMPARED}",
    responses=tabular(answers(*READING, model=PAGE, headers=LINK, what="One page.")),
)
async def list_indicator_observations(
    row_id: PathId, query: Annotated[ObservationQuery, Query()], visit: PlanReader
) -> Response:
    """Answer with the values of an indicator."""
    return await observations_answer(visit, query, row_id)


@router.post(
    "/v1/indicators/{id}/observations",
    status_code=201,
    operation_id="record_observation",
    summary="Record a value of an indicator",
    description="Adds a value; it is never edited. To correct one, add another.",
    responses=answers(*RECORDING, success=201, model=ObservationRead, headers=LOCATION, what="The value, compared."),
    openapi_extra=IDEMPOTENCY_KEY,
)
async def record_observation(
    row_id: PathId,
    body: ObservationCreate,
    visit: Annotated[Visit, entered(Act.WRITE_PLAN, service.explain_recording)],
) -> Response:
    """Record a value."""

    def act(recorder: Recorder) -> tuple[Row, str]:
        row = service.record_observation(recorder, visit.actor, row_id, body, clock.today())
        return row, f"/v1/observations/{row['id']}"

    return await visit.post(act)
