"""The application: wiring only."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import Any, Literal

import orjson
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, Field
from starlette.routing import Route

import service
from service import cli
from service.access import api as access
from service.access import feeds
from service.access.callers import Callers
from service.access.collection import collection_router, history_model, history_name
from service.access.door import Door, MetricsReader
from service.access.schemas import TokenRead
from service.access.users import USERS
from service.automation import api as automation
from service.automation.due import run_due
from service.automation.schedules import SCHEDULES
from service.automation.schemas import DeliveryRead
from service.automation.webhooks import WEBHOOKS
from service.core.answers import json_answer
from service.core.db import Database
from service.core.docs import add_docs
from service.core.errors import TrackerError, Unavailable
from service.core.hosts import TrustedHosts
from service.core.kept import KeptAnswers
from service.core.logs import set_up_logs
from service.core.middleware import RequestFrame
from service.core.migrations import NEWEST_REVISION, current_revision
from service.core.openapi import describe
from service.core.problems import add_handlers, problem
from service.core.responses import answers
from service.exchange import api as exchange
from service.exchange.odata import api as odata
from service.exchange.tables import Tables
from service.outcomes import api as outcomes
from service.outcomes.schemas import ObservationRead
from service.outcomes.service import INDICATORS, OBSERVATIONS
from service.plan.catalogue import COLLECTIONS
from service.plan.events import Event, feed_router
from service.plan.partnerships import find_partnership
from service.plan.schemas import StatusUpdateRead
from service.progress import api as progress
from service.progress.milestones import MILESTONES
from service.progress.schemas import MilestoneVersion
from service.reporting import api as reporting
from service.reporting.reports import REPORTS
from service.reporting.schemas import ReportVersion
from service.settings import Settings, read_settings

METRICS = 'tracker_requests_total{method="GET",route="/v1/progress",status="200"} 23.0\n'
SECONDS_BETWEEN_USES = 60
# What every version of is a row like any other.
VERSIONED = (*COLLECTIONS, INDICATORS, SCHEDULES, WEBHOOKS, USERS)
LISTS: dict[str, type[BaseModel]] = {
    **{each.name: each.read for each in (*VERSIONED, MILESTONES, REPORTS)},
    **{history_name(each): history_model(each.noun, each.read) for each in VERSIONED},
    history_name(MILESTONES): history_model(MILESTONES.noun, MilestoneVersion),
    history_name(REPORTS): history_model(REPORTS.noun, ReportVersion),
    "updates": StatusUpdateRead,
    "observations": ObservationRead,
    "deliveries": DeliveryRead,
    "tokens": TokenRead,
    "events": Event,
}
FEED = (*VERSIONED, MILESTONES, progress.UPDATES, OBSERVATIONS, REPORTS)
health = APIRouter(tags=["health"], redirect_slashes=False)
guarded = APIRouter(tags=["health"], route_class=Door, redirect_slashes=False)


def create_app(settings: Settings) -> FastAPI:
    """Return the application over one database."""
    app = FastAPI(
        title="Partnership Action Tracker",
        version=service.__version__,
        description=DESCRIPTION,
        contact={"name": "The Partnership Action Tracker contributors"},
        license_info={"name": "MIT", "identifier": "MIT"},
        openapi_tags=[{"name": name, "description": text} for name, text in TAGS.items()],
        lifespan=_lifespan,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
    )
    app.state.settings = settings
    app.state.database = Database(
        settings.sqlalchemy_url,
        pool_size=settings.pool_size,
        lock_timeout_seconds=settings.lock_timeout_seconds,
    )
    app.state.callers = Callers(app.state.database, settings, find_partnership)
    app.state.kept_answers = KeptAnswers()
    app.state.tables = Tables(LISTS)
    for router in (
        progress.figures,
        progress.milestones,
        progress.router,
        outcomes.indicators,
        outcomes.router,
        *map(collection_router, COLLECTIONS),
        reporting.reports,
        reporting.router,
        automation.schedules,
        automation.webhooks,
        automation.router,
        access.users,
        access.router,
        feed_router(FEED),
        exchange.router,
        odata.router,
        health,
        guarded,
    ):
        # To include a router would have the framework look for each route twice, and for a router's at every request.
        app.router.routes.extend(router.routes)
    app.router.routes.append(odata.WRITES)
    app.router.routes.append(Route(feeds.PATH, feeds.Feeds(), methods=["GET"], include_in_schema=False))
    add_docs(app)
    add_handlers(app)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST", "PATCH", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "If-Match", "If-None-Match", "Idempotency-Key"],
            expose_headers=["ETag", "Link", "Location", "Retry-After", "X-Request-Id"],
        )
    if settings.trusted_hosts:
        app.add_middleware(TrustedHosts, names=settings.trusted_hosts)
    app.add_middleware(RequestFrame, is_logged=settings.access_log, hsts_seconds=settings.hsts_seconds)
    app.openapi = lambda: describe(app, _examples())  # type: ignore[method-assign]
    return app


def serve_app() -> FastAPI:
    """Return the application that a server process runs, by the settings of its environment."""
    settings = read_settings()
    set_up_logs(settings.log_level)
    return create_app(settings)


def run_command() -> None:
    """Run `tracker …`."""
    cli.run(create_app)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    callers: Callers = app.state.callers
    tasks = [asyncio.create_task(_keep_uses(callers))]
    if app.state.settings.run_due_seconds:
        tasks.append(asyncio.create_task(_do_what_is_due(app)))
    yield
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await callers.keep_uses()
    await app.state.database.dispose()


async def _keep_uses(callers: Callers) -> None:
    """Write down now and then when tokens were last used: never with the request itself."""
    while True:
        await asyncio.sleep(SECONDS_BETWEEN_USES)
        await callers.keep_uses()


async def _do_what_is_due(app: FastAPI) -> None:
    """Do now and then what is due; what fails is logged, and tried again the next time."""
    settings: Settings = app.state.settings
    while True:
        await asyncio.sleep(settings.run_due_seconds)
        try:
            await run_due(app.state.database, settings)
        except TrackerError as error:
            logging.getLogger("tracker").warning("what is due was not done: %s", error.detail)
        except Exception:
            logging.getLogger("tracker").exception("what is due was not done")


def _examples() -> Any:
    """Return real answers of the sample plan, operation by operation."""
    return orjson.loads(files("service.sample").joinpath("answers.json").read_bytes())


class Health(BaseModel):
    """That all is well."""

    status: Literal["alive", "ready"] = Field(description="How it stands.", examples=["ready"])


@health.get(
    "/livez",
    operation_id="get_livez",
    summary="Ask whether the process is alive",
    responses=answers(model=Health, what="It is."),
)
async def get_livez() -> Response:
    """Answer as long as the process can answer at all."""
    return json_answer({"status": "alive"})


@health.get(
    "/readyz",
    operation_id="get_readyz",
    summary="Ask whether the service can do its work",
    responses=answers(503, model=Health, what="It can."),
)
async def get_readyz(request: Request) -> Response:
    """Answer 200 where the database can be reached and is at the revision that this code needs, else 503."""
    state: Any = request.app.state
    try:
        revision = await state.database.snapshot(current_revision)
    except TrackerError as error:
        return problem(request, 503, error.detail, headers=error.headers)
    if revision != NEWEST_REVISION:
        raise Unavailable("The database is not at the current tables: run `tracker migrate`.")
    return json_answer({"status": "ready"})


@guarded.get(
    "/metrics",
    operation_id="get_metrics",
    summary="Read the metrics",
    response_class=PlainTextResponse,
    responses={
        **answers(401, 403, 429, 503),
        200: {"description": "The metrics.", "content": {"text/plain": {"example": METRICS}}},
    },
)
async def get_metrics(visit: MetricsReader) -> Response:  # noqa: ARG001 To come in is all that it takes.
    """Answer with what this process has counted, in the text format of Prometheus."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


TAGS = {
    "progress": "How strategies, priorities and workstreams stand, over time, and why it moved.",
    "milestones": "What is to be done, with its latest report and how it stands.",
    "updates": "Reports on milestones; only ever added.",
    "priorities": "The joint priorities of a strategy.",
    "workstreams": "The work that serves the priorities.",
    "strategies": "The plans with their priorities.",
    "organisations": "The partners and their departments.",
    "owners": "The posts that answer for work.",
    "boards": "The bodies that govern.",
    "areas": "Places.",
    "decisions": "What boards decided or are asked to decide.",
    "funding-awards": "Money for workstreams.",
    "indicators": "Outcome measures and what was observed.",
    "reports": "Quarterly reports: drafts, publishing, files, and proof.",
    "report-schedules": "What happens by itself when a quarter ends, and reminders.",
    "webhooks": "Addresses of other software that are told of changes.",
    "deliveries": "What was and is to be brought to somebody: reports, reminders, events.",
    "events": "The change feed.",
    "imports": "Workbooks that come back: what they would change, and changing it.",
    "tables": "What the columns of lists and figures are, where these are had as CSV.",
    "me": "Who you are and what you may do.",
    "tokens": "Keys to the API: make, list and revoke them.",
    "users": "Who uses the service, and the roles they hold.",
    "health": "For those who run the service.",
}
DESCRIPTION = """
The plan behind a partnership's joint priorities, and progress on it: priorities, workstreams, milestones, reports,
decisions, money and outcome measures, each with its whole history.

Every question about progress takes two clocks: `as_at` is the date it is asked about, `known_at` the instant whose
knowledge answers it. Ask again with the `known_at` of an answer and get the same figures for ever.

Send a token with every request: `Authorization: Bearer trk_…`, or Basic with the token as password. Lists come in
pages: follow `next`. A change needs `If-Match` with the ETag you read. A POST may carry an `Idempotency-Key`.
Errors are problem documents (RFC 9457).
""".strip()
