"""SQL that a filter needs and that the two databases say in different words."""

from datetime import date
from typing import Any

from sqlalchemy import Date, Integer, String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction

# What Unicode calls white space.
BLANKS = "\t\n\v\f\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"


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


class without_blanks(GenericFunction[str]):  # noqa: N801 SQL functions are written small.
    """A text without these characters at either end: `without_blanks(text, characters)`."""

    type = String()
    inherit_cache = True


@compiles(without_blanks, "sqlite")
def _without_blanks_sqlite(element: without_blanks, compiler: SQLCompiler, **kw: Any) -> str:
    text, blanks = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"trim({text}, {blanks})"


@compiles(without_blanks, "postgresql")
def _without_blanks_postgresql(element: without_blanks, compiler: SQLCompiler, **kw: Any) -> str:
    text, blanks = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"btrim({text}, {blanks})"


class by_code_point(GenericFunction[str]):  # noqa: N801 SQL functions are written small.
    """A text, to be put in order by the numbers of its characters."""

    type = String()
    inherit_cache = True

    def self_group(self, against: Any = None) -> Any:  # noqa: ARG002 SQLAlchemy names it.
        """Stand alone: it has its own brackets."""
        return self


@compiles(by_code_point, "sqlite")
def _by_code_point_sqlite(element: by_code_point, compiler: SQLCompiler, **kw: Any) -> str:
    (text,) = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"({text})"


@compiles(by_code_point, "postgresql")
def _by_code_point_postgresql(element: by_code_point, compiler: SQLCompiler, **kw: Any) -> str:
    (text,) = (compiler.process(clause, **kw) for clause in element.clauses)
    return f'(({text}) COLLATE "C")'


class day_of(GenericFunction[date]):  # noqa: N801 SQL functions are written small.
    """The day in UTC of an instant that is kept as microseconds since 1970, and is no earlier."""

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


class _PartOfDay(GenericFunction[int]):
    """A part of a date, as a number."""

    type = Integer()
    inherit_cache = True


class year_of(_PartOfDay):  # noqa: N801 SQL functions are written small.
    """The year of a date."""

    inherit_cache = True


class month_of(_PartOfDay):  # noqa: N801 SQL functions are written small.
    """The month of a date."""

    inherit_cache = True


class day_of_month(_PartOfDay):  # noqa: N801 SQL functions are written small.
    """The day of the month of a date."""

    inherit_cache = True


PARTS = {"year_of": ("%Y", "YEAR"), "month_of": ("%m", "MONTH"), "day_of_month": ("%d", "DAY")}


@compiles(_PartOfDay, "sqlite")
def _part_sqlite(element: _PartOfDay, compiler: SQLCompiler, **kw: Any) -> str:
    (day,) = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"CAST(strftime('{PARTS[type(element).__name__][0]}', {day}) AS INTEGER)"


@compiles(_PartOfDay, "postgresql")
def _part_postgresql(element: _PartOfDay, compiler: SQLCompiler, **kw: Any) -> str:
    (day,) = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"CAST(EXTRACT({PARTS[type(element).__name__][1]} FROM {day}) AS INTEGER)"
