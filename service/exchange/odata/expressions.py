"""A filter as SQL over the properties of a set: the same on both databases, with null as the specification has it.

Every comparison is true or false, never null: `x eq null` asks whether x is missing, and `x gt 1` is false where it
is. Functions of null are null, and `and`, `or` and `not` know three values. Source: OASIS, OData Version 4.0 Part 2:
URL Conventions, section 5.1.1.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
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
from sqlalchemy.sql import ColumnElement
from sqlalchemy.sql.elements import Grouping
from sqlalchemy.types import TypeEngine

from service.core.columns import Instant
from service.core.letters import in_capitals, in_small_letters
from service.exchange.odata.functions import (
    BLANKS,
    by_code_point,
    day_of,
    day_of_month,
    month_of,
    text_index,
    without_blanks,
    year_of,
)
from service.exchange.odata.syntax import FilterError, Literal, Node, Property

# What a database holds as a whole number; and how far a number of two digits' exponent can be from one.
BEYOND_WHOLE = 2**63
LARGEST_NUMBER, SMALLEST_NUMBER = 1e300, 1e-30
LONGEST_TEXT = 2**31 - 2
Sql = ColumnElement[Any]


class Type(StrEnum):
    """The type of a value."""

    INTEGER = "a whole number"
    NUMBER = "a number"
    AMOUNT = "an amount of money"
    TEXT = "a text"
    FLAG = "true or false"
    DATE = "a date"
    INSTANT = "an instant"
    NULL = "null"


NUMERIC = frozenset({Type.INTEGER, Type.NUMBER})


@dataclass(frozen=True)
class Value:
    """An expression with its type.

    `constant` is what a literal says; `bound` how large a number can be, either way. An amount is whole pence.
    """

    sql: Sql
    type: Type
    may_be_null: bool = True
    constant: Any = None
    bound: float = 0


NULL = Value(null(), Type.NULL)
Make = Callable[[list[Value]], Value]


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
        return _as_flag(self.value(tree)).sql

    def value(self, node: Node) -> Value:
        """Return the expression of a tree."""
        if isinstance(node, Literal):
            return _constant(node.value)
        if isinstance(node, Property):
            return self.property(node.name)
        arguments = [self.value(each) for each in node.arguments]
        if node.name in OPERATORS:
            return OPERATORS[node.name](arguments)
        if node.name not in FUNCTIONS:
            raise FilterError(f"The function {node.name[:40]} is not supported.", is_unsupported=True)
        types, make = FUNCTIONS[node.name]
        _check_types(node.name, types, arguments)
        return make(arguments)

    def property(self, name: str) -> Value:
        """Return the expression of a property."""
        if name not in self._properties:
            raise FilterError(f"There is no property {name[:40]} in this set.")
        found = self._properties[name]
        if found is None:
            raise FilterError(f"The property {name} can only be shown.", is_unsupported=True)
        return found


def in_order(value: Value) -> Sql:
    """Return what rows are put in order by: texts by code point."""
    return by_code_point(value.sql) if value.type is Type.TEXT else value.sql


# How the values of each type are kept. An amount is whole pence.
COLUMN_TYPES: dict[Type, TypeEngine[Any]] = {
    Type.INTEGER: BigInteger(),
    Type.NUMBER: Double(),
    Type.AMOUNT: BigInteger(),
    Type.TEXT: String(),
    Type.FLAG: Boolean(),
    Type.DATE: Date(),
    Type.INSTANT: Instant(),
}
# An instant is a date to Python, and true a whole number.
LITERALS: tuple[tuple[Any, Type], ...] = (
    (bool, Type.FLAG),
    (int, Type.INTEGER),
    ((Decimal, float), Type.NUMBER),
    (datetime, Type.INSTANT),
    (date, Type.DATE),
    (str, Type.TEXT),
)


def _constant(value: Any) -> Value:
    if value is None:
        return NULL
    kind = next(type_ for of, type_ in LITERALS if isinstance(value, of))
    if kind is Type.TEXT and any(each == "\x00" or "\ud800" <= each <= "\udfff" for each in value):
        raise FilterError("A text in the filter holds a character that no text here can.")
    held, bound = value, 0.0
    if kind is Type.INTEGER:
        bound = _whole_bound(abs(value))
    elif kind is Type.NUMBER:
        held = float(value)
        bound = _number_bound(abs(held))
        if held and abs(held) < SMALLEST_NUMBER:
            raise FilterError("A number in the filter is smaller than is reckoned with.", is_unsupported=True)
    return Value(literal(held, COLUMN_TYPES[kind]), kind, may_be_null=False, constant=value, bound=bound)


def _whole_bound(bound: float) -> float:
    if bound >= BEYOND_WHOLE:
        raise FilterError("A whole number in the filter is or could become too large.", is_unsupported=True)
    return bound


def _number_bound(bound: float) -> float:
    if not bound <= LARGEST_NUMBER:
        raise FilterError("A number in the filter is or could become too large.", is_unsupported=True)
    return bound


def _as_number(value: Value) -> Value:
    if value.type is Type.NUMBER:
        return value
    sql: Sql = cast(value.sql, Double)
    if value.type is Type.AMOUNT:
        sql = sql / literal(100.0, Double())
    return Value(sql, Type.NUMBER, value.may_be_null, value.constant, value.bound)


def _alike(one: Value, other: Value) -> tuple[Value, Value]:
    """Return two values that can be compared: of one type, or numbers both."""
    if one.type is other.type:
        return one, other
    kinds = {one.type, other.type}
    if kinds <= NUMERIC:
        return _as_number(one), _as_number(other)
    if Type.AMOUNT in kinds and kinds <= NUMERIC | {Type.AMOUNT}:
        return _in_pence(one), _in_pence(other)
    raise FilterError(f"{one.type.value.capitalize()} cannot be compared with {other.type.value}.")


def _in_pence(value: Value) -> Value:
    """Return an amount, or what is compared with one, as a number of pence; exact for what stands in the filter."""
    if value.type is Type.AMOUNT:
        return Value(cast(value.sql, Double), Type.NUMBER, value.may_be_null)
    if value.constant is not None:
        pence = float(Decimal(value.constant) * 100)
        return Value(literal(pence, Double()), Type.NUMBER, may_be_null=False)
    return Value(_as_number(value).sql * literal(100.0, Double()), Type.NUMBER, value.may_be_null)


def _equal(one: Value, other: Value) -> Sql:
    """Return whether two values are the same, null being the same as null: true or false."""
    one, other = _alone(one), _alone(other)
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


def _alone(value: Value) -> Value:
    """Return a condition in brackets: beside `IS` and `IS NULL` a NOT without them would mean something else."""
    return replace(value, sql=Grouping(value.sql)) if value.type is Type.FLAG else value


def _eq(arguments: list[Value]) -> Value:
    return Value(_equal(*arguments), Type.FLAG, may_be_null=False)


def _ne(arguments: list[Value]) -> Value:
    return Value(not_(_equal(*arguments)), Type.FLAG, may_be_null=False)


def _in(arguments: list[Value]) -> Value:
    one, *others = arguments
    return Value(or_(false(), *(_equal(one, other) for other in others)), Type.FLAG, may_be_null=False)


def _ordered(compare: Callable[[Sql, Sql], Sql]) -> Make:
    def make(arguments: list[Value]) -> Value:
        one, other = arguments
        if Type.NULL in (one.type, other.type):
            return Value(false(), Type.FLAG, may_be_null=False)
        one, other = _alike(one, other)
        if one.type is Type.FLAG:
            raise FilterError("True and false have no order.")
        there = [each.sql.is_not(None) for each in (one, other) if each.may_be_null]
        return Value(and_(compare(in_order(one), in_order(other)), *there), Type.FLAG, may_be_null=False)

    return make


def _logical(combine: Callable[..., Sql]) -> Make:
    def make(arguments: list[Value]) -> Value:
        flags = [_as_flag(each) for each in arguments]
        return Value(combine(*(each.sql for each in flags)), Type.FLAG, any(each.may_be_null for each in flags))

    return make


def _as_flag(value: Value) -> Value:
    if value.type is Type.NULL:
        return Value(cast(null(), Boolean), Type.FLAG)
    if value.type is not Type.FLAG:
        raise FilterError(
            f"{value.type.value.capitalize()} stands where only true or false can. Does a `not` lack brackets?"
        )
    return value


def _not(arguments: list[Value]) -> Value:
    (value,) = (_as_flag(each) for each in arguments)
    return Value(not_(value.sql), Type.FLAG, value.may_be_null)


def _reckoned(name: str) -> Make:
    def make(arguments: list[Value]) -> Value:
        if any(each.type is Type.NULL for each in arguments):
            return NULL
        _check_numbers(name, arguments)
        is_whole = all(each.type is Type.INTEGER for each in arguments) and name != "divby"
        if name == "mod" and not is_whole:
            raise FilterError("mod is supported for whole numbers.", is_unsupported=True)
        one, other = (each if is_whole else _as_number(each) for each in arguments)
        bound = (_whole_bound if is_whole else _number_bound)(_bound_of(name, one, other))
        kind = Type.INTEGER if is_whole else Type.NUMBER
        sql = _sum_of(name, one.sql, other.sql, is_whole=is_whole)
        return Value(sql, kind, one.may_be_null or other.may_be_null, bound=bound)

    return make


def _check_numbers(name: str, arguments: list[Value]) -> None:
    for each in arguments:
        if each.type is Type.AMOUNT:
            raise FilterError("An amount of money can be compared, and not reckoned with.", is_unsupported=True)
        if each.type not in NUMERIC:
            raise FilterError(f"{name} takes numbers, and {each.type.value} stands there.")
    if name in ("div", "divby", "mod"):
        divisor = arguments[1].constant
        if divisor is None:
            raise FilterError(f"{name} is supported by a number that stands in the filter.", is_unsupported=True)
        if divisor == 0:
            raise FilterError(f"{name} by zero.")


def _bound_of(name: str, one: Value, other: Value) -> float:
    if name in ("add", "sub"):
        return one.bound + other.bound
    if name == "mul":
        return one.bound * other.bound
    if name == "mod":
        return other.bound
    return one.bound / min(abs(float(other.constant)), 1)


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
    return one.op("/", precedence=8, return_type=BigInteger() if is_whole else Double())(other).self_group()


def _negate(arguments: list[Value]) -> Value:
    (value,) = arguments
    if value.type is Type.NULL:
        return value
    if value.type not in NUMERIC:
        raise FilterError(f"The minus takes a number, and {value.type.value} stands there.")
    if value.constant is not None:
        return _constant(-value.constant)
    return Value(-value.sql, value.type, value.may_be_null, bound=value.bound)


OPERATORS: dict[str, Make] = {
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


def _of(type_: Type, make: Callable[..., Sql]) -> Make:
    """Return what applies a function, which is null where an argument is."""

    def apply(arguments: list[Value]) -> Value:
        if any(each.type is Type.NULL for each in arguments):
            return Value(cast(null(), Boolean), Type.FLAG) if type_ is Type.FLAG else NULL
        may_be_null = any(each.may_be_null for each in arguments)
        return Value(make(*(each.sql for each in arguments)), type_, may_be_null, bound=LONGEST_TEXT)

    return apply


def _substring(arguments: list[Value]) -> Value:
    if any(each.type is Type.NULL for each in arguments):
        return NULL
    text, start, *length = arguments
    for each in (start, *length):
        if each.constant is None:
            raise FilterError("substring is supported with numbers that stand in the filter.", is_unsupported=True)
        if not 0 <= each.constant <= LONGEST_TEXT:
            raise FilterError("substring starts at 0 or later, and has no negative length.")
    places = [literal(start.constant + 1, Integer), *(literal(each.constant, Integer) for each in length)]
    return Value(func.substr(text.sql, *places), Type.TEXT, text.may_be_null)


def _ends(text: Sql, part: Sql) -> Sql:
    start = func.length(text) - func.length(part) + 1
    return case((start < 1, false()), else_=func.substr(text, start) == part)


def _day(value: Value) -> Value:
    """Return the day of a date, or of an instant in UTC."""
    if value.type in (Type.NULL, Type.DATE):
        return value
    if value.constant is not None:
        return _constant(value.constant.astimezone(UTC).date())
    return Value(day_of(type_coerce(value.sql, BigInteger)), Type.DATE, value.may_be_null)


def _part(make: Callable[[Sql], Sql], find: Callable[[date], int]) -> Make:
    def apply(arguments: list[Value]) -> Value:
        (day,) = (_day(each) for each in arguments)
        if day.type is Type.NULL:
            return NULL
        if day.constant is not None:
            return _constant(find(day.constant))
        return Value(make(day.sql), Type.INTEGER, day.may_be_null, bound=9999)

    return apply


def _trimmed(text: Sql) -> Sql:
    return without_blanks(text, literal(BLANKS, String()))


TEXT, WHOLE = frozenset({Type.TEXT}), frozenset({Type.INTEGER})
DAY = frozenset({Type.DATE, Type.INSTANT})
FUNCTIONS: dict[str, tuple[tuple[frozenset[Type], ...], Make]] = {
    "contains": ((TEXT, TEXT), _of(Type.FLAG, lambda text, part: text_index(text, part) > 0)),
    "startswith": ((TEXT, TEXT), _of(Type.FLAG, lambda text, part: func.substr(text, 1, func.length(part)) == part)),
    "endswith": ((TEXT, TEXT), _of(Type.FLAG, _ends)),
    "length": ((TEXT,), _of(Type.INTEGER, func.length)),
    "indexof": ((TEXT, TEXT), _of(Type.INTEGER, lambda text, part: text_index(text, part) - 1)),
    "substring": ((TEXT, WHOLE, WHOLE | {Type.NULL}), _substring),
    "tolower": ((TEXT,), _of(Type.TEXT, in_small_letters)),
    "toupper": ((TEXT,), _of(Type.TEXT, in_capitals)),
    "trim": ((TEXT,), _of(Type.TEXT, _trimmed)),
    "concat": ((TEXT, TEXT), _of(Type.TEXT, lambda one, other: one.concat(other))),
    "date": ((DAY,), lambda arguments: _day(arguments[0])),
    "year": ((DAY,), _part(year_of, lambda day: day.year)),
    "month": ((DAY,), _part(month_of, lambda day: day.month)),
    "day": ((DAY,), _part(day_of_month, lambda day: day.day)),
}
