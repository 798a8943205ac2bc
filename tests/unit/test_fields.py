"""The field types of every input."""

import contextlib
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from service.core.fields import (
    LARGEST_ID,
    Amount,
    Day,
    Email,
    Flag,
    Id,
    IdInUrl,
    Input,
    Instant,
    Number,
    NumberInUrl,
    Prose,
    Reason,
    Ref,
    Title,
    Url,
)

ADAPTERS: dict[str, TypeAdapter[Any]] = {
    name: TypeAdapter(kind)
    for name, kind in {
        "Day": Day,
        "Instant": Instant,
        "Ref": Ref,
        "Title": Title,
        "Prose": Prose,
        "Reason": Reason,
        "Id": Id,
        "IdInUrl": IdInUrl,
        "NumberInUrl": NumberInUrl,
        "Flag": Flag,
        "Url": Url,
        "Email": Email,
        "Amount": Amount,
        "Number": Number,
    }.items()
}
NINE_IN_THE_MORNING = datetime(2018, 12, 10, 9, 30, tzinfo=UTC)
DAYS = st.dates(date(1900, 1, 1), date(2999, 12, 31))
INSTANTS = st.datetimes(datetime(1900, 1, 2), datetime(2999, 12, 30))  # noqa: DTZ001 The offset is added below.


def shown(value: Any) -> str:
    """Return the name of a value in the list of tests: short, and the same in every terminal."""
    return ascii(value)[:30]


OFFSETS = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@pytest.mark.parametrize(
    ("kind", "given_value", "held"),
    [
        ("Day", "2018-12-10", date(2018, 12, 10)),
        ("Day", "2020-02-29", date(2020, 2, 29)),
        ("Day", "1900-01-01", date(1900, 1, 1)),
        ("Day", "2999-12-31", date(2999, 12, 31)),
        ("Instant", "2018-12-10T09:30:00Z", NINE_IN_THE_MORNING),
        ("Instant", "2018-12-10t09:30:00z", NINE_IN_THE_MORNING),
        ("Instant", "2018-12-10T11:30:00+02:00", NINE_IN_THE_MORNING),
        ("Instant", "2018-12-10T09:30:00.000001Z", NINE_IN_THE_MORNING + timedelta(microseconds=1)),
        ("Instant", "2018-12-10T09:30:00.1Z", NINE_IN_THE_MORNING + timedelta(microseconds=100_000)),
        # An instant between two stamps sees the earlier one.
        ("Instant", "2018-12-10T09:30:00.000001999Z", NINE_IN_THE_MORNING + timedelta(microseconds=1)),
        ("Ref", "SMS-1", "SMS-1"),
        ("Ref", "a" * 40, "a" * 40),
        ("Title", " Ögmund’s plan\n", " Ögmund’s plan\n"),
        ("Title", "x" * 300, "x" * 300),
        ("Prose", "", ""),
        ("Prose", "x" * 10_000, "x" * 10_000),
        ("Reason", "x" * 1000, "x" * 1000),
        ("Id", 1, 1),
        ("Id", LARGEST_ID, LARGEST_ID),
        ("IdInUrl", "17", 17),
        ("NumberInUrl", "0", 0),
        ("Flag", "true", True),
        ("Flag", "false", False),
        ("Url", "https://example.org/a?b=c#d", "https://example.org/a?b=c#d"),
        ("Email", "post@example.org", "post@example.org"),
        ("Amount", "882373.00", Decimal("882373.00")),
        ("Amount", 882373, Decimal(882373)),
        ("Amount", 0.1, Decimal("0.1")),
        ("Amount", 0, Decimal(0)),
        ("Amount", "999999999999.99", Decimal("999999999999.99")),
        ("Number", 3.8, 3.8),
        ("Number", -1e15, -1e15),
        ("Number", 21, 21.0),
    ],
    ids=shown,
)
def test_a_good_value_is_taken(kind: str, given_value: Any, held: Any) -> None:
    assert ADAPTERS[kind].validate_python(given_value) == held


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("Day", "2019-02-29"),
        ("Day", "2019-02-30"),
        ("Day", "0000-01-01"),
        ("Day", "1899-12-31"),
        ("Day", "3000-01-01"),
        ("Day", "10/12/2018"),
        ("Day", "2018-12-10T00:00:00"),
        ("Day", "20181210"),
        ("Day", "2018-W50-1"),
        ("Day", "٢٠١٨-١٢-١٠"),
        ("Day", " 2018-12-10"),
        ("Day", "2018-12-10\n"),
        ("Day", NINE_IN_THE_MORNING),
        ("Day", 1544400000),
        ("Day", None),
        ("Instant", "2018-12-10T09:30:00"),
        ("Instant", "2018-12-10 09:30:00Z"),
        ("Instant", "2018-12-10T09:30Z"),
        ("Instant", "2018-12-10T24:30:00Z"),
        ("Instant", "2018-12-10T09:30:60Z"),
        ("Instant", "2018-02-30T09:30:00Z"),
        ("Instant", "2018-12-10T09:30:00+24:00"),
        ("Instant", "2018-12-10T09:30:00.1234567891Z"),
        ("Instant", "0001-01-01T00:00:00+12:00"),
        ("Instant", "9999-12-31T23:59:59-12:00"),
        ("Instant", "1899-12-31T23:59:59Z"),
        ("Instant", "1900-01-01T00:30:00+01:00"),
        ("Instant", "2018-12-10"),
        ("Instant", 1544400000),
        ("Instant", datetime(2018, 12, 10)),  # noqa: DTZ001 It is refused for want of an offset.
        ("Ref", ""),
        ("Ref", "a" * 41),
        ("Ref", "-a"),
        ("Ref", "a b"),
        ("Ref", "a_b"),
        ("Ref", "ä"),
        ("Ref", "a\n"),
        ("Ref", 1),
        ("Title", ""),
        ("Title", " \t\n"),
        ("Title", "x" * 301),
        ("Title", "a\0b"),
        ("Title", "\ud800"),
        ("Prose", "x" * 10_001),
        ("Prose", "\0"),
        ("Prose", "\udfff"),
        ("Reason", ""),
        ("Reason", "  "),
        ("Reason", "x" * 1001),
        ("Id", 0),
        ("Id", -1),
        ("Id", LARGEST_ID + 1),
        ("Id", 2**63),
        ("Id", True),
        ("Id", 1.0),
        ("Id", "1"),
        ("IdInUrl", "0"),
        ("IdInUrl", "1.0"),
        ("IdInUrl", " 1"),
        ("IdInUrl", "+1"),
        ("IdInUrl", "1_0"),
        ("IdInUrl", "١"),
        ("IdInUrl", "9" * 17),
        ("IdInUrl", ""),
        ("NumberInUrl", "-1"),
        ("Flag", "1"),
        ("Flag", "True"),
        ("Flag", "yes"),
        ("Flag", ""),
        ("Url", "ftp://example.org"),
        ("Url", "javascript:alert(1)"),
        ("Url", "https://"),
        ("Url", "https://a b"),
        ("Url", "https://" + "a" * 2000),
        ("Email", "nobody"),
        ("Email", "a@b@c"),
        ("Email", "a @b"),
        ("Email", "a" * 250 + "@b.org"),
        ("Amount", "1_000"),
        ("Amount", " 1"),
        ("Amount", "1e3"),
        ("Amount", "١"),
        ("Amount", "-0.01"),
        ("Amount", "0.001"),
        ("Amount", 0.001),
        ("Amount", "1000000000000.00"),
        ("Amount", "NaN"),
        ("Amount", "Infinity"),
        ("Amount", float("nan")),
        ("Amount", float("inf")),
        ("Amount", 1e300),
        ("Amount", "1e2000"),
        ("Amount", True),
        ("Amount", "a lot"),
        ("Amount", None),
        ("Number", float("nan")),
        ("Number", float("inf")),
        ("Number", 1.1e15),
        ("Number", 10**400),
        ("Number", True),
        ("Number", "1"),
    ],
    ids=shown,
)
def test_a_bad_value_is_refused(kind: str, value: Any) -> None:
    with pytest.raises(ValidationError):
        ADAPTERS[kind].validate_python(value)


@given(DAYS)
def test_a_day_comes_back_as_it_was_written(day: date) -> None:
    assert ADAPTERS["Day"].validate_python(day.isoformat()) == day


@given(INSTANTS, OFFSETS)
def test_an_instant_means_the_same_at_any_offset(instant: datetime, offset: timezone) -> None:
    there = instant.replace(tzinfo=UTC).astimezone(offset)
    read = ADAPTERS["Instant"].validate_python(there.isoformat())
    assert (read, read.tzinfo) == (there, UTC)


@given(st.integers(0, 10**14 - 1))
def test_pence_come_back_to_the_penny(pence: int) -> None:
    assert ADAPTERS["Amount"].validate_python(f"{pence // 100}.{pence % 100:02}") == Decimal(pence) / 100


@given(st.text())
def test_any_text_is_taken_or_refused_and_nothing_else_happens(text: str) -> None:
    for adapter in ADAPTERS.values():
        with contextlib.suppress(ValidationError):
            adapter.validate_python(text)


def test_an_input_takes_nothing_that_is_not_declared() -> None:
    class Body(Input):
        ref: Ref

    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        Body.model_validate({"ref": "a", "reff": "b"})
