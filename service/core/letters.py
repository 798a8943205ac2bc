"""Small and capital letters of all scripts, the same on both databases: Unicode's simple mappings, letter by letter.

SQLite by itself knows those of ASCII only, and PostgreSQL those of whatever its collation was built with.
"""

import sys
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from sqlalchemy import String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction

SURROGATES = range(0xD800, 0xE000)


@lru_cache
def _table(turn: Callable[[str], str]) -> dict[int, str]:
    """Return what each letter beyond ASCII becomes; one that becomes several letters stays as it is."""
    letters = (chr(code) for code in range(0x80, sys.maxunicode + 1) if code not in SURROGATES)
    return {ord(each): turned for each in letters if (turned := turn(each)) != each and len(turned) == 1}


@lru_cache
def _whole_table(turn: Callable[[str], str]) -> dict[int, str]:
    return {code: turn(chr(code)) for code in range(0x80)} | _table(turn)


def to_small(text: str | None) -> str | None:
    """Return a text in small letters: `ÉTÉ 1` is `été 1`."""
    return None if text is None else text.translate(_whole_table(str.lower))


def to_capitals(text: str | None) -> str | None:
    """Return a text in capital letters; `ß`, which would become two, stays."""
    return None if text is None else text.translate(_whole_table(str.upper))


# What the connections of SQLite are taught.
SQLITE_FUNCTIONS = {"tracker_small": to_small, "tracker_capitals": to_capitals}


class in_small_letters(GenericFunction[str]):  # noqa: N801 SQL functions are written small.
    """A text in small letters."""

    type = String()
    inherit_cache = True


class in_capitals(GenericFunction[str]):  # noqa: N801 SQL functions are written small.
    """A text in capital letters."""

    type = String()
    inherit_cache = True


@compiles(in_small_letters, "sqlite")
def _small_sqlite(element: in_small_letters, compiler: SQLCompiler, **kw: Any) -> str:
    return f"tracker_small({compiler.process(element.clauses, **kw)})"


@compiles(in_capitals, "sqlite")
def _capitals_sqlite(element: in_capitals, compiler: SQLCompiler, **kw: Any) -> str:
    return f"tracker_capitals({compiler.process(element.clauses, **kw)})"


@compiles(in_small_letters, "postgresql")
def _small_postgresql(element: in_small_letters, compiler: SQLCompiler, **kw: Any) -> str:
    return _turned("lower", str.lower, compiler.process(element.clauses, **kw))


@compiles(in_capitals, "postgresql")
def _capitals_postgresql(element: in_capitals, compiler: SQLCompiler, **kw: Any) -> str:
    return _turned("upper", str.upper, compiler.process(element.clauses, **kw))


def _turned(name: str, turn: Callable[[str], str], text: str) -> str:
    """Return SQL that turns the letters of a text; the long way is for what is not ASCII alone."""
    table = _table(turn)
    # OFFSET 0 keeps PostgreSQL from writing the text out wherever `t` stands, which in nested calls has no end.
    letters = "'" + "".join(map(chr, table)) + "', '" + "".join(table.values()) + "'"
    plain = f'{name}(t COLLATE "C")'
    return (
        f"(SELECT CASE WHEN octet_length(t) = length(t) THEN {plain} ELSE translate({plain}, {letters}) END "  # noqa: S608 All of it is ours.
        f"FROM (SELECT CAST({text} AS text) AS t OFFSET 0) AS turned)"
    )
