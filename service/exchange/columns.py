"""The columns of a list as a table: made from what the API answers, so that there is one description of both."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from service.exchange.cells import Kind

Values = Mapping[str, Any]
KINDS: tuple[tuple[type, Kind], ...] = (
    (bool, Kind.FLAG),
    (int, Kind.INTEGER),
    (float, Kind.NUMBER),
    (Decimal, Kind.AMOUNT),
    (datetime, Kind.INSTANT),
    (date, Kind.DATE),
    (str, Kind.TEXT),
)
# Fields whose own fields are columns without their name in front: a row of a roll-up is about its progress.
PLAIN = frozenset({"progress"})
# Lists of milestones within a figure: a table has one row for a figure.
LEFT_OUT = frozenset({"drivers"})


# The number of a row stands first, and what is the same for every noun last.
PLACES = {"id": -1, "version": 1, "created_at": 1, "updated_at": 1}


@dataclass(frozen=True)
class Column:
    """One column: its name never changes its meaning; where its value is found in a row; what it may hold."""

    name: str
    path: tuple[str, ...]
    kind: Kind
    is_nullable: bool
    description: str

    @property
    def find(self) -> Callable[[Values], Any]:
        """What finds the value in a row; None where a part above it is null."""
        first, *rest = self.path
        if not rest:
            return lambda row: row[first]

        def walk(row: Values) -> Any:
            value: Any = row[first]
            for step in rest:
                if value is None:
                    return None
                value = value[step]
            return value

        return walk

    def of(self, rows: Sequence[Values]) -> list[Any]:
        """Return its value in each of some rows."""
        if len(self.path) == 1:
            (name,) = self.path
            return [row[name] for row in rows]
        return list(map(self.find, rows))


@lru_cache
def columns_of(model: type[BaseModel]) -> tuple[Column, ...]:
    """Return the columns of the rows of a model, in the order of its fields.

    A part with fields of its own becomes a column for each, `milestone_id` for the `id` of `milestone`. A list of
    short values is one column; a list of what has parts is one column of JSON.
    """
    found = _columns(model, (), (), is_nullable=False)
    return tuple(sorted(found, key=lambda column: PLACES.get(column.name, 0)))


def _columns(
    model: type[BaseModel], path: tuple[str, ...], names: tuple[str, ...], *, is_nullable: bool
) -> Iterator[Column]:
    for field, info in model.model_fields.items():
        if field in LEFT_OUT:
            continue
        kind, may_be_null = _kind(info.annotation)
        key = info.alias or field
        where, named = (*path, key), (*names, *(() if field in PLAIN else (key,)))
        is_null = is_nullable or may_be_null
        if isinstance(kind, Kind):
            yield Column("_".join(named), where, kind, is_null, info.description or "")
        else:
            yield from _columns(kind, where, named, is_nullable=is_null)


def _kind(annotation: Any) -> tuple[Kind | type[BaseModel], bool]:
    """Return the kind of a field, or the model that it holds, and whether it may be null."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _kind(parts[0])
    if origin in (Union, UnionType):
        kinds = [_kind(each) for each in parts if each is not NoneType]
        return kinds[0][0], NoneType in parts or any(is_null for _, is_null in kinds)
    if origin is Literal:
        return _kind(type(parts[0]))
    if origin is list:
        return Kind.LIST if isinstance(_kind(parts[0])[0], Kind) else Kind.JSON, False
    is_part = issubclass(annotation, BaseModel)
    return annotation if is_part else next(kind for base, kind in KINDS if issubclass(annotation, base)), False
