"""What a request asks of a set: the system query options, read and checked. Pure but for the texts that it is given."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar

from pydantic_core import PydanticCustomError

from service.core.fields import LARGEST_ID, parse_date, parse_instant
from service.exchange.odata.model import EntitySet
from service.exchange.odata.syntax import FilterError, Node, parse

NUMERAL = re.compile(r"\d{1,16}", re.ASCII)
ORDER = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)(?:\s+(asc|desc))?\s*", re.ASCII)
KEY = re.compile(r"\s*(?:([a-z_]+)\s*=\s*)?(-?\d{1,16}|'(?:[^']|'')*')\s*(,|$)", re.ASCII)
# System query options of the protocol that this feed does not have.
UNSUPPORTED = frozenset(
    {"$apply", "$compute", "$deltatoken", "$expand", "$id", "$index", "$levels", "$schemaversion", "$search"}
)
OF_ALL = frozenset({"$format"})
OF_ONE = OF_ALL | frozenset({"$select", "as_at", "known_at"})
OF_COUNT = frozenset({"$filter", "as_at", "known_at"})
OF_SET = OF_ONE | OF_COUNT | {"$orderby", "$top", "$skip", "$count", "$skiptoken"}
T = TypeVar("T")


@dataclass(frozen=True)
class Order:
    """One property that rows are put in order by. Null comes first, and last where the order runs down."""

    name: str
    is_descending: bool = False


@dataclass(frozen=True)
class Question:
    """What is asked of a set."""

    entities: EntitySet
    names: tuple[str, ...]
    """The properties to show."""
    is_narrowed: bool
    """Whether they were chosen."""
    tree: Node | None
    orders: tuple[Order, ...]
    top: int | None
    skip: int
    is_counted: bool
    token: str | None
    as_at: date | None
    known_at: datetime | None


def read_question(entities: EntitySet, options: Mapping[str, str], allowed: frozenset[str]) -> Question:
    """Return what the options of a request ask.

    Raises:
        FilterError: an option is none, is not supported, or cannot be read.
    """
    _check_names(entities, options, allowed)
    chosen = _read_select(entities, options.get("$select"))
    return Question(
        entities=entities,
        names=chosen or tuple(column.name for column in entities.columns),
        is_narrowed=bool(chosen),
        tree=parse(options["$filter"]) if "$filter" in options else None,
        orders=_read_orders(entities, options.get("$orderby")),
        top=_read_number("$top", options.get("$top")),
        skip=_read_number("$skip", options.get("$skip")) or 0,
        is_counted=_read_flag("$count", options.get("$count")),
        token=options.get("$skiptoken"),
        as_at=_read_clock("as_at", options.get("as_at"), parse_date),
        known_at=_read_clock("known_at", options.get("known_at"), parse_instant),
    )


def single_options(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Return the options of a request.

    Raises:
        FilterError: one is given twice.
    """
    options: dict[str, str] = {}
    for name, value in pairs:
        if name in options:
            raise FilterError(f"{name[:40]} is given twice: give it once.")
        options[name] = value
    return options


def check_options(options: Iterable[str], allowed: frozenset[str]) -> None:
    """Raise FilterError unless all options are among those allowed."""
    for name in options:
        if name not in allowed:
            raise FilterError(f"There is no option {name[:40]} here.")


def _check_names(entities: EntitySet, options: Mapping[str, str], allowed: frozenset[str]) -> None:
    for name in options:
        if name in UNSUPPORTED or name.startswith("@"):
            raise FilterError(f"{name[:40]} is not supported.", is_unsupported=True)
    check_options(options, allowed)
    if "as_at" in options and not entities.has_date:
        raise FilterError(f"{entities.name} does not tell how anything stands at a date: leave as_at out.")
    if "$skiptoken" in options and {"$top", "$skip"} & options.keys():
        raise FilterError("$top and $skip are kept in $skiptoken: follow @odata.nextLink as it stands.")


def _read_select(entities: EntitySet, text: str | None) -> tuple[str, ...]:
    """Return the properties that are chosen, each once; none where all are."""
    if text is None:
        return ()
    names = [part.strip() for part in text.split(",")]
    if "*" in names:
        return ()
    for name in names:
        _check_property(entities, name)
    return tuple(dict.fromkeys(names))


def _read_orders(entities: EntitySet, text: str | None) -> tuple[Order, ...]:
    """Return the order of a question; it always ends in the key, so that no row is skipped or shown twice."""
    found: list[Order] = []
    for part in [] if text is None else text.split(","):
        match = ORDER.fullmatch(part)
        if match is None:
            told = (
                "$orderby takes names of properties, each followed by asc, desc or nothing, with commas between them."
            )
            raise FilterError(told, is_unsupported="(" in part or "/" in part)
        _check_property(entities, match[1])
        found.append(Order(match[1], match[2] == "desc"))
    named = [order.name for order in found]
    if len(set(named)) < len(named):
        raise FilterError("Name each property once in $orderby.")
    return (*found, *(Order(key) for key in entities.keys if key not in named))


def _check_property(entities: EntitySet, name: str) -> None:
    if name in entities.by_name:
        return
    if "/" in name:
        raise FilterError("Paths to other sets are not supported.", is_unsupported=True)
    raise FilterError(f"There is no property {name[:40]} in {entities.name}.")


def _read_number(name: str, text: str | None) -> int | None:
    if text is None:
        return None
    if not NUMERAL.fullmatch(text) or int(text) > LARGEST_ID:
        raise FilterError(f"{name} takes a whole number from 0 on.")
    return int(text)


def _read_flag(name: str, text: str | None) -> bool:
    if text not in (None, "true", "false"):
        raise FilterError(f"{name} takes true or false.")
    return text == "true"


def _read_clock(name: str, text: str | None, parse_text: Callable[[object], T]) -> T | None:
    if text is None:
        return None
    try:
        return parse_text(text)
    except PydanticCustomError as error:
        raise FilterError(f"{name}: {error.message()}") from None


def read_key(entities: EntitySet, text: str) -> dict[str, Any]:
    """Return the values of a key: `(5)`, or `(workstream_id=1,priority_id=2)` where it has several parts.

    Raises:
        FilterError: it is no key of this set.
    """
    parts: list[tuple[str | None, Any]] = []
    at = 0
    while at < len(text) or not parts:
        match = KEY.match(text, at)
        if match is None:
            raise _bad_key(entities)
        parts.append((match[1], _key_value(match[2])))
        at = match.end()
        if match[3] == "," and at >= len(text):
            raise _bad_key(entities)
    if len(parts) == 1 and parts[0][0] is None and len(entities.keys) == 1:
        parts = [(entities.keys[0], parts[0][1])]
    if sorted(str(name) for name, _ in parts) != sorted(entities.keys):
        raise _bad_key(entities)
    return {str(name): value for name, value in parts}


def _key_value(text: str) -> Any:
    return text[1:-1].replace("''", "'") if text.startswith("'") else int(text)


def _bad_key(entities: EntitySet) -> FilterError:
    wanted = "(1)" if len(entities.keys) == 1 else "(" + ",".join(f"{name}=…" for name in entities.keys) + ")"
    return FilterError(f"The key of an entity of {entities.name} is written {wanted}.")
