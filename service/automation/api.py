"""Schedules, webhooks and deliveries over HTTP."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Response
from sqlalchemy import Connection

from service.access.collection import PathId, collection_router, list_answer
from service.access.door import Door, PlanReader, Visit, entered
from service.access.policy import Act, Actor
from service.access.resource import View
from service.access.rows import get_listed, list_rows
from service.automation import outbox
from service.automation.schedules import DELIVERIES, SCHEDULES
from service.automation.schemas import DeliveryQuery, DeliveryRead, SecretCreate, WebhookSecret
from service.automation.webhooks import WEBHOOKS, check_keeper, make_secret
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
    READING,
    RECORDING,
    answers,
    page_model,
    tabular,
)
from service.plan.boundaries import check_may_write

schedules = collection_router(SCHEDULES)
webhooks = collection_router(WEBHOOKS)
router = APIRouter(route_class=Door, redirect_slashes=False)
DELIVERY_PAGE = page_model("DeliveryPage", DeliveryRead)


def explain_webhook(connection: Connection, *, actor: Actor, row_id: int) -> None:
    """Say of a webhook who may keep it."""
    check_keeper(connection, actor, row_id)


def explain_delivery(connection: Connection, *, actor: Actor, row_id: int) -> None:
    """Say of a delivery who may send it again."""
    check_may_write(connection, actor, _delivery(connection, actor, row_id)["strategy_id"])


WebhookKeeper = Annotated[Visit, entered(Act.KEEP_WEBHOOKS, explain_webhook)]
Sender = Annotated[Visit, entered(Act.WRITE_REPORTS, explain_delivery, takes_nothing=True)]


@router.post(
    "/v1/webhooks/{id}/secret",
    operation_id="make_webhook_secret",
    summary="Make the secret of a webhook anew",
    description=(
        "The answer shows the secret this once. With the first one the webhook begins to be told of changes. When it "
        "is made anew, what is posted is signed with both for a while, so that nothing is refused meanwhile."
    ),
    responses=answers(*RECORDING, model=WebhookSecret, what="The secret."),
    openapi_extra=IDEMPOTENCY_KEY,
    tags=[WEBHOOKS.name],
)
async def make_webhook_secret(row_id: PathId, body: SecretCreate, visit: WebhookKeeper) -> Response:
    """Make the secret of a webhook."""

    def act(recorder: Recorder) -> tuple[Row, str]:
        both_for = timedelta(hours=body.keep_previous_hours)
        return make_secret(recorder.connection, visit.actor, row_id, both_for, clock.now()), ""

    return await visit.post(act, kept=lambda content: {**content, "secret": None}, status=200)


@router.get(
    "/v1/deliveries",
    operation_id="list_deliveries",
    summary="List deliveries",
    description="What was or is to be brought: reports to posts and to the folder, reminders, and events to webhooks.",
    responses=tabular(answers(*LISTING, model=DELIVERY_PAGE, headers=LINK, what="One page.")),
    tags=["deliveries"],
)
async def list_deliveries(query: Annotated[DeliveryQuery, Query()], visit: PlanReader) -> Response:
    """Answer with deliveries."""
    sight = visit.actor.reach.sight

    def ask(connection: Connection, query: DeliveryQuery) -> Page:
        return list_rows(connection, DELIVERIES, query, View(None, clock.today(), sight))

    return await list_answer(visit, query, "deliveries", ask, is_short=True)


@router.get(
    "/v1/deliveries/{id}",
    operation_id="get_delivery",
    summary="Get one delivery",
    description="One delivery, with how often it was tried and what was in the way.",
    responses=answers(*READING, model=DeliveryRead, headers=ETAG, what="The delivery."),
    openapi_extra=IF_NONE_MATCH,
    tags=["deliveries"],
)
async def get_delivery(row_id: PathId, visit: PlanReader) -> Response:
    """Answer with one delivery."""
    row = await visit.read(lambda connection: _delivery(connection, visit.actor, row_id))
    return tagged_answer(visit.request, to_json(row))


@router.post(
    "/v1/deliveries/{id}/send",
    operation_id="send_delivery",
    summary="Send a delivery again",
    description=(
        "Has it brought once more, within a minute or so, whether or not it was before; 409 where it waits already. "
        "It keeps its id, by which a receiver can tell a double."
    ),
    responses=answers(*RECORDING, model=DeliveryRead, what="The delivery, due."),
    openapi_extra=IDEMPOTENCY_KEY,
    tags=["deliveries"],
)
async def send_delivery(row_id: PathId, visit: Sender) -> Response:
    """Send a delivery again."""

    def act(recorder: Recorder) -> tuple[Row, str]:
        explain_delivery(recorder.connection, actor=visit.actor, row_id=row_id)
        outbox.send_again(recorder.connection, row_id, clock.now())
        return _delivery(recorder.connection, visit.actor, row_id), ""

    return await visit.post(act, status=200)


def _delivery(connection: Connection, actor: Actor, row_id: int) -> Row:
    return get_listed(connection, DELIVERIES, "delivery", row_id, View(None, clock.today(), actor.reach.sight))
