"""Every error as RFC 9457 `application/problem+json`, with the request's id and nothing of what was sent."""

import logging
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import FastAPI, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from service.core import errors
from service.core.answers import to_json
from service.core.errors import Fault, TrackerError
from service.core.fields import PATTERNS_IN_WORDS
from service.core.middleware import headers_of

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:tracker:problem:"
# An answer names at most this many things wrong.
MOST_FAULTS = 50

STATUSES: dict[type[TrackerError], int] = {
    errors.Malformed: 400,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.Stale: 412,
    errors.TooLarge: 413,
    errors.UnsupportedMedia: 415,
    errors.Invalid: 422,
    errors.PreconditionMissing: 428,
    errors.TooMany: 429,
    errors.Unavailable: 503,
}
TITLES = {
    400: "The request cannot be read",
    401: "Sign in first",
    403: "Not allowed",
    404: "Not found",
    405: "Not a method of this address",
    409: "Conflict",
    412: "Changed meanwhile",
    413: "Too large",
    415: "Not JSON",
    422: "The input breaks a rule",
    428: "If-Match is missing",
    429: "Too many requests",
    500: "A fault of the service",
    503: "Busy",
}
PLAIN_WORDS = {
    "missing": "This is needed: add it.",
    "extra_forbidden": "There is no such field here, or it cannot be set.",
}


class ProblemFault(BaseModel):
    """One thing wrong with the input."""

    pointer: str = Field(
        description="JSON pointer into the body; /query/…, /path/… and /header/… for the rest of the request.",
        examples=["/due_on"],
    )
    detail: str = Field(
        description="What is wrong, and what to do.", examples=["There is no such day in the calendar."]
    )


class Problem(BaseModel):
    """An error, as RFC 9457 has it."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    type: str = Field(description="Which kind of problem.", examples=["urn:tracker:problem:not-found"])
    title: str = Field(description="The kind in words.", examples=["Not found"])
    status: int = Field(description="The HTTP status.", ge=400, le=599, examples=[404])
    detail: str = Field(
        description="What happened, and what to do next.",
        examples=["There is no milestone 999, or you may not see it."],
    )
    instance: str = Field(description="The request that met it.", examples=["urn:tracker:request:5f1c0a9be2d47788"])
    request_id: str = Field(
        description="The id under which the request stands in the log.", examples=["5f1c0a9be2d47788"]
    )
    errors: Annotated[list[ProblemFault], Field(max_length=MOST_FAULTS)] = Field(
        description="What is wrong with the input; empty where the fault lies elsewhere."
    )


def problem(
    request: Request, status: int, detail: str, faults: Iterable[Fault] = (), headers: Mapping[str, str] | None = None
) -> Response:
    """Answer with a problem document."""
    request_id = request.scope.get("request_id", "-")
    name = HTTPStatus(status).phrase.lower().replace(" ", "-")
    content = {
        "type": TYPE_PREFIX + name,
        "title": TITLES.get(status, HTTPStatus(status).phrase),
        "status": status,
        "detail": detail,
        "instance": f"urn:tracker:request:{request_id}",
        "request_id": request_id,
        "errors": [{"pointer": fault.pointer, "detail": fault.detail} for fault in faults],
    }
    return Response(to_json(content), status, dict(headers or {}), MEDIA_TYPE)


async def answer_tracker_error(request: Request, error: Exception) -> Response:
    """Answer an error of the service's own."""
    assert isinstance(error, TrackerError)  # noqa: S101 The handler is registered for this class.
    return problem(request, STATUSES[type(error)], error.detail, error.faults[:MOST_FAULTS], error.headers)


async def answer_http_exception(request: Request, error: Exception) -> Response:
    """Answer an error of the framework: no such address, or not this method."""
    assert isinstance(error, HTTPException)  # noqa: S101 The handler is registered for this class.
    details = {404: "There is nothing at this address.", 405: "This address does not take that method."}
    detail = details.get(error.status_code, "The request cannot be read.")
    headers = dict(error.headers or {})
    path = getattr(request.scope.get("route"), "path", None)
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED and path in request.app.openapi()["paths"]:
        # Several routes share an address, and the framework only names the methods of the first.
        methods = {method.upper() for method in request.app.openapi()["paths"][path]}
        headers["Allow"] = ", ".join(sorted(methods | {"HEAD"} if "GET" in methods else methods))
    return problem(request, error.status_code, detail, headers=headers)


async def answer_fault(request: Request, error: Exception) -> Response:
    """Answer a fault of ours: the log has it, the answer only the id to find it by."""
    request_id = request.scope.get("request_id", "-")
    logging.getLogger("tracker").error("unhandled fault", exc_info=error, extra={"request_id": request_id})
    # This is answered outside the frame that gives all other answers their headers.
    said = headers_of(request_id, request.app.state.settings.hsts_seconds)
    headers = {name.decode(): value.decode() for name, value in said}
    return problem(request, 500, "The service made a mistake. It is in the log under this request's id.", (), headers)


def add_handlers(app: FastAPI) -> None:
    """Make every error of an application a problem document."""
    app.add_exception_handler(TrackerError, answer_tracker_error)
    app.add_exception_handler(HTTPException, answer_http_exception)
    app.add_exception_handler(Exception, answer_fault)


def fault_of(fault: Mapping[str, Any]) -> Fault:
    """Return one of pydantic's errors as a fault, without the value that met it."""
    return Fault(_pointer(fault["loc"]), _words(fault))


def _pointer(place: tuple[Any, ...]) -> str:
    """Return the JSON pointer of a place: the body's own paths bare, the rest below the part of the request."""
    steps = [str(step).replace("~", "~0").replace("/", "~1") for step in place]
    return "".join(f"/{step}" for step in steps).encode("utf-8", "replace").decode()


def _words(fault: Mapping[str, Any]) -> str:
    known = PLAIN_WORDS.get(fault["type"]) or PATTERNS_IN_WORDS.get(fault.get("ctx", {}).get("pattern", ""))
    return known or f"{str(fault['msg']).rstrip('.')}."
