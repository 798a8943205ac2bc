"""Indicators and observations over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from sqlalchemy import Connection

from service.access.door import Door, PlanReader, PlanWriter
from service.core import clock
from service.core.history import Recorder, Row
from service.core.paging import Page
from service.outcomes import service
from service.outcomes.schemas import ObservationCreate, ObservationQuery, ObservationRead
from service.plan.api import PathId, collection_router, moment_of, page_answer
from service.plan.openapi import IDEMPOTENCY_KEY, LINK, LOCATION, READING, RECORDING, answers, page_model

indicators = collection_router(service.INDICATORS)
router = APIRouter(route_class=Door, redirect_slashes=False, tags=["indicators"])


@router.get(
    "/v1/indicators/{id}/observations",
    operation_id="list_observations",
    summary="List the values of an indicator",
    description="Every value, with its 95 % Wilson interval where counts are known, and how it compares.",
    responses=answers(*READING, model=page_model("ObservationPage", ObservationRead), headers=LINK, what="One page."),
)
async def list_observations(row_id: PathId, query: Annotated[ObservationQuery, Query()], visit: PlanReader) -> Response:
    """Answer with the values of an indicator."""

    def ask(connection: Connection) -> Page:
        moment = moment_of(connection, query.known_at, clock.today(), clock.now())
        return service.list_observations(connection, row_id, query, moment)

    return page_answer(visit.request, await visit.snapshot(ask))


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
    visit: PlanWriter,
) -> Response:
    """Record a value."""

    def act(recorder: Recorder) -> tuple[Row, str]:
        row = service.record_observation(recorder, row_id, body, clock.today())
        return row, f"/v1/indicators/{row_id}/observations"

    return await visit.post(act)
