"""Reading what an endpoint asks for out of a request: its path, query and body, each checked by its model."""

import re
from collections.abc import Callable, Mapping
from inspect import get_annotations
from types import NoneType, UnionType
from typing import Annotated, Any, Protocol, Union, get_args, get_origin
from urllib.parse import unquote_to_bytes

from fastapi import params
from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.requests import Request

from service.core.body import read_json
from service.core.errors import Fault, Invalid, Malformed
from service.core.problems import fault_of


class Sent(Protocol):
    """What was sent."""

    @property
    def request(self) -> Request:
        """The request, whose body has been read."""

    @property
    def body(self) -> bytes:
        """The body."""


Reader = Callable[[Sent], Any]
BAD_PERCENT = re.compile(rb"%(?![0-9A-Fa-f]{2})")
BAD_ENCODING = "The query is not percent-encoded UTF-8: write a percent sign as %25."


def readers_of(endpoint: Callable[..., Any]) -> dict[str, Reader]:
    """Return how to read each argument of an endpoint but its `visit`."""
    annotations = get_annotations(endpoint)
    asked = {name: kind for name, kind in annotations.items() if name not in ("visit", "return")}
    return {name: _reader(kind) for name, kind in asked.items()}


def read_all(readers: Mapping[str, Reader], sent: Sent) -> dict[str, Any]:
    """Return the arguments of an endpoint.

    Raises:
        Malformed: the body is not JSON.
        Invalid: something does not fit; the faults of the whole request are told together.
    """
    read: dict[str, Any] = {}
    faults: list[Fault] = []
    for name, reader in readers.items():
        try:
            read[name] = reader(sent)
        except Invalid as error:
            faults.extend(error.faults)
    if faults:
        raise Invalid(*faults)
    return read


def _reader(kind: Any) -> Reader:
    marks = get_args(kind)[1:] if get_origin(kind) is Annotated else ()
    for mark in marks:
        if isinstance(mark, params.Path):
            return _path_reader(kind, str(mark.alias))
        if isinstance(mark, params.Query):
            return _query_reader(get_args(kind)[0])
        if isinstance(mark, params.Body):
            return _body_reader(get_args(kind)[0])
    return _body_reader(kind)


def check_encoding(query: bytes) -> None:
    """Raise Malformed unless every percent sign begins two hex digits, and what they spell is UTF-8."""
    try:
        unquote_to_bytes(query).decode()
    except UnicodeDecodeError:
        raise Malformed(BAD_ENCODING, [Fault("/query", BAD_ENCODING)]) from None
    if BAD_PERCENT.search(query):
        raise Malformed(BAD_ENCODING, [Fault("/query", BAD_ENCODING)])


def _path_reader(kind: Any, name: str) -> Reader:
    adapter: TypeAdapter[Any] = TypeAdapter(kind)
    return lambda sent: _checked(lambda: adapter.validate_python(sent.request.path_params[name]), ("path", name))


def _query_reader(model: type[BaseModel]) -> Reader:
    lists = {info.alias or name for name, info in model.model_fields.items() if _is_list(info.annotation)}

    def read(sent: Sent) -> Any:
        query: bytes = sent.request.scope["query_string"]
        check_encoding(query)
        values: dict[str, Any] = {}
        for name, value in sent.request.query_params.multi_items() if query else ():
            if name in lists:
                values.setdefault(name, []).append(value)
            elif name in values:
                raise Invalid(Fault(f"/query/{name}", "Give this once."))
            else:
                values[name] = value
        return _checked(lambda: model.model_validate(values), ("query",))

    return read


def _body_reader(model: type[BaseModel]) -> Reader:
    return lambda sent: _checked(lambda: model.model_validate(read_json(sent.body)), ())


def _checked(validate: Callable[[], Any], place: tuple[str, ...]) -> Any:
    """Return what is valid; turn what is not into faults at their place in the request."""
    try:
        return validate()
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
    raise Invalid(*(fault_of({**fault, "loc": (*place, *fault["loc"])}) for fault in found))


def _is_list(kind: Any) -> bool:
    """Tell whether a field takes a list, or a list or nothing."""
    if get_origin(kind) is Annotated:
        return _is_list(get_args(kind)[0])
    if get_origin(kind) in (Union, UnionType):
        return any(_is_list(each) for each in get_args(kind) if each is not NoneType)
    return get_origin(kind) is list
