"""Asking a set: one statement for a page of its rows, one for their number."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import orjson
from sqlalchemy import (
    Connection,
    FromClause,
    and_,
    false,
    func,
    literal,
    or_,
    select,
    true,
)
from sqlalchemy.exc import DBAPIError

from service.access.policy import Actor
from service.access.resource import AS_AT, View
from service.core import clock
from service.core.fields import parse_date, parse_instant
from service.core.history import Known, Row, find_known
from service.core.paging import packed, typed, unpacked
from service.exchange.cells import instant_text
from service.exchange.odata.expressions import COLUMN_TYPES, Sql, Translator, Value, in_order
from service.exchange.odata.model import TYPES, source_of
from service.exchange.odata.quarters import quarter_rows
from service.exchange.odata.questions import Order, Question
from service.exchange.odata.syntax import Call, FilterError, Literal, Property

NOT_OURS = "The $skiptoken is not one of this question: follow @odata.nextLink as it stands, or start anew."
# What PostgreSQL says where a number leaves what it can hold.
OUT_OF_RANGE = "22003"


@dataclass(frozen=True)
class Place:
    """Where a page starts: after these values of the order, in the state and at the date of the first page."""

    after: tuple[Any, ...]
    left: int | None
    """How many rows of $top are left; None where it was not given."""
    known_at: datetime
    as_at: date


@dataclass(frozen=True)
class Found:
    """A page of rows, how many there are in all (None where nobody asked), and where the next page starts."""

    rows: list[Row]
    count: int | None
    token: str | None


@dataclass(frozen=True)
class _Scene:
    """A set in the state, at the date and as far as a question sees it."""

    view: View
    known: Known
    rows: FromClause
    translator: Translator


def find_page(connection: Connection, actor: Actor, question: Question, page_rows: int) -> Found:
    """Return a page of a set.

    Raises:
        FilterError: the question cannot be asked of this set.
        Invalid: `known_at` is still to come.
    """
    place = None if question.token is None else _read_place(question.token, question)
    scene = _scene(connection, actor, question, place)
    conditions = _conditions(scene, question)
    count = _count(connection, scene, conditions) if question.is_counted else None
    left = question.top if place is None else place.left
    size = page_rows if left is None else min(page_rows, left)
    keys = [(scene.translator.property(order.name), order) for order in question.orders]
    if place is not None:
        conditions.append(_after(keys, place.after))
    marks = [value.sql.label(f"mark_{number}") for number, (value, _) in enumerate(keys)]
    names = question.entities.asked(scene.rows, question.names)
    statement = (
        select(*(scene.rows.c[name] for name in names), *marks)
        .where(*conditions)
        .order_by(*_order_by(keys))
        .limit(size + 1)
    )
    if place is None and question.skip:
        statement = statement.offset(question.skip)
    found = _run(connection, scene, statement) if size else []
    rows = _arranged(question, names, found[:size])
    if len(found) <= size or size == left:
        return Found(rows, count, None)
    following = Place(
        tuple(found[size - 1][len(names) :]),
        None if left is None else left - size,
        scene.known.at,
        scene.view.as_at,
    )
    return Found(rows, count, _write_place(following, question.orders))


def find_entity(connection: Connection, actor: Actor, question: Question, key: dict[str, Any]) -> Row | None:
    """Return the entity of a key, or None where there is none that may be seen."""
    tests = tuple(Call("eq", (Property(name), Literal(value))) for name, value in key.items())
    question = replace(question, tree=Call("and", tests))
    scene = _scene(connection, actor, question)
    names = question.entities.asked(scene.rows, question.names)
    statement = select(*(scene.rows.c[name] for name in names)).where(*_conditions(scene, question)).limit(1)
    found = _arranged(question, names, _run(connection, scene, statement))
    return found[0] if found else None


def _arranged(question: Question, names: Sequence[str], found: Sequence[Any]) -> list[Row]:
    """Return rows as they are shown; more may stand behind the columns of these names."""
    return [question.entities.arranged(dict(zip(names, row, strict=False)), question.names) for row in found]


def count_rows(connection: Connection, actor: Actor, question: Question) -> int:
    """Return how many rows of a set pass a filter."""
    scene = _scene(connection, actor, question)
    return _count(connection, scene, _conditions(scene, question))


def _scene(connection: Connection, actor: Actor, question: Question, place: Place | None = None) -> _Scene:
    now = clock.now()
    known = find_known(connection, place.known_at if place else question.known_at, now)
    day = place.as_at if place else question.as_at or clock.today()
    view = View(known.past_seq, day, actor.reach.sight)
    entities = question.entities
    if entities.rows is None:
        rows = quarter_rows(connection, view, known, question.tree)
    else:
        rows = source_of(entities.rows, view.lens)
    return _Scene(view, known, rows, Translator(entities.properties(rows)))


def _conditions(scene: _Scene, question: Question) -> list[Sql]:
    conditions = [true() if question.tree is None else scene.translator.condition(question.tree)]
    if question.as_at is not None and "agreed_on" in question.entities.by_name:
        conditions.append(scene.rows.c.agreed_on <= AS_AT)
    return conditions


def _count(connection: Connection, scene: _Scene, conditions: Sequence[Sql]) -> int:
    statement = select(func.count().label("number")).select_from(scene.rows).where(*conditions)
    return int(_run(connection, scene, statement)[0].number)


def _run(connection: Connection, scene: _Scene, statement: Any) -> Sequence[Any]:
    try:
        return connection.execute(statement, scene.view.parameters).all()
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != OUT_OF_RANGE:
            raise
    raise FilterError("A number in the filter became larger or smaller than can be held.", is_unsupported=True)


def _order_by(keys: Sequence[tuple[Value, Order]]) -> list[Sql]:
    terms: list[Sql] = []
    for value, order in keys:
        columns: list[Sql] = [value.sql.is_not(None)] if value.may_be_null else []
        columns.append(in_order(value))
        terms.extend(column.desc() if order.is_descending else column.asc() for column in columns)
    return terms


def _after(keys: Sequence[tuple[Value, Order]], place: Sequence[Any]) -> Sql:
    """Return the condition that a row comes after a place: null before all else, and after all where it runs down."""
    alternatives: list[Sql] = []
    ties: list[Sql] = []
    for (value, order), mark in zip(keys, place, strict=True):
        if mark is None:
            beyond: Sql = false() if order.is_descending else value.sql.is_not(None)
            tie: Sql = value.sql.is_(None)
        else:
            column, given = in_order(value), literal(mark, COLUMN_TYPES[value.type])
            beyond = column < given if order.is_descending else column > given
            if order.is_descending and value.may_be_null:
                beyond = or_(beyond, value.sql.is_(None))
            tie = value.sql == given
        alternatives.append(and_(*ties, beyond))
        ties.append(tie)
    return or_(*alternatives)


def _write_place(place: Place, orders: Sequence[Order]) -> str:
    held = {
        "orders": [[order.name, order.is_descending] for order in orders],
        "after": [instant_text(each) if isinstance(each, datetime) else each for each in place.after],
        "left": place.left,
        "known_at": instant_text(place.known_at),
        "as_at": place.as_at,
    }
    return packed(orjson.dumps(held))


def _read_place(token: str, question: Question) -> Place:
    orders = question.orders
    try:
        columns = [question.entities.by_name[order.name] for order in orders]
        held = orjson.loads(unpacked(token))
        if held["orders"] != [[order.name, order.is_descending] for order in orders]:
            raise ValueError(NOT_OURS)
        after = [
            typed(each, COLUMN_TYPES[TYPES[column.kind]].python_type, may_be_null=column.is_nullable)
            for column, each in zip(columns, held["after"], strict=True)
        ]
        left = held["left"]
        if left is not None and (type(left) is not int or not 0 < left < 2**53):
            raise ValueError(NOT_OURS)
        return Place(tuple(after), left, parse_instant(held["known_at"]), parse_date(held["as_at"]))
    except (ValueError, TypeError, LookupError):
        raise FilterError(NOT_OURS) from None
