"""JSON answers: rows straight to bytes, with an entity tag over those bytes."""

from collections.abc import Mapping
from decimal import Decimal
from hashlib import blake2b
from typing import Any

import orjson
from fastapi import Request, Response

from service.core.errors import PreconditionMissing, Stale

JSON_MEDIA_TYPE = "application/json"
OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS
NEEDS_MATCH = "Send If-Match with the ETag of the version you read, so that nobody's work is overwritten unseen."
MOVED = "This has changed since you read it. Read it again, and apply your change to what it is now."


def to_json(content: Any) -> bytes:
    """Return content as JSON: dates as YYYY-MM-DD, instants as RFC 3339 in UTC, amounts as strings."""
    return orjson.dumps(content, default=_amount, option=OPTIONS)


def _amount(value: object) -> str:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(type(value).__name__)


def etag_of(body: bytes) -> str:
    """Return the strong entity tag of a representation."""
    return f'"{blake2b(body, digest_size=12).hexdigest()}"'


def json_answer(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with content as JSON."""
    return Response(to_json(content), status, headers, JSON_MEDIA_TYPE)


def tagged_answer(
    request: Request, body: bytes, headers: Mapping[str, str] | None = None, media_type: str = JSON_MEDIA_TYPE
) -> Response:
    """Answer with a representation and its ETag, or 304 where the caller has it."""
    tag = etag_of(body)
    said = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Authorization", **(headers or {})}
    if matches(request.headers.get("if-none-match"), tag, is_weak_enough=True):
        return Response(None, 304, said)
    return Response(body, 200, said, media_type)


def require_match(if_match: str | None) -> str:
    """Return the If-Match header.

    Raises:
        PreconditionMissing: there is none.
    """
    if if_match is None:
        raise PreconditionMissing(NEEDS_MATCH)
    return if_match


def check_match(if_match: str, row: Any) -> None:
    """Raise Stale unless the caller's If-Match names the row as it is."""
    if not matches(if_match, etag_of(to_json(row))):
        raise Stale(MOVED)


def matches(header: str | None, tag: str, *, is_weak_enough: bool = False) -> bool:
    """Tell whether an If-Match or If-None-Match header names a tag; `*` names any."""
    if header is None:
        return False
    named = [part.strip() for part in header.split(",")]
    return "*" in named or tag in named or (is_weak_enough and f"W/{tag}" in named)
