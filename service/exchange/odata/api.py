"""The feed over HTTP: GET of the service document, the model, sets, entities and counts below /odata/."""

import re
from collections.abc import Callable, Coroutine
from functools import cache
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.routing import Route

from service.access.door import Door, Myself, Visit
from service.access.policy import find_refusal
from service.core.answers import JSON_MEDIA_TYPE, to_json
from service.core.errors import Fault, Forbidden, NotFound, TrackerError
from service.core.history import Row
from service.core.problems import STATUSES
from service.core.reading import check_encoding
from service.exchange.odata.answers import Form, Writer, chosen_form, wanted_rows
from service.exchange.odata.catalogue import SETS
from service.exchange.odata.metadata import csdl, service_document
from service.exchange.odata.model import EntitySet
from service.exchange.odata.querying import count_rows, find_entity, find_page
from service.exchange.odata.questions import (
    OF_ALL,
    OF_COUNT,
    OF_ONE,
    OF_SET,
    check_options,
    read_key,
    read_question,
    single_options,
)
from service.exchange.odata.syntax import FilterError

ROOT = "/odata/"
VERSION = {"OData-Version": "4.0"}
# An address below the root: a set, one of its entities, or something beneath either.
RESOURCE = re.compile(r"([A-Za-z]+)(?:\(((?:[^()']|'(?:[^']|'')*')*)\))?(?:/(.*))?", re.DOTALL)
OLDEST = 4.0
NO_SUCH = "There is no {} in this feed: {}$metadata lists what there is."


class FeedDoor(Door):
    """A route whose errors are told as the protocol tells them, and whose answers name the version of it."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler of this route."""
        enter = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                found = await enter(request)
            except FilterError as error:
                status = HTTPStatus.NOT_IMPLEMENTED if error.is_unsupported else HTTPStatus.BAD_REQUEST
                found = _error(status, str(error))
            except TrackerError as error:
                status = HTTPStatus(STATUSES[type(error)])
                if status is HTTPStatus.UNPROCESSABLE_ENTITY:
                    status = HTTPStatus.BAD_REQUEST
                found = _error(status, error.detail, error.headers, error.faults)
            found.headers.update(VERSION)
            return found

        return answer


def _error(
    status: HTTPStatus, message: str, headers: dict[str, str] | None = None, faults: tuple[Fault, ...] = ()
) -> Response:
    details = [{"code": "fault", "target": fault.pointer, "message": fault.detail} for fault in faults]
    code = status.phrase.replace(" ", "")
    content: Row = {"code": code, "message": message, **({"details": details} if details else {})}
    return Response(to_json({"error": content}), status, headers, JSON_MEDIA_TYPE)


router = APIRouter(route_class=FeedDoor, redirect_slashes=False)


@router.get(ROOT.rstrip("/"), include_in_schema=False)
@router.get(ROOT + "{path:path}", include_in_schema=False)
async def get_odata(visit: Myself) -> Response:
    """Answer with what the address names."""
    request = visit.request
    check_encoding(request.scope["query_string"])
    options = single_options(request.query_params.multi_items())
    _check_version(request)
    path = request.path_params.get("path", "")
    root = root_of(request)
    if path == "$metadata":
        check_options(options, OF_ALL)
        if options.get("$format", "xml") not in ("xml", "application/xml"):
            raise FilterError("The model is XML: ask for it with $format=xml, or without.", is_unsupported=True)
        return Response(_model(), headers=_caching(), media_type="application/xml")
    form = chosen_form(request.headers.get("accept"), options.get("$format"))
    if path == "":
        check_options(options, OF_ALL)
        seen = [each for each in SETS.values() if find_refusal(visit.actor, each.reads) is None]
        return _answer(service_document(root, seen), form)
    if path.startswith("$"):
        raise FilterError(f"{path[:40]} is not supported.", is_unsupported=True)
    return await _ask(visit, path, options, Writer(root, form))


@cache
def _model() -> bytes:
    """Return the model, which is the same for ever in one version of the service."""
    return csdl(SETS.values())


def root_of(request: Request) -> str:
    """Return the address of the feed, as those who call it know it."""
    return str(request.app.state.settings.public_url or _host_of(request)) + ROOT


HOST = re.compile(r"[A-Za-z0-9.-]{1,253}(:\d{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:\d{1,5})?")


def _host_of(request: Request) -> str:
    host = request.headers.get("host", "")
    return f"{request.url.scheme}://{host}" if HOST.fullmatch(host) else ""


def _check_version(request: Request) -> None:
    newest = request.headers.get("odata-maxversion")
    if newest is None:
        return
    try:
        is_new_enough = float(newest.partition(";")[0]) >= OLDEST
    except ValueError:
        is_new_enough = False
    if not is_new_enough:
        raise FilterError("This feed speaks OData 4.0: ask with OData-MaxVersion: 4.0, or without.")


async def _ask(visit: Visit, path: str, options: dict[str, str], writer: Writer) -> Response:
    """Answer with what stands in a set."""
    match = RESOURCE.fullmatch(path)
    if match is None or match[1] not in SETS:
        raise NotFound(NO_SUCH.format(path[:40], ROOT))
    entities = SETS[match[1]]
    refusal = find_refusal(visit.actor, entities.reads)
    if refusal:
        raise Forbidden(refusal)
    if match[3] == "$count" and match[2] is None:
        question = read_question(entities, options, OF_COUNT)
        number = await visit.snapshot(lambda connection: count_rows(connection, visit.actor, question))
        return Response(str(number), headers=_caching(), media_type="text/plain")
    if match[3] is not None:
        raise FilterError("Paths below a set or an entity are not supported.", is_unsupported=True)
    if match[2] is None:
        return await _page(visit, entities, options, writer)
    key = read_key(entities, match[2])
    question = read_question(entities, options, OF_ONE)
    row = await visit.snapshot(lambda connection: find_entity(connection, visit.actor, question, key))
    if row is None:
        raise NotFound(f"There is no such entity in {entities.name}, or you may not see it.")
    return _answer(writer.entity(question, row), writer.form)


async def _page(visit: Visit, entities: EntitySet, options: dict[str, str], writer: Writer) -> Response:
    question = read_question(entities, options, OF_SET)
    page_rows, applied = wanted_rows(entities, visit.request.headers.getlist("prefer"))
    found = await visit.snapshot(lambda connection: find_page(connection, visit.actor, question, page_rows))
    return _answer(writer.page(question, found, options), writer.form, applied)


def _answer(content: Row, form: Form, headers: dict[str, str] | None = None) -> Response:
    return Response(to_json(content), headers={**_caching(), **(headers or {})}, media_type=form.media_type)


def _caching() -> dict[str, str]:
    return {"Cache-Control": "private, no-cache", "Vary": "Accept, Authorization, Prefer"}


async def refuse(_request: Request) -> Response:
    """Answer that nothing is written here."""
    found = _error(HTTPStatus.METHOD_NOT_ALLOWED, "This feed can be read only: use GET.", {"Allow": "GET, HEAD"})
    found.headers.update(VERSION)
    return found


WRITES = Route(ROOT + "{path:path}", refuse, methods=["POST", "PUT", "PATCH", "DELETE"], include_in_schema=False)
