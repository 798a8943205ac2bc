"""A filter's text as a tree."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from service.exchange.odata.syntax import (
    DEEPEST,
    LONGEST_FILTER,
    MOST_BRACKETS,
    MOST_LISTED,
    MOST_TOGETHER,
    Call,
    FilterError,
    Literal,
    Node,
    Property,
    parse,
)

A, B, C = Property("a"), Property("b"), Property("c")


def call(name: str, *arguments: Any) -> Call:
    """Return a call; what is no node is a literal."""
    nodes = (each if isinstance(each, Call | Property | Literal) else Literal(each) for each in arguments)
    return Call(name, tuple(nodes))


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a", A),
        ("a eq 1", call("eq", A, 1)),
        ("  a  eq  1  ", call("eq", A, 1)),
        ("a or b and c", call("or", A, call("and", B, C))),
        ("(a or b) and c", call("and", call("or", A, B), C)),
        ("a and b and c", call("and", A, B, C)),
        ("((a and b) and (c and a))", call("and", A, B, C, A)),
        ("not a and b", call("and", call("not", A), B)),
        ("not (a and b)", call("not", call("and", A, B))),
        ("a eq b eq c", call("eq", call("eq", A, B), C)),
        ("a eq b gt c", call("eq", A, call("gt", B, C))),
        ("a add b mul c", call("add", A, call("mul", B, C))),
        ("a sub b sub c", call("sub", call("sub", A, B), C)),
        ("(a sub b) mul c", call("mul", call("sub", A, B), C)),
        ("-a mul b", call("mul", call("negate", A), B)),
        ("a gt -5", call("gt", A, call("negate", 5))),
        ("a in (1,2, 3)", call("in", A, 1, 2, 3)),
        ("a in ('x') and b", call("and", call("in", A, "x"), B)),
        ("contains(a,'x')", call("contains", A, "x")),
        ("f()", call("f")),
        ("f(g(a), b or c)", call("f", call("g", A), call("or", B, C))),
        ("a eq 'it''s'", call("eq", A, "it's")),
        ("a eq ''", call("eq", A, "")),
        ("a eq ') or (b eq 1'", call("eq", A, ") or (b eq 1")),
        ("a eq null", call("eq", A, None)),
        ("a eq true or b eq false", call("or", call("eq", A, True), call("eq", B, False))),
        ("a eq 1.50", call("eq", A, Decimal("1.50"))),
        ("a eq 1e3", call("eq", A, 1000.0)),
        ("a eq 2018-12-10", call("eq", A, date(2018, 12, 10))),
        ("a eq 2018-12-10T09:30:00Z", call("eq", A, datetime(2018, 12, 10, 9, 30, tzinfo=UTC))),
        ("a eq 2018-12-10T09:30Z", call("eq", A, datetime(2018, 12, 10, 9, 30, tzinfo=UTC))),
        ("a eq 2018-12-10T10:30:00+01:00", call("eq", A, datetime(2018, 12, 10, 9, 30, tzinfo=UTC))),
        (
            "a eq 2018-12-10T09:30:00.123456789Z",
            call("eq", A, datetime(2018, 12, 10, 9, 30, 0, 123456, tzinfo=UTC)),
        ),
    ],
)
def test_a_filter_is_read(text: str, tree: Node) -> None:
    assert parse(text) == tree


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "a eq",
        "eq a",
        "a b",
        "(a",
        "a)",
        "a eq 'x",
        "a = 1",
        "a eq 1;drop table milestone",
        "a eq 2018-02-30",
        "a eq 2018-13-01",
        "a eq 0000-01-01",
        "a eq 2018-12-10T25:00:00Z",
        "a in 1",
        "a in ()",
        "a in (1,)",
        "f(a,)",
        "f(,a)",
        "not",
        "a and and b",
        "a eq \x00",
        "a eq 1 or",
        '"a" eq 1',
        "a[0] eq 1",
        "$it eq 1",
        "a eq @p",
        "--",
    ],
)
def test_what_is_no_filter_is_told(text: str) -> None:
    with pytest.raises(FilterError) as caught:
        parse(text)
    assert not caught.value.is_unsupported


@pytest.mark.parametrize(
    "text",
    [
        "a/b eq 1",
        "ids/any()",
        "(" * (MOST_BRACKETS + 1) + "a" + ")" * (MOST_BRACKETS + 1),
        "f(" * (DEEPEST + 1) + "a" + ")" * (DEEPEST + 1),
        "a" + " add 1" * (DEEPEST + 1),
        "not " * (DEEPEST + 1) + "a",
        " or ".join(["a"] * (MOST_TOGETHER + 1)),
    ],
)
def test_what_is_a_filter_and_more_than_is_read_is_told_as_such(text: str) -> None:
    with pytest.raises(FilterError) as caught:
        parse(text)
    assert caught.value.is_unsupported


@pytest.mark.parametrize(
    "text",
    ["a eq '" + "x" * LONGEST_FILTER + "'", "a in (" + ",".join(["1"] * (MOST_LISTED + 1)) + ")"],
    ids=["long", "many"],
)
def test_what_is_too_much_is_told(text: str) -> None:
    with pytest.raises(FilterError):
        parse(text)


def test_as_much_as_is_said_is_read() -> None:
    assert parse("(" * (MOST_BRACKETS - 1) + "a" + ")" * (MOST_BRACKETS - 1)) == A
    assert isinstance(parse("f(" * DEEPEST + "a" + ")" * DEEPEST), Call)
    deep = "a"
    for _ in range(MOST_BRACKETS - 2):
        deep = f"({deep} and b)"
    assert parse(deep) == call("and", A, *[B] * (MOST_BRACKETS - 2))
