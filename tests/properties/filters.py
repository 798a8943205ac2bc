"""Random filters, each with what it means written a second time: as a function of a row, in plain Python.

Null is None. Comparisons are true or false; functions of null are null; `and`, `or` and `not` know three values.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from functools import reduce
from typing import Any
from urllib.parse import quote

from hypothesis import strategies as st

Row = dict[str, Any]
WHITE = " \t\n\u00a0\u2003\u3000"
WORDS = [
    "",
    "a",
    "B",
    "%",
    "_",
    "'",
    "ÉTÉ",
    "été",
    "Refuge",
    "50%",
    "a_b",
    "Straße",
    "ÿ",
    "x ",
    " x",
    "İ",
    "漢",
    "\u00a0x",
]


@dataclass(frozen=True)
class Filter:
    """A filter, or a part of one: its text, and its value for a row."""

    text: str
    of: Callable[[Row], Any]

    def __repr__(self) -> str:
        return self.text

    @property
    def query(self) -> str:
        """The text as it stands in an address."""
        return quote(self.text, safe="")


def constant(text: str, value: Any) -> Filter:
    """Return a literal."""
    return Filter(text, lambda _: value)


def quoted(value: str) -> Filter:
    """Return a literal text."""
    return constant("'" + value.replace("'", "''") + "'", value)


def field(name: str, read: Callable[[Any], Any] = lambda value: value) -> Filter:
    """Return a property, as `read` reads it from JSON."""
    return Filter(name, lambda row: None if row[name] is None else read(row[name]))


def call(name: str, work: Callable[..., Any], *arguments: Filter) -> Filter:
    """Return a function of arguments, null where one of them is."""

    def of(row: Row) -> Any:
        values = [each.of(row) for each in arguments]
        return None if None in values else work(*values)

    return Filter(f"{name}({','.join(each.text for each in arguments)})", of)


def infix(word: str, work: Callable[[Any, Any], Any], one: Filter, other: Filter) -> Filter:
    """Return an operator between two operands, null where either is."""

    def of(row: Row) -> Any:
        values = one.of(row), other.of(row)
        return None if None in values else work(*values)

    return Filter(f"({one.text} {word} {other.text})", of)


def small(text: str) -> str:
    """Return a text in small letters, letter by letter."""
    return "".join(each.lower() if len(each.lower()) == 1 else each for each in text)


def capitals(text: str) -> str:
    """Return a text in capitals, letter by letter."""
    return "".join(each.upper() if len(each.upper()) == 1 else each for each in text)


def quotient(one: int, other: int) -> int:
    """Return a quotient cut towards zero."""
    return abs(one) // abs(other) * (1 if (one < 0) == (other < 0) else -1)


def remainder(one: int, other: int) -> int:
    """Return what a division leaves, with the sign of what is divided."""
    return one - other * quotient(one, other)


texts: st.SearchStrategy[Filter] = st.deferred(
    lambda: st.one_of(
        st.sampled_from([field("title"), field("ref"), field("description"), field("confidence"), field("rag")]),
        st.sampled_from(WORDS).map(quoted),
        st.builds(lambda each: call("tolower", small, each), texts),
        st.builds(lambda each: call("toupper", capitals, each), texts),
        st.builds(lambda each: call("trim", lambda text: text.strip(WHITE), each), texts),
        st.builds(lambda one, other: call("concat", lambda a, b: a + b, one, other), texts, texts),
        st.builds(
            lambda each, start, length: call(
                "substring",
                lambda text, a, b: text[a : a + b],
                each,
                constant(str(start), start),
                constant(str(length), length),
            ),
            texts,
            st.integers(0, 6),
            st.integers(0, 6),
        ),
    )
)
days = st.one_of(
    st.sampled_from([field(name, date.fromisoformat) for name in ("due_on", "start_on", "forecast_on", "agreed_on")]),
    st.dates(date(2018, 1, 1), date(2020, 12, 31)).map(lambda day: constant(day.isoformat(), day)),
    st.just(call("date", lambda instant: instant.date(), field("created_at", datetime.fromisoformat))),
)
SUMS: dict[str, Callable[[int, int], int]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
}
divisors = st.integers(-9, 9).filter(bool).map(lambda value: constant(str(value), value))
# Products of any two are below what a database holds; those of ids and versions may not be, and are refused.
plain_numbers = st.one_of(
    st.sampled_from([field("weight"), field("percent_complete")]),
    st.integers(-100, 100).map(lambda value: constant(str(value), value)),
    st.builds(lambda each: call("length", len, each), texts),
    st.builds(lambda one, other: call("indexof", lambda a, b: a.find(b), one, other), texts, texts),
    *(
        st.builds(lambda day, name=name: call(name, lambda each: getattr(each, name), day), days)
        for name in ("year", "month", "day")
    ),
)
numbers = st.one_of(
    plain_numbers,
    st.sampled_from([field("owner_id"), field("id"), field("version")]),
    st.builds(
        lambda word, one, other: infix(word, SUMS[word], one, other),
        st.sampled_from(sorted(SUMS)),
        plain_numbers,
        plain_numbers,
    ),
    st.builds(lambda one, other: infix("div", quotient, one, other), plain_numbers, divisors),
    st.builds(lambda one, other: infix("mod", remainder, one, other), plain_numbers, divisors),
    st.builds(
        lambda each: Filter(f"-({each.text})", lambda row: None if each.of(row) is None else -each.of(row)),
        plain_numbers,
    ),
)
NULL = constant("null", None)
ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
}


def compared(word: str, one: Filter, other: Filter) -> Filter:
    """Return a comparison: true or false whatever is null."""

    def of(row: Row) -> bool:
        a, b = one.of(row), other.of(row)
        if word in ("eq", "ne"):
            return bool(a == b) == (word == "eq")
        return a is not None and b is not None and ORDERS[word](a, b)

    return Filter(f"({one.text} {word} {other.text})", of)


def among(one: Filter, others: list[Filter]) -> Filter:
    """Return whether a value is one of several."""
    return Filter(
        f"({one.text} in ({','.join(each.text for each in others)}))",
        lambda row: one.of(row) in [each.of(row) for each in others],
    )


def all_of(parts: list[Filter]) -> Filter:
    """Return `and` between conditions: false where one is, else null where one is."""
    return Filter(
        f"({' and '.join(each.text for each in parts)})", lambda row: reduce(_and, (e.of(row) for e in parts))
    )


def any_of(parts: list[Filter]) -> Filter:
    """Return `or` between conditions: true where one is, else null where one is."""
    return Filter(f"({' or '.join(each.text for each in parts)})", lambda row: reduce(_or, (e.of(row) for e in parts)))


def _and(one: bool | None, other: bool | None) -> bool | None:
    if one is False or other is False:
        return False
    return None if None in (one, other) else True


def _or(one: bool | None, other: bool | None) -> bool | None:
    if one is True or other is True:
        return True
    return None if None in (one, other) else False


def negated(part: Filter) -> Filter:
    """Return `not` of a condition: null of null."""
    return Filter(f"not ({part.text})", lambda row: None if part.of(row) is None else not part.of(row))


words = st.sampled_from(["eq", "ne", *ORDERS])
TESTS: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda text, part: part in text,
    "startswith": str.startswith,
    "endswith": str.endswith,
}
conditions = st.one_of(
    st.builds(compared, words, texts, st.one_of(texts, st.just(NULL))),
    st.builds(compared, words, numbers, st.one_of(numbers, st.just(NULL))),
    st.builds(compared, words, days, st.one_of(days, st.just(NULL))),
    st.builds(among, numbers, st.lists(st.integers(-3, 40).map(lambda v: constant(str(v), v)), min_size=1, max_size=4)),
    st.builds(among, texts, st.lists(st.sampled_from(WORDS).map(quoted), min_size=1, max_size=3)),
    st.builds(
        lambda name, one, other: call(name, TESTS[name], one, other), st.sampled_from(sorted(TESTS)), texts, texts
    ),
    st.just(field("overdue")),
    st.sampled_from([constant("true", True), constant("false", False), constant("contains(null,'x')", None)]),
)
filters: st.SearchStrategy[Filter] = st.recursive(
    conditions,
    lambda parts: st.one_of(
        st.lists(parts, min_size=2, max_size=4).map(all_of),
        st.lists(parts, min_size=2, max_size=4).map(any_of),
        parts.map(negated),
        st.builds(compared, st.sampled_from(["eq", "ne"]), parts, parts),
    ),
    max_leaves=8,
)
