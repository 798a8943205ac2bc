"""What the OpenAPI document says of every route: the answers it really gives."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, create_model

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
    405: "The address does not take that method.",
    422: "A value breaks a rule; each fault says where and what to do.",
    428: "If-Match is missing.",
    503: "The database is busy or away; ask again after Retry-After.",
}


def header(name: str, description: str, example: str, *, is_needed: bool = False) -> dict[str, Any]:
    """Return the description of a request header that the door itself reads."""
    schema = {"type": "string", "maxLength": 1000}
    return {
        "name": name,
        "in": "header",
        "required": is_needed,
        "description": description,
        "schema": schema,
        "example": example,
    }


TAG = '"5f0c8e1d2b3a49586f7e6d5c"'
IF_MATCH = {"parameters": [header("If-Match", "The ETag of what you read.", TAG, is_needed=True)]}
IF_NONE_MATCH = {"parameters": [header("If-None-Match", "Answer 304 while this is still the ETag.", TAG)]}
IDEMPOTENCY_KEY = {
    "parameters": [
        header(
            "Idempotency-Key",
            "Any unique text: the work is done once, however often the request is sent within 24 hours.",
            "7c4a8d09-ca37-4e2b-9f1d-3b6f0a5e2d11",
        )
    ]
}
READING = (400, 401, 403, 404, 422, 503)
LISTING = (400, 401, 403, 422, 503)
MAKING = (400, 401, 403, 404, 409, 413, 415, 422, 503)
CHANGING = (400, 401, 403, 404, 409, 412, 413, 415, 422, 428, 503)
RETIRING = (400, 401, 403, 404, 409, 412, 422, 428, 503)
ETAG = {"ETag": {"description": "Tag of this representation.", "schema": {"type": "string"}}}
LOCATION = {"Location": {"description": "Address of what was made.", "schema": {"type": "string"}}, **ETAG}
EXTRA_HEADERS: dict[int, dict[str, Any]] = {
    401: {"headers": {"WWW-Authenticate": {"description": "How to sign in.", "schema": {"type": "string"}}}},
    503: {"headers": {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}}},
}
LINK = {"Link": {"description": 'The next page, as `<…>; rel="next"`.', "schema": {"type": "string"}}}


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
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
            **EXTRA_HEADERS.get(status, {}),
        }
    return said


def page_model(name: str, item: type[BaseModel]) -> type[BaseModel]:
    """Return the model of a page of a list."""
    return create_model(
        name,
        __config__=ConfigDict(extra="forbid", json_schema_serialization_defaults_required=True),
        __doc__="One page of a list.",
        items=(list[item], Field(description="The rows of this page.")),  # type: ignore[valid-type]
        next=(str | None, Field(description="Address of the next page; null on the last.")),
    )
