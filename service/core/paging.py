"""Keyset paging: a cursor holds the sort values of the last row, so that a page never skips or repeats one."""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, TypeVar
from urllib.parse import urlencode

from pydantic import BeforeValidator, Field, StringConstraints, create_model
from sqlalchemy import BindParameter, ColumnElement, FromClause, and_, bindparam, false, or_

from service.core.errors import Fault, Invalid, Malformed
from service.core.fields import parse_amount, parse_date, parse_instant, parse_numeral
from service.core.negotiation import Tabular

BAD_CURSOR = "The cursor is not one of this list. Follow `next` as it stands, or start without a cursor."
CURSOR = "/query/cursor"
CURSOR_MEANING = "Where the page starts; taken from `next` of the page before."
DEFAULT_LIMIT = 100
LARGEST_LIMIT = 1000

# Values that JSON has no word for are written in a cursor as they are in an answer.
PARSERS: dict[type[Any], Callable[[Any], Any]] = {date: parse_date, datetime: parse_instant, Decimal: parse_amount}

Limit = Annotated[int, Field(ge=1, le=LARGEST_LIMIT), BeforeValidator(parse_numeral)]


class ListQuery(Tabular):
    """The query parameters that every list takes."""

    limit: Limit = Field(DEFAULT_LIMIT, description="Rows in a page, 1 to 1000.", examples=[20])
    cursor: Annotated[str, StringConstraints(max_length=2000)] | None = Field(
        None,
        description=CURSOR_MEANING,
        examples=["W1siaWQiLDIwXV0"],
        json_schema_extra={"pattern": "^[A-Za-z0-9_-]+$"},
    )
    sort: Annotated[str, StringConstraints(max_length=200)] | None = Field(
        None, description="Fields to sort by.", examples=["-updated_at,ref"]
    )


Query = TypeVar("Query", bound=ListQuery)


def sorted_by(*names: str) -> Callable[[type[Query]], type[Query]]:
    """Return a decorator for the query parameters of a list, saying what its `sort` takes."""
    field = f"-?({'|'.join(names)})"
    sort = Field(
        None,
        description=f"Fields to sort by, with commas between them; a minus turns one round. Takes {', '.join(names)}.",
        examples=[f"-{names[-1]},{names[0]}"],
        json_schema_extra={"pattern": f"^({field}(,{field})*)?$"},
    )

    def describe(query: type[Query]) -> type[Query]:
        kept: Any = query.model_fields["sort"].annotation
        return create_model(query.__name__, __base__=query, __doc__=query.__doc__, sort=(kept, sort))

    return describe


@dataclass(frozen=True)
class Key:
    """One field of an order. Rows without a value come last, whichever way it runs."""

    name: str
    is_descending: bool = False


@dataclass(frozen=True)
class Page:
    """One page of a list; `cursor` leads to the next one, None at the end."""

    items: list[dict[str, Any]]
    cursor: str | None


def parse_sort(sort: str | None, allowed: Sequence[str]) -> tuple[Key, ...]:
    """Return the order that a `sort` parameter names; it always ends in the id.

    `-due_on,ref` is due_on backwards, then ref, then id.

    Raises:
        Invalid: a field is not one of those allowed, or is named twice.
    """
    keys = [Key(part.removeprefix("-"), part.startswith("-")) for part in (sort or "id").split(",")]
    names = [key.name for key in keys]
    for name in names:
        if name not in allowed:
            raise Invalid(Fault("/query/sort", f"This list can be sorted by {', '.join(allowed)}."))
    if len(set(names)) < len(names):
        raise Invalid(Fault("/query/sort", "Name each field once."))
    return tuple(keys) if "id" in names else (*keys, Key("id"))


def order_by(rows: FromClause, keys: Sequence[Key]) -> list[ColumnElement[Any]]:
    """Return the terms of ORDER BY."""
    terms: list[ColumnElement[Any]] = []
    for key in keys:
        column = rows.c[key.name]
        if column_may_be_null(column):
            terms.append(column.is_(None))
        terms.append(column.desc() if key.is_descending else column.asc())
    return terms


def column_may_be_null(column: ColumnElement[Any]) -> bool:
    """Tell whether a column of a selection may hold null."""
    return getattr(column, "nullable", True) is not False


def after(rows: FromClause, keys: Sequence[Key], nulls: Sequence[bool]) -> ColumnElement[bool]:
    """Return the condition that a row comes after a place; `nulls` says which of the place's sort values are null.

    The values themselves are parameters: see `place_parameters`.
    """
    alternatives: list[ColumnElement[bool]] = []
    ties: list[ColumnElement[bool]] = []
    for number, (key, is_null) in enumerate(zip(keys, nulls, strict=True)):
        column = rows.c[key.name]
        value: BindParameter[Any] = bindparam(f"after_{number}")
        if is_null:
            beyond: ColumnElement[bool] = false()
            ties_here: ColumnElement[bool] = column.is_(None)
        else:
            beyond = column < value if key.is_descending else column > value
            if column_may_be_null(column):
                beyond = or_(beyond, column.is_(None))
            ties_here = column == value
        alternatives.append(and_(*ties, beyond))
        ties.append(ties_here)
    return or_(*alternatives)


def place_parameters(place: Sequence[Any]) -> dict[str, Any]:
    """Return the parameters of a condition that was built for a place."""
    return {f"after_{number}": value for number, value in enumerate(place) if value is not None}


def packed(content: bytes) -> str:
    """Return content as it stands in an address: base64 of RFC 4648 for URLs, without padding."""
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def unpacked(text: str) -> bytes:
    """Return the content that stands in an address; ValueError where there is none."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def encode_cursor(keys: Sequence[Key], row: Mapping[str, Any]) -> str:
    """Return the cursor that stands after a row."""
    held = [[("-" if key.is_descending else "") + key.name, _plain(row[key.name])] for key in keys]
    return packed(json.dumps(held, separators=(",", ":")).encode())


def decode_cursor(cursor: str, keys: Sequence[Key], rows: FromClause) -> list[Any]:
    """Return the sort values that a cursor holds, each of its column's type.

    Raises:
        Malformed: it is no cursor, or one of another order.
    """
    try:
        held = json.loads(unpacked(cursor))
        names = [entry[0] for entry in held]
        values = [_of_column(value, rows.c[key.name]) for key, (_, value) in zip(keys, held, strict=True)]
    except (ValueError, TypeError, LookupError, RecursionError):
        raise bad_cursor() from None
    if names != [("-" if key.is_descending else "") + key.name for key in keys]:
        raise bad_cursor()
    return values


def bad_cursor() -> Malformed:
    """Return the error of a cursor that the list did not give."""
    return Malformed(BAD_CURSOR, [Fault(CURSOR, BAD_CURSOR)])


def next_url(path: str, query: Sequence[tuple[str, str]], cursor: str | None) -> str | None:
    """Return the address of the next page: the same question with another cursor."""
    if cursor is None:
        return None
    kept = [(name, value) for name, value in query if name != "cursor"]
    return f"{path}?{urlencode([*kept, ('cursor', cursor)])}"


def _plain(value: Any) -> Any:
    if isinstance(value, date | datetime):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def _of_column(value: Any, column: ColumnElement[Any]) -> Any:
    return typed(value, column.type.python_type, may_be_null=column_may_be_null(column))


def typed(value: Any, kind: type[Any], *, may_be_null: bool) -> Any:
    """Return a value of a cursor, as JSON has it, in the type that its column has in Python.

    Raises:
        ValueError: it cannot be one.
    """
    if value is None:
        if not may_be_null:
            raise ValueError(BAD_CURSOR)
        return None
    if kind in PARSERS:
        return PARSERS[kind](value)
    if type(value) is not kind or (kind is int and not -(2**63) < value < 2**63) or (kind is str and "\0" in value):
        raise ValueError(BAD_CURSOR)
    if kind is str:
        value.encode()
    return value
