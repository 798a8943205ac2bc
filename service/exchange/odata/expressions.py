"""A filter as SQL over the properties of a set: the same on both databases, with null as the specification has it.

Every comparison is true or false, never null: `x eq null` asks whether x is missing, and `x gt 1` is false where it
is. Functions of null are null, and `and`, `or` and `not` know three values.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Date,
    Double,
    Integer,
    String,
    and_,
    bindparam,
    case,
    cast,
    false,
    func,
    literal,
    not_,
    null,
    or_,
    true,
    type_coerce,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import ColumnElement
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction

from service.core.columns import Instant
from service.exchange.odata.syntax import FilterError, Literal, Node, Property

# Beyond this whole numbers that are reckoned with could leave what a database holds.
LARGEST_IN_SUMS = 2**31
Sql = ColumnElement[Any]


class Type(StrEnum):
    """The type of a value."""

    INTEGER = "a whole number"
    NUMBER = "a number"
    TEXT = "a text"
    FLAG = "true or false"
    DATE = "a date"
    INSTANT = "an instant"
    NULL = "null"


NUMERIC = frozenset({Type.INTEGER, Type.NUMBER})


@dataclass(frozen=True)
class Value:
    """An expression with its type; `constant` is what a literal says."""

    sql: Sql
    type: Type
    may_be_null: bool = True
    constant: Any = None


class text_index(GenericFunction[int]):  # noqa: N801 SQL functions are written small.
    """Where a text stands in another, from 1 on; 0 where it does not: `text_index(text, part)`."""

    type = Integer()
    inherit_cache = True


@compiles(text_index, "sqlite")
def _text_index_sqlite(element: text_index, compiler: SQLCompiler, **kw: Any) -> str:
    text, part = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"instr({text}, {part})"


@compiles(text_index, "postgresql")
def _text_index_postgresql(element: text_index, compiler: SQLCompiler, **kw: Any) -> str:
    text, part = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"strpos({text}, {part})"


class day_of(GenericFunction[date]):  # noqa: N801 SQL functions are written small.
    """The day in UTC of an instant that is kept as microseconds."""

    type = Date()
    inherit_cache = True


@compiles(day_of, "sqlite")
def _day_of_sqlite(element: day_of, compiler: SQLCompiler, **kw: Any) -> str:
    (instant,) = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"date({instant} / 1000000, 'unixepoch')"


@compiles(day_of, "postgresql")
def _day_of_postgresql(element: day_of, compiler: SQLCompiler, **kw: Any) -> str:
    (instant,) = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"CAST(to_timestamp({instant} / 1000000) AT TIME ZONE 'UTC' AS DATE)"


class part_of_day(GenericFunction[int]):  # noqa: N801 SQL functions are written small.
    """A part of a date: `part_of_day('%Y', day)`."""

    type = Integer()
    inherit_cache = True


PARTS = {"year": "%Y", "month": "%m", "day": "%d"}


@compiles(part_of_day, "sqlite")
def _part_sqlite(element: part_of_day, compiler: SQLCompiler, **kw: Any) -> str:
    part, day = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"CAST(strftime({part}, {day}) AS INTEGER)"


@compiles(part_of_day, "postgresql")
def _part_postgresql(element: part_of_day, compiler: SQLCompiler, **kw: Any) -> str:
    part, day = (compiler.process(clause, **kw) for clause in element.clauses)
    format_ = f"CASE {part} WHEN '%Y' THEN 'YYYY' WHEN '%m' THEN 'MM' ELSE 'DD' END"
    return f"CAST(to_char({day}, {format_}) AS INTEGER)"


class Translator:
    """Turns filters into conditions over the properties of one set."""

    def __init__(self, properties: Mapping[str, Value | None]) -> None:
        """`properties` are the set's; None is one that can be shown and not asked about."""
        self._properties = properties

    def condition(self, tree: Node) -> Sql:
        """Return the condition that a row passes a filter.

        Raises:
            FilterError: the filter is none over this set, or more than is supported.
        """
        return self._flag(self.value(tree)).sql

    def value(self, node: Node) -> Value:
        """Return the expression of a tree."""
        if isinstance(node, Literal):
            return _constant(node.value)
        if isinstance(node, Property):
            return self._property(node.name)
        arguments = [self.value(each) for each in node.arguments]
        if node.name in OPERATORS:
            return OPERATORS[node.name](arguments)
        if node.name not in FUNCTIONS:
            raise FilterError(f"The function {node.name[:40]} is not supported.", is_unsupported=True)
        types, make = FUNCTIONS[node.name]
        _check_types(node.name, types, arguments)
        return make(arguments)

    def _property(self, name: str) -> Value:
        if name not in self._properties:
            raise FilterError(f"There is no property {name[:40]} in this set.")
        found = self._properties[name]
        if found is None:
            raise FilterError(f"The property {name} cannot be filtered by.", is_unsupported=True)
        return found

    @staticmethod
    def _flag(value: Value) -> Value:
        if value.type is Type.NULL:
            return Value(false(), Type.FLAG, may_be_null=False)
        if value.type is not Type.FLAG:
            raise FilterError(f"This takes true or false, and {value.type.value} stands there.")
        return value


def _constant(value: Any) -> Value:
    """Return a literal; texts are compared by code point wherever they come from."""
    if value is None:
        return Value(null(), Type.NULL)
    kind, column = next((type_, column) for of, type_, column in LITERALS if isinstance(value, of))
    if kind is Type.TEXT and any(each == "\x00" or "\ud800" <= each <= "\udfff" for each in value):
        raise FilterError("A text in the filter holds a character that no text here can.")
    if kind is Type.INTEGER and value >= LARGEST_WHOLE:
        raise FilterError(f"{value} is larger than any whole number here.")
    held = float(value) if kind is Type.NUMBER else value
    return Value(literal(held, column), kind, may_be_null=False, constant=held)


LARGEST_WHOLE = 2**63
# An instant is a date to Python, and true a whole number.
LITERALS: tuple[tuple[Any, Type, Any], ...] = (
    (bool, Type.FLAG, Boolean()),
    (int, Type.INTEGER, BigInteger()),
    ((Decimal, float), Type.NUMBER, Double()),
    (datetime, Type.INSTANT, Instant()),
    (date, Type.DATE, Date()),
    (str, Type.TEXT, String()),
)


def _equal(one: Value, other: Value) -> Sql:
    """Return whether two values are the same, null being the same as null: true or false."""
    if one.type is Type.NULL or other.type is Type.NULL:
        if one.type is other.type:
            return true()
        there = other if one.type is Type.NULL else one
        return there.sql.is_(None) if there.may_be_null else false()
    one, other = _alike(one, other)
    if not one.may_be_null and not other.may_be_null:
        return one.sql == other.sql
    if one.may_be_null and other.may_be_null:
        return one.sql.is_not_distinct_from(other.sql)
    missing = one if one.may_be_null else other
    return and_(one.sql == other.sql, missing.sql.is_not(None))


def _alike(one: Value, other: Value) -> tuple[Value, Value]:
    """Return two values that can be compared: of one type, or numbers both."""
    if one.type is other.type:
        return one, other
    if {one.type, other.type} <= NUMERIC:
        return _as_number(one), _as_number(other)
    raise FilterError(f"{one.type.value.capitalize()} cannot be compared with {other.type.value}.")


def _as_number(value: Value) -> Value:
    if value.type is Type.NUMBER:
        return value
    return Value(cast(value.sql, Double), Type.NUMBER, value.may_be_null, value.constant)


def _ordered(compare: Callable[[Sql, Sql], Sql]) -> Callable[[list[Value]], Value]:
    def make(arguments: list[Value]) -> Value:
        one, other = arguments
        if Type.NULL in (one.type, other.type):
            return Value(false(), Type.FLAG, may_be_null=False)
        one, other = _alike(one, other)
        if one.type is Type.FLAG:
            raise FilterError("True and false have no order.")
        there = [each.sql.is_not(None) for each in (one, other) if each.may_be_null]
        return Value(and_(compare(one.sql, other.sql), *there), Type.FLAG, may_be_null=False)

    return make


def _eq(arguments: list[Value]) -> Value:
    return Value(_equal(*arguments), Type.FLAG, may_be_null=False)


def _ne(arguments: list[Value]) -> Value:
    return Value(not_(_equal(*arguments)), Type.FLAG, may_be_null=False)


def _in(arguments: list[Value]) -> Value:
    one, *others = arguments
    return Value(or_(false(), *(_equal(one, other) for other in others)), Type.FLAG, may_be_null=False)


def _logical(combine: Callable[..., Sql]) -> Callable[[list[Value]], Value]:
    def make(arguments: list[Value]) -> Value:
        flags = [_as_flag(each) for each in arguments]
        return Value(combine(*(each.sql for each in flags)), Type.FLAG, any(each.may_be_null for each in flags))

    return make


def _as_flag(value: Value) -> Value:
    if value.type is Type.NULL:
        return Value(cast(null(), Boolean), Type.FLAG)
    if value.type is not Type.FLAG:
        raise FilterError(f"This takes true or false, and {value.type.value} stands there.")
    return value


def _not(arguments: list[Value]) -> Value:
    (value,) = (_as_flag(each) for each in arguments)
    return Value(not_(value.sql), Type.FLAG, value.may_be_null)


def _reckoned(name: str) -> Callable[[list[Value]], Value]:
    def make(arguments: list[Value]) -> Value:
        for each in arguments:
            if each.type is Type.NULL:
                return Value(null(), Type.NULL)
            if each.type not in NUMERIC:
                raise FilterError(f"{name} takes numbers, and {each.type.value} stands there.")
            if each.constant is not None and abs(each.constant) > LARGEST_IN_SUMS:
                raise FilterError(f"{name} takes numbers up to {LARGEST_IN_SUMS}.")
        is_divided = name in ("div", "divby", "mod")
        if is_divided:
            _check_divisor(name, arguments[1])
        is_whole = all(each.type is Type.INTEGER for each in arguments) and name != "divby"
        one, other = (each if is_whole else _as_number(each) for each in arguments)
        if name == "mod" and not is_whole:
            raise FilterError("mod is supported for whole numbers.", is_unsupported=True)
        kind = Type.INTEGER if is_whole else Type.NUMBER
        return Value(_sum_of(name, one.sql, other.sql, is_whole=is_whole), kind, one.may_be_null or other.may_be_null)

    return make


def _sum_of(name: str, one: Sql, other: Sql, *, is_whole: bool) -> Sql:
    if name == "add":
        return one + other
    if name == "sub":
        return one - other
    if name == "mul":
        return one * other
    if name == "mod":
        return one % other
    # Both databases cut the quotient of whole numbers towards zero.
    return one.op("/", return_type=BigInteger() if is_whole else Double())(other)


def _check_divisor(name: str, divisor: Value) -> None:
    if divisor.constant is None:
        raise FilterError(f"{name} is supported by a number that stands in the filter.", is_unsupported=True)
    if divisor.constant == 0:
        raise FilterError(f"{name} by zero.")


def _negate(arguments: list[Value]) -> Value:
    (value,) = arguments
    if value.type is Type.NULL:
        return value
    if value.type not in NUMERIC:
        raise FilterError(f"The minus takes a number, and {value.type.value} stands there.")
    if value.constant is not None:
        return _negative(value)
    return Value(-value.sql, value.type, value.may_be_null)


def _negative(value: Value) -> Value:
    kind = BigInteger if value.type is Type.INTEGER else Double
    return Value(literal(-value.constant, kind), value.type, may_be_null=False, constant=-value.constant)


OPERATORS: dict[str, Callable[[list[Value]], Value]] = {
    "eq": _eq,
    "ne": _ne,
    "gt": _ordered(lambda one, other: one > other),
    "ge": _ordered(lambda one, other: one >= other),
    "lt": _ordered(lambda one, other: one < other),
    "le": _ordered(lambda one, other: one <= other),
    "in": _in,
    "and": _logical(and_),
    "or": _logical(or_),
    "not": _not,
    "negate": _negate,
    **{name: _reckoned(name) for name in ("add", "sub", "mul", "div", "divby", "mod")},
}


def _check_types(name: str, wanted: tuple[frozenset[Type], ...], arguments: list[Value]) -> None:
    least = len([each for each in wanted if Type.NULL not in each])
    if not least <= len(arguments) <= len(wanted):
        raise FilterError(f"{name} takes {least} argument{'s' if least != 1 else ''}, and has {len(arguments)}.")
    for types, argument in zip(wanted, arguments, strict=False):
        if argument.type not in types and argument.type is not Type.NULL:
            names = " or ".join(sorted(each.value for each in types - {Type.NULL}))
            raise FilterError(f"{name} takes {names}, and {argument.type.value} stands there.")


def _of(type_: Type, make: Callable[..., Sql]) -> Callable[[list[Value]], Value]:
    """Return what applies a function, which is null where an argument is."""

    def apply(arguments: list[Value]) -> Value:
        if any(each.type is Type.NULL for each in arguments):
            return Value(null(), Type.NULL) if type_ is not Type.FLAG else Value(cast(null(), Boolean), Type.FLAG)
        return Value(make(*(each.sql for each in arguments)), type_, any(each.may_be_null for each in arguments))

    return apply


def _substring(arguments: list[Value]) -> Value:
    if any(each.type is Type.NULL for each in arguments):
        return Value(null(), Type.NULL)
    text, start, *length = arguments
    for each in (start, *length):
        if each.constant is None:
            raise FilterError("substring is supported with numbers that stand in the filter.", is_unsupported=True)
        if not 0 <= each.constant <= LARGEST_IN_SUMS:
            raise FilterError("substring starts at 0 or later, and has no negative length.")
    places = [literal(start.constant + 1, Integer), *(literal(each.constant, Integer) for each in length)]
    return Value(func.substr(text.sql, *places), Type.TEXT, text.may_be_null)


def _ends(text: Sql, part: Sql) -> Sql:
    start = func.length(text) - func.length(part) + 1
    return case((start < 1, false()), else_=func.substr(text, start) == part)


def _date_part(name: str) -> Callable[[list[Value]], Value]:
    def make(arguments: list[Value]) -> Value:
        (day,) = arguments
        if day.type is Type.NULL:
            return day
        sql = part_of_day(bindparam(None, PARTS[name], String, literal_execute=True), _day(day))
        return Value(sql, Type.INTEGER, day.may_be_null)

    return make


def _day(value: Value) -> Sql:
    return value.sql if value.type is Type.DATE else day_of(type_coerce(value.sql, BigInteger))


def _date(arguments: list[Value]) -> Value:
    (value,) = arguments
    return value if value.type is Type.NULL else Value(_day(value), Type.DATE, value.may_be_null)


TEXT, WHOLE = frozenset({Type.TEXT}), frozenset({Type.INTEGER})
DAY = frozenset({Type.DATE, Type.INSTANT})
FUNCTIONS: dict[str, tuple[tuple[frozenset[Type], ...], Callable[[list[Value]], Value]]] = {
    "contains": ((TEXT, TEXT), _of(Type.FLAG, lambda text, part: text_index(text, part) > 0)),
    "startswith": ((TEXT, TEXT), _of(Type.FLAG, lambda text, part: func.substr(text, 1, func.length(part)) == part)),
    "endswith": ((TEXT, TEXT), _of(Type.FLAG, _ends)),
    "length": ((TEXT,), _of(Type.INTEGER, func.length)),
    "indexof": ((TEXT, TEXT), _of(Type.INTEGER, lambda text, part: text_index(text, part) - 1)),
    "substring": ((TEXT, WHOLE, WHOLE | {Type.NULL}), _substring),
    "tolower": ((TEXT,), _of(Type.TEXT, func.lower)),
    "toupper": ((TEXT,), _of(Type.TEXT, func.upper)),
    "trim": ((TEXT,), _of(Type.TEXT, func.trim)),
    "concat": ((TEXT, TEXT), _of(Type.TEXT, lambda one, other: one.concat(other))),
    "date": ((DAY,), _date),
    **{name: ((DAY,), _date_part(name)) for name in PARTS},
}
