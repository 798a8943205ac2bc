"""What the OpenAPI document says of every route: the answers it really gives."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, create_model

from service.core.negotiation import CSV_TYPE, XLSX_TYPE
from service.core.paging import LARGEST_LIMIT
from service.core.problems import MEDIA_TYPE

WHEN = {
    400: "The request cannot be read: bad JSON, a cursor of another list, or the like.",
    401: "No token, or one that does not hold.",
    403: "The token may not do this; the answer says which role could.",
    404: "It is not there, or you may not see it.",
    409: "It clashes with what is there: a ref that is taken, something that still refers to it, or the same "
    "Idempotency-Key at work already.",
    412: "It has changed since you read it.",
    413: "The body is over the limit.",
    415: "The body is not JSON.",
    422: "A value breaks a rule; each fault says where and what to do.",
    428: "If-Match is missing.",
    429: "The token asks more often than it may, or credentials that do not hold came too often; see Retry-After.",
    503: "The database is busy or away; ask again after Retry-After.",
}
READING = (400, 401, 403, 404, 422, 429, 503)
LISTING = (400, 401, 403, 422, 429, 503)
MAKING = (400, 401, 403, 409, 413, 415, 422, 429, 503)
RECORDING = (400, 401, 403, 404, 409, 413, 415, 422, 429, 503)
CHANGING = (400, 401, 403, 404, 409, 412, 413, 415, 422, 428, 429, 503)
REVOKING = (400, 401, 403, 404, 422, 429, 503)
RETIRING = (400, 401, 403, 404, 409, 412, 422, 428, 429, 503)


PROBLEM = {"schema": {"$ref": "#/components/schemas/Problem"}}


def sent_header(name: str, description: str, *, is_needed: bool = False, **schema: Any) -> dict[str, Any]:
    """Return the description of a request header that the door itself reads."""
    kind = {"type": "string", **schema}
    return {"name": name, "in": "header", "required": is_needed, "description": description, "schema": kind}


def said_header(
    name: str, description: str, example: Any, *, is_always_there: bool = True, **schema: Any
) -> dict[str, Any]:
    """Return the description of a header of an answer."""
    kind = {"type": "string", **schema}
    return {name: {"description": description, "required": is_always_there, "schema": kind, "example": example}}


TAG = '"5f0c8e1d2b3a49586f7e6d5c"'
# The examples stand in the schemas: pages that fill in a parameter's own example would send one that cannot hold.
IF_MATCH = {"parameters": [sent_header("If-Match", "The ETag of what you read.", is_needed=True, examples=[TAG])]}
IF_NONE_MATCH = {
    "parameters": [sent_header("If-None-Match", "Answer 304 while this is still the ETag.", examples=[TAG])]
}
IDEMPOTENCY_KEY = {
    "parameters": [
        sent_header(
            "Idempotency-Key",
            "Any unique text without blanks: the work is done once, however often the request is sent within 24 hours.",
            pattern="^[!-~]+$",
            minLength=1,
            maxLength=255,
            examples=["7c4a8d09-ca37-4e2b-9f1d-3b6f0a5e2d11"],
        )
    ]
}
ETAG = said_header(
    "ETag",
    "Tag of what was answered: send it as If-Match to change that, as If-None-Match to ask if it moved.",
    TAG,
)
LOCATION = {
    **said_header("Location", "Address of what was made.", "/v1/milestones/24", format="uri-reference"),
    **ETAG,
}
LINK = said_header(
    "Link",
    "Address of the next page; absent on the last.",
    '</v1/milestones?limit=20&cursor=W1siaWQiLDIwXV0>; rel="next"',
    is_always_there=False,
)
TEXT_FILE = {"schema": {"type": "string"}}
FILE = {"schema": {"type": "string", "format": "binary"}}
EXTRA_HEADERS: dict[int, dict[str, Any]] = {
    401: said_header("WWW-Authenticate", "How to sign in.", 'Bearer realm="tracker", Basic realm="tracker"'),
    429: said_header("Retry-After", "Seconds to wait.", 30, type="integer", minimum=0),
    503: said_header("Retry-After", "Seconds to wait.", 2, type="integer", minimum=0),
}


def answers(
    *statuses: int,
    success: int = 200,
    model: type[BaseModel] | None = None,
    headers: Any = None,
    what: str = "The answer.",
) -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of a route: its success, and its errors as problem documents."""
    said: dict[int | str, dict[str, Any]] = {success: {"description": what}}
    if model is not None:
        said[success]["model"] = model
    if headers:
        said[success]["headers"] = headers
    if headers is ETAG and 412 not in statuses:  # noqa: PLR2004 The status by its number reads best here.
        said[304] = {"description": "You have it: If-None-Match named its tag.", "headers": ETAG}
    for status in statuses:
        said[status] = {
            "description": WHEN[status],
            "content": {MEDIA_TYPE: PROBLEM | {"examples": {"problem": {"$ref": f"#/components/examples/{status}"}}}},
            "headers": EXTRA_HEADERS.get(status, {}),
        }
    return said


def tabular(said: dict[int | str, dict[str, Any]]) -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of what can be had as a file too."""
    return {**said, 200: {**said[200], "content": {CSV_TYPE: TEXT_FILE, XLSX_TYPE: FILE}}}


def page_model(name: str, item: type[BaseModel], longest: int = LARGEST_LIMIT) -> type[BaseModel]:
    """Return the model of a page of a list."""
    return create_model(
        name,
        __config__=ConfigDict(extra="forbid", json_schema_serialization_defaults_required=True),
        __doc__="One page of a list.",
        items=(list[item], Field(max_length=longest, description="The rows of this page.")),  # type: ignore[valid-type]
        next=(str | None, Field(description="Address of the next page; null on the last.")),
    )
