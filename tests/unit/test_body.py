"""Reading JSON strictly."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.body import read_json
from service.core.errors import Malformed

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


@given(VALUES, st.booleans())
def test_what_json_can_say_is_read_as_it_is(value: Any, is_ascii: bool) -> None:
    assert read_json(json.dumps(value, ensure_ascii=is_ascii).encode()) == value


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "Expecting value at line 1, column 1"),
        (b'{"a": 1,\n "b" 2}', "Expecting ':' delimiter at line 2, column 6"),
        (b"{} {}", "Extra data"),
        (b"{'a': 1}", "Expecting property name"),
        (b"\xff\xfe{}", "it is not UTF-8"),
        (b'"\xed\xa0\x80"', "it is not UTF-8"),
        (b"\xef\xbb\xbf{}", "BOM"),
        (b"NaN", "NaN"),
        (b'{"a": [Infinity]}', "Infinity"),
        (b"-Infinity", "Infinity"),
        (b"1e400", "too large"),
        (b"-1e400", "too large"),
        (b"1" * 41, "too long"),
        (b"0." + b"1" * 41, "too long"),
        (b'{"a": 1, "a": 1}', "the same key twice"),
        (b'{"b": {"a": 1, "\\u0061": 2}}', "the same key twice"),
        (b"[" * 100_000, "nests too deep"),
        (b'{"a":' * 100_000, "nests too deep"),
    ],
)
def test_what_could_be_understood_in_two_ways_is_refused(raw: bytes, why: str) -> None:
    with pytest.raises(Malformed) as refused:
        read_json(raw)
    assert why in refused.value.detail
    assert [(fault.pointer, fault.detail) for fault in refused.value.faults] == [("", refused.value.detail)]


@pytest.mark.parametrize(("raw", "value"), [(b"1" * 40, int("1" * 40)), (b"1e308", 1e308), (b"-0", 0), (b" 1\n", 1)])
def test_what_is_just_within_the_bounds_is_read(raw: bytes, value: float) -> None:
    assert read_json(raw) == value
