"""The collections over HTTP: the same routes for each noun."""

from collections.abc import Callable
from datetime import date, datetime
from functools import lru_cache
from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Query, Request, Response
from pydantic import BaseModel, Field, create_model
from sqlalchemy import Connection

from service.access import writing
from service.access.door import Door, Visit, entered
from service.access.policy import Act, Actor
from service.access.resource import Resource, View
from service.access.rows import get_row, list_rows, list_versions
from service.core import clock
from service.core.answers import JSON_MEDIA_TYPE, check_match, etag_of, require_match, tagged_answer, to_json
from service.core.fields import IdInUrl, Input, Reason
from service.core.history import Recorder, Row, find_known
from service.core.kept import Answer
from service.core.negotiation import Format, Tabular, chosen_format
from service.core.paging import CURSOR_MEANING, Limit, Page, bad_cursor, next_url, sorted_by
from service.core.responses import (
    CHANGING,
    ETAG,
    IDEMPOTENCY_KEY,
    IF_MATCH,
    IF_NONE_MATCH,
    LINK,
    LISTING,
    LOCATION,
    MAKING,
    READING,
    RETIRING,
    answers,
    page_model,
    tabular,
)
from service.core.schemas import HistoryEntry, KnownAt

PathId = Annotated[IdInUrl, Path(alias="id", description="Number of the row.", examples=[1])]
MERGE_PATCH = "application/merge-patch+json"


class HistoryQuery(Tabular):
    """The query parameters of a history."""

    limit: Limit = Field(100, description="Versions in a page, 1 to 1000.", examples=[20])
    cursor: Annotated[str, Field(max_length=20)] | None = Field(
        None, description=CURSOR_MEANING, examples=["17"], json_schema_extra={"pattern": "^[0-9]{1,18}$"}
    )


class RetireQuery(Input):
    """The query parameters of a DELETE."""

    change_reason: Reason | None = Field(
        None, description="Why; it stands in the history.", examples=["Entered twice."]
    )


def collection_router(
    resource: Resource, version: type[BaseModel] | None = None, *, can_retire: bool = True
) -> APIRouter:
    """Return the routes of a collection; `version` is what its history shows where that is less than a row."""
    router = APIRouter(prefix=f"/v1/{resource.name}", tags=[resource.name], route_class=Door, redirect_slashes=False)
    _add_get(router, resource)
    _add_list(router, resource)
    _add_create(router, resource)
    _add_change(router, resource)
    if can_retire:
        _add_retire(router, resource)
    _add_history(router, resource, version or resource.read)
    return router


def _answer_of(request: Request, page: Page) -> Answer:
    """Return the answer with one page of a list and the address of the next."""
    following = next_url(request.url.path, request.query_params.multi_items(), page.cursor)
    return Answer(to_json({"items": page.items, "next": following}), following)


async def list_answer(
    visit: Visit,
    query: Any,
    name: str,
    ask: Callable[[Connection, Any], Page],
    *,
    is_short: bool = False,
    is_kept: bool = False,
) -> Response:
    """Answer with a page of a list, or with all of it as a table, by the name that the table goes by.

    `ask` returns the page that a query names; `is_short` says that it takes one statement where nothing past is asked,
    `is_kept` that the answer can be kept for the next who asks: see `Visit.kept`.
    """
    form = chosen_format(visit.request.headers.get("accept"), query.format)
    if form is not Format.JSON:
        answer: Response = await visit.request.app.state.tables.answer(visit, query, form, name, ask)
        return answer
    run = visit.read if is_short and getattr(query, "known_at", None) is None else visit.snapshot

    async def make() -> tuple[int, Answer]:
        return visit.newest, _answer_of(visit.request, await run(lambda connection: ask(connection, query)))

    made = await visit.kept(clock.today(), make) if is_kept else (await make())[1]
    headers = {"Link": f'<{made.following}>; rel="next"'} if made.following else None
    return Response(made.body, 200, headers, JSON_MEDIA_TYPE)


def view_of(connection: Connection, actor: Actor, known_at: datetime | None, as_at: date | None = None) -> View:
    """Return the plan as a question sees it, about today unless told; now takes no look at the stamps."""
    day = as_at or clock.today()
    if known_at is None:
        return View(None, day, actor.reach.sight)
    return View(find_known(connection, known_at, clock.now()).past_seq, day, actor.reach.sight)


def _add_list(router: APIRouter, resource: Resource) -> None:
    async def list_all(query: Any, visit: Visit) -> Response:
        def ask(connection: Connection, query: Any) -> Page:
            view = view_of(connection, visit.actor, query.known_at, getattr(query, "as_at", None))
            return list_rows(connection, resource, query, view)

        return await list_answer(visit, query, resource.name, ask, is_short=True, is_kept=True)

    query = sorted_by(*resource.sortable)(resource.query)
    list_all.__annotations__.update(query=Annotated[query, Query()], visit=_visitor(resource.reads))
    page = page_model(f"{resource.read.__name__.removesuffix('Read')}Page", resource.read)
    router.add_api_route(
        "",
        list_all,
        methods=["GET"],
        operation_id=f"list_{_snake(resource.name)}",
        summary=f"List {_words(resource.name)}",
        description=f"{_words(resource.name).capitalize()} as they are known, page by page, in a fixed order.",
        responses=tabular(answers(*LISTING, model=page, headers=LINK, what="One page.")),
    )


def _add_get(router: APIRouter, resource: Resource) -> None:
    async def get_one(row_id: PathId, query: Annotated[KnownAt, Query()], visit: Visit) -> Response:
        def ask(connection: Connection) -> Row:
            return get_row(connection, resource, row_id, view_of(connection, visit.actor, query.known_at))

        run = visit.read if query.known_at is None else visit.snapshot
        return tagged_answer(visit.request, to_json(await run(ask)))

    get_one.__annotations__["visit"] = _visitor(resource.reads)
    router.add_api_route(
        "/{id}",
        get_one,
        methods=["GET"],
        operation_id=f"get_{_snake(resource.noun)}",
        summary=f"Get one {resource.noun}",
        description=f"One {resource.noun} as it is known now, or as it was known at an instant.",
        responses=answers(*READING, model=resource.read, headers=ETAG, what=f"The {resource.noun}."),
        openapi_extra=IF_NONE_MATCH,
    )


def _add_create(router: APIRouter, resource: Resource) -> None:
    async def create(body: Any, visit: Visit) -> Response:
        def act(recorder: Recorder) -> tuple[Row, str]:
            row = writing.create_row(recorder, visit.actor, resource, body, clock.today())
            return row, f"/v1/{resource.name}/{row['id']}"

        return await visit.post(act)

    create.__annotations__.update(body=resource.create, visit=_visitor(resource.writes))
    router.add_api_route(
        "",
        create,
        methods=["POST"],
        status_code=201,
        operation_id=f"create_{_snake(resource.noun)}",
        summary=f"Make {_one(resource.noun)}",
        description=f"Adds {_one(resource.noun)} to the plan as version 1.",
        responses=answers(
            *MAKING, success=201, model=resource.read, headers=LOCATION, what=f"The new {resource.noun}."
        ),
        openapi_extra=IDEMPOTENCY_KEY,
    )


def _add_change(router: APIRouter, resource: Resource) -> None:
    async def change(row_id: PathId, body: Any, visit: Visit) -> Response:
        expected = require_match(visit.request.headers.get("if-match"))

        def act(recorder: Recorder) -> bytes:
            unchanged: Callable[[Row], None] = lambda row: check_match(expected, row)  # noqa: E731 One line says it.
            return to_json(
                writing.change_row(
                    recorder, visit.actor, resource, row_id, body, unchanged=unchanged, today=clock.today()
                )
            )

        content = await visit.write(act)
        return Response(content, 200, {"ETag": etag_of(content)}, "application/json")

    change.__annotations__.update(body=Annotated[resource.patch, Body(media_type=MERGE_PATCH)], visit=_writer(resource))
    router.add_api_route(
        "/{id}",
        change,
        methods=["PATCH"],
        operation_id=f"change_{_snake(resource.noun)}",
        summary=f"Change {_one(resource.noun)}",
        description=(
            f"Applies a JSON merge patch (RFC 7396) to the {resource.noun}; the version before stays in its history. "
            "Needs If-Match. The same body is taken as application/json too."
        ),
        responses=answers(*CHANGING, model=resource.read, headers=ETAG, what=f"The {resource.noun} as it is now."),
        openapi_extra=IF_MATCH,
    )


def _add_retire(router: APIRouter, resource: Resource) -> None:
    async def retire(row_id: PathId, query: Annotated[RetireQuery, Query()], visit: Visit) -> Response:
        expected = require_match(visit.request.headers.get("if-match"))

        def act(recorder: Recorder) -> None:
            recorder.reason = query.change_reason
            unchanged: Callable[[Row], None] = lambda row: check_match(expected, row)  # noqa: E731 One line says it.
            writing.retire_row(recorder, visit.actor, resource, row_id, unchanged=unchanged, today=clock.today())

        await visit.write(act)
        return Response(status_code=204)

    retire.__annotations__["visit"] = _writer(resource)
    router.add_api_route(
        "/{id}",
        retire,
        methods=["DELETE"],
        status_code=204,
        operation_id=f"delete_{_snake(resource.noun)}",
        summary=f"Delete {_one(resource.noun)}",
        description=(
            f"Takes the {resource.noun} out of what is known from now on; what was known before stays. "
            "Refused while something refers to it. Needs If-Match."
        ),
        responses=answers(*RETIRING, success=204, what="It is gone."),
        openapi_extra=IF_MATCH,
    )


@lru_cache
def history_model(noun: str, version: type[BaseModel]) -> type[BaseModel]:
    """Return the model of an entry in the history of a noun; `version` is what it shows of the row."""
    return create_model(
        f"{version.__name__.removesuffix('Read').removesuffix('Version')}HistoryEntry",
        __base__=(version, HistoryEntry),
        __doc__=f"{_one(noun).capitalize()} as it was, and who made it so.",
    )


def history_name(resource: Resource) -> str:
    """Return the name that the histories of a resource go by as tables: `funding_award_history`."""
    return f"{_snake(resource.noun)}_history"


def _add_history(router: APIRouter, resource: Resource, version: type[BaseModel]) -> None:
    entry = history_model(resource.noun, version)

    async def history(row_id: PathId, query: Annotated[HistoryQuery, Query()], visit: Visit) -> Response:
        sight = visit.actor.reach.sight

        def ask(connection: Connection, query: HistoryQuery) -> Page:
            before_seq = _sequence(query.cursor)
            return list_versions(connection, resource, row_id, limit=query.limit, before_seq=before_seq, sight=sight)

        return await list_answer(visit, query, history_name(resource), ask, is_short=True)

    history.__annotations__["visit"] = _visitor(resource.reads)
    router.add_api_route(
        "/{id}/history",
        history,
        methods=["GET"],
        operation_id=f"get_{_snake(resource.noun)}_history",
        summary=f"Get the history of {_one(resource.noun)}",
        description=f"Every version of the {resource.noun}, newest first: what it was, who made it so, when and why.",
        responses=tabular(
            answers(
                *READING,
                model=page_model(entry.__name__.removesuffix("Entry"), entry),
                headers=LINK,
                what="One page.",
            )
        ),
    )


def _visitor(act: Act) -> Any:
    return Annotated[Visit, entered(act)]


def _writer(resource: Resource) -> Any:
    """Return the mark of who may change one row; who may not is told who could, of this very row."""

    def explain(connection: Connection, *, actor: Actor, row_id: int) -> None:
        row = get_row(connection, resource, row_id, view_of(connection, actor, None))
        resource.guard(connection, actor, row)

    return Annotated[Visit, entered(resource.writes, explain, resource.reads)]


def _sequence(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    if not (cursor.isascii() and cursor.isdigit()) or len(cursor) > 18:  # noqa: PLR2004 More is no 64-bit number.
        raise bad_cursor()
    return int(cursor)


def _snake(name: str) -> str:
    return name.replace("-", "_").replace(" ", "_")


def _one(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


def _words(name: str) -> str:
    return name.replace("-", " ")
