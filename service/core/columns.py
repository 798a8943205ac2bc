"""Column types and SQL expressions that mean the same on SQLite and on PostgreSQL."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    ColumnElement,
    Dialect,
    Integer,
    String,
    TypeDecorator,
    literal_column,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction
from sqlalchemy.types import TypeEngine, UserDefinedType

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
SETS_KEPT = 256
INSTANTS_KEPT = 8192

# SQLite hands out row numbers only to a column declared INTEGER.
Key = BigInteger().with_variant(Integer(), "sqlite")


# The marks, in a column's `info`, of what tells who a person is. All else knows people by number.
PERSONAL = "personal"
NAME_OF_A_PERSON, EMAIL_OF_A_PERSON = {PERSONAL: "name"}, {PERSONAL: "email"}


def text_column(length: int) -> String:
    """Return a text type that sorts and compares by code point on both engines."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


class Instant(TypeDecorator[datetime]):
    """An instant in UTC, kept as whole microseconds since 1970: exact, ordered and the same on both engines."""

    impl = BigInteger
    cache_ok = True

    @property
    def python_type(self) -> type[datetime]:
        """What a value of the column is in Python, which its cursors are read by."""
        return datetime

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002 SQLAlchemy names it.
        return None if value is None else to_microseconds(value)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[int | None], datetime | None]:  # noqa: ARG002 SQLAlchemy names them.
        """Return what makes an instant of a number."""
        return from_microseconds


@lru_cache(INSTANTS_KEPT)
def from_microseconds(value: int | None) -> datetime | None:
    """Return the instant so many microseconds after the start of 1970; rows of one list often share theirs."""
    return None if value is None else EPOCH + timedelta(microseconds=value)


def to_microseconds(instant: datetime) -> int:
    """Return an instant as whole microseconds since 1970."""
    return (instant - EPOCH) // MICROSECOND


class Money(TypeDecorator[Decimal]):
    """An amount in pounds with two decimals, kept as whole pence."""

    impl = BigInteger
    cache_ok = True

    @property
    def python_type(self) -> type[Decimal]:
        """What a value of the column is in Python, which its cursors are read by."""
        return Decimal

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:  # noqa: ARG002 SQLAlchemy names it.
        return None if value is None else int(value.scaleb(2))

    def process_result_value(self, value: int | None, dialect: Dialect) -> Decimal | None:  # noqa: ARG002 SQLAlchemy names it.
        return None if value is None else Decimal(value).scaleb(-2)


def constant(value: str | int) -> ColumnElement[Any]:
    """Return a value of our own as it stands in the statement, where a parameter would be bound at every run.

    Never one that came from outside.
    """
    return literal_column(f"'{value}'" if isinstance(value, str) else str(value))


def constants(values: Iterable[str]) -> list[ColumnElement[Any]]:
    """Return several values of our own, to compare with."""
    return [constant(value) for value in values]


Function = TypeVar("Function", bound=type[GenericFunction[Any]])


def spelt(*, sqlite: str, postgresql: str) -> Callable[[Function], Function]:
    """Return a decorator that says how a function is written for each database: `{0}` is its first argument."""

    def spell(function: Function) -> Function:
        for dialect, template in (("sqlite", sqlite), ("postgresql", postgresql)):
            _spell(function, dialect, template)
        return function

    return spell


def _spell(function: type[GenericFunction[Any]], dialect: str, template: str) -> None:
    @compiles(function, dialect)
    def write(element: GenericFunction[Any], compiler: SQLCompiler, **kw: Any) -> str:
        return template.format(*(compiler.process(clause, **kw) for clause in element.clauses))


@spelt(
    sqlite="CAST(julianday({1}) - julianday({0}) AS INTEGER)",
    postgresql="CAST(CAST({1} AS DATE) - CAST({0} AS DATE) AS BIGINT)",
)
class days_between(GenericFunction[int]):  # noqa: N801 SQL functions are written small.
    """Whole days from the first date to the second: `days_between(start, end)`."""

    type = BigInteger()
    inherit_cache = True


@spelt(sqlite="{0} = {1}", postgresql="{0} = ANY (ARRAY{1})")
class looked_up(GenericFunction[bool]):  # noqa: N801 SQL functions are written small.
    """Whether a key is the one that a sub-select finds: `looked_up(table.c.id, select(…).scalar_subquery())`.

    It means `=`, in words that PostgreSQL can only answer by the key's index: with a plain `=` it may well read
    and hash the whole table for the sake of a few rows.
    """

    type = Boolean()
    inherit_cache = True

    def self_group(self, against: Any = None) -> Any:  # noqa: ARG002 SQLAlchemy names it.
        """Stand alone: compared with 1, as SQLAlchemy would have it on SQLite, no index could serve."""
        return self


class IdSet(TypeDecorator[Sequence[int]]):
    """Many ids as one parameter, to compare with by `is_among`: a list of parameters is spelt out at every run."""

    impl = String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return what the driver takes as it is: a list where the database has arrays."""
        return String() if dialect.name == "sqlite" else _ForTheDriver()

    def process_bind_param(self, value: Sequence[int] | None, dialect: Dialect) -> Any:
        """Write the ids as a JSON list where the database has no arrays."""
        if value is None or dialect.name != "sqlite":
            return value
        return f"[{_listed(tuple(value))}]"


class _ForTheDriver(UserDefinedType[Any]):
    """A value that the driver writes itself; SQLAlchemy would go through an array item by item."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """Return the type's name in SQL."""
        return "BIGINT[]"


@lru_cache(SETS_KEPT)
def _listed(ids: tuple[int, ...]) -> str:
    return ",".join(map(str, ids))


@spelt(
    # The plus keeps the key's index out of it: the first hundred rows would else be picked from all there are.
    sqlite="+{0} IN (SELECT value FROM json_each({1}))",
    postgresql="{0} = ANY (CAST({1} AS BIGINT[]))",
)
class is_among(GenericFunction[bool]):  # noqa: N801 SQL functions are written small.
    """Whether a key is one of many ids: `is_among(table.c.id, bindparam("ids", type_=IdSet))`."""

    type = Boolean()
    inherit_cache = True


@spelt(sqlite="instr({1}, ',' || {0} || ',') > 0", postgresql="strpos({1}, ',' || {0} || ',') > 0")
class is_written_in(GenericFunction[bool]):  # noqa: N801 SQL functions are written small.
    """Whether a key stands in a text such as `,1,3,7,`: for one row that is quicker than to read the set."""

    type = Boolean()
    inherit_cache = True


class json_list(GenericFunction[list[Any]]):  # noqa: N801 SQL functions are written small.
    """All values of a group as one JSON array; each value is itself an array where several columns are given."""

    type = JSON()
    inherit_cache = True


@compiles(json_list, "sqlite")
def _json_list_sqlite(element: json_list, compiler: SQLCompiler, **kw: Any) -> str:
    columns = [compiler.process(clause, **kw) for clause in element.clauses]
    value = columns[0] if len(columns) == 1 else f"json_array({', '.join(columns)})"
    return f"json_group_array({value})"


@compiles(json_list, "postgresql")
def _json_list_postgresql(element: json_list, compiler: SQLCompiler, **kw: Any) -> str:
    columns = [compiler.process(clause, **kw) for clause in element.clauses]
    value = columns[0] if len(columns) == 1 else f"json_build_array({', '.join(columns)})"
    return f"coalesce(json_agg({value}), '[]')"
