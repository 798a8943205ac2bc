"""Orders and cursors."""

import base64
import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import BigInteger, Boolean, Column, Date, Float, MetaData, String, Table

from service.core.columns import Instant
from service.core.errors import Invalid, Malformed
from service.core.paging import Key, decode_cursor, encode_cursor, next_url, parse_sort, place_parameters

ROWS = Table(
    "row",
    MetaData(),
    Column("id", BigInteger, primary_key=True),
    Column("ref", String(40), nullable=False),
    Column("due_on", Date),
    Column("updated_at", Instant, nullable=False),
    Column("value", Float),
    Column("is_open", Boolean),
)
ALLOWED = tuple(ROWS.columns.keys())
INTEGERS = st.integers(1 - 2**63, 2**63 - 1)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
INSTANTS = st.datetimes(datetime(1900, 1, 1), datetime(2999, 12, 31)).map(  # noqa: DTZ001 The offset is added here.
    lambda instant: instant.replace(tzinfo=UTC)
)
WHOLE_ROWS = st.fixed_dictionaries(
    {
        "id": INTEGERS,
        "ref": TEXT,
        "due_on": st.none() | st.dates(date(1900, 1, 1), date(2999, 12, 31)),
        "updated_at": INSTANTS,
        "value": st.none() | st.floats(allow_nan=False, allow_infinity=False),
        "is_open": st.none() | st.booleans(),
    }
)
ORDERS = st.lists(st.builds(Key, st.sampled_from(ALLOWED), st.booleans()), min_size=1, unique_by=lambda key: key.name)


def cursor_of(held: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(held).encode()).decode().rstrip("=")


@given(ORDERS, WHOLE_ROWS)
def test_a_cursor_brings_back_the_place_it_was_made_for(keys: Sequence[Key], row: dict[str, Any]) -> None:
    assert decode_cursor(encode_cursor(keys, row), keys, ROWS) == [row[key.name] for key in keys]


@given(ORDERS, WHOLE_ROWS)
def test_a_cursor_can_stand_in_an_address_as_it_is(keys: Sequence[Key], row: dict[str, Any]) -> None:
    cursor = encode_cursor(keys, row)
    assert dict(parse_qsl(urlsplit(f"/v1?cursor={cursor}").query)) == {"cursor": cursor}


@given(ORDERS, ORDERS, WHOLE_ROWS)
def test_a_cursor_of_another_order_is_refused(keys: Sequence[Key], others: Sequence[Key], row: dict[str, Any]) -> None:
    cursor = encode_cursor(keys, row)
    if keys != others:
        with pytest.raises(Malformed):
            decode_cursor(cursor, others, ROWS)


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_any_text_whatever_is_a_cursor_or_refused(text: str) -> None:
    with pytest.raises(Malformed):
        decode_cursor(text, (Key("ref"), Key("id")), ROWS)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=9,
    )
)
def test_any_json_whatever_is_refused(held: Any) -> None:
    with pytest.raises(Malformed):
        decode_cursor(cursor_of(held), (Key("ref"), Key("id")), ROWS)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id", None),
        ("id", 2**63),
        ("id", -(2**63) - 1),
        ("id", 1.0),
        ("id", True),
        ("id", "1"),
        ("id", [1]),
        ("ref", None),
        ("ref", 1),
        ("ref", "a\0"),
        ("ref", "\ud800"),
        ("due_on", "2019-02-30"),
        ("due_on", 7),
        ("due_on", "0001-01-01"),
        ("updated_at", None),
        ("updated_at", "2018-12-10T09:30:00"),
        ("updated_at", 0),
        ("value", "1"),
        ("is_open", 1),
        ("is_open", "true"),
    ],
)
def test_a_value_that_its_column_cannot_hold_is_refused(name: str, value: Any) -> None:
    with pytest.raises(Malformed) as refused:
        decode_cursor(cursor_of([[name, value]]), (Key(name),), ROWS)
    assert [fault.pointer for fault in refused.value.faults] == ["/query/cursor"]


@pytest.mark.parametrize("cursor", ["[" * 1500, "", "=", "e30", "W10", "äöü"])
def test_what_was_never_a_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(Malformed):
        decode_cursor(cursor, (Key("id"),), ROWS)


def test_a_cursor_that_nests_without_end_is_refused() -> None:
    deep = base64.urlsafe_b64encode(b"[" * 200_000).decode().rstrip("=")
    with pytest.raises(Malformed):
        decode_cursor(deep, (Key("id"),), ROWS)


@pytest.mark.parametrize(
    ("sort", "keys"),
    [
        (None, [Key("id")]),
        ("", [Key("id")]),
        ("-id", [Key("id", True)]),
        ("ref", [Key("ref"), Key("id")]),
        ("-due_on,ref", [Key("due_on", True), Key("ref"), Key("id")]),
        ("id,ref", [Key("id"), Key("ref")]),
    ],
)
def test_every_order_is_total(sort: str | None, keys: list[Key]) -> None:
    assert list(parse_sort(sort, ALLOWED)) == keys


@pytest.mark.parametrize("sort", ["name", "--ref", "ref,ref", "ref,-ref", "ref,", " ref", "REF", "ref;drop", "-"])
def test_an_order_by_anything_else_is_refused(sort: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse_sort(sort, ALLOWED)
    assert [fault.pointer for fault in refused.value.faults] == ["/query/sort"]


def test_the_parameters_of_a_place_leave_out_what_is_null() -> None:
    assert place_parameters(["a", None, 3]) == {"after_0": "a", "after_2": 3}


def test_the_next_page_is_the_same_question_with_another_cursor() -> None:
    question = [("status", "complete"), ("cursor", "old"), ("status", "on_hold"), ("q", "a&b=ü")]
    url = next_url("/v1/milestones", question, "new")
    assert url is not None
    assert parse_qsl(urlsplit(url).query) == [
        ("status", "complete"),
        ("status", "on_hold"),
        ("q", "a&b=ü"),
        ("cursor", "new"),
    ]


def test_after_the_last_page_there_is_no_next() -> None:
    assert next_url("/v1/milestones", [], None) is None
