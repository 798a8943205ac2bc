"""The last days of months, quarters and years."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.calendar import Every, Precision, is_period_end, month_end, period_ends

DAYS = st.dates(date(1900, 1, 1), date(2999, 12, 30))


@pytest.mark.parametrize(
    ("year", "month", "day"),
    [(2019, 2, 28), (2020, 2, 29), (1900, 2, 28), (2000, 2, 29), (2018, 9, 30), (2018, 12, 31)],
)
def test_a_month_ends_on_its_last_day(year: int, month: int, day: int) -> None:
    assert month_end(year, month) == date(year, month, day)


@pytest.mark.parametrize(
    ("day", "ended"),
    [
        ("2018-12-31", "day month quarter year"),
        ("2019-03-31", "day month quarter year"),
        ("2018-06-30", "day month quarter"),
        ("2018-09-30", "day month quarter"),
        ("2019-02-28", "day month"),
        ("2018-01-31", "day month"),
        ("2020-02-29", "day month"),
        ("2020-02-28", "day"),
        ("2018-12-30", "day"),
        ("2018-04-01", "day"),
    ],
)
def test_a_day_ends_these_periods(day: str, ended: str) -> None:
    held = [precision.value for precision in Precision if is_period_end(date.fromisoformat(day), precision)]
    assert " ".join(held) == ended


@given(DAYS)
def test_a_month_ends_where_the_next_day_is_of_another(day: date) -> None:
    assert is_period_end(day, Precision.MONTH) == ((day + timedelta(days=1)).month != day.month)


@pytest.mark.parametrize(
    ("first", "last", "every", "ends"),
    [
        ("2018-10-01", "2018-12-31", Every.QUARTER, ["2018-12-31"]),
        ("2018-10-01", "2018-12-30", Every.QUARTER, []),
        ("2018-12-31", "2018-12-31", Every.QUARTER, ["2018-12-31"]),
        ("2018-04-01", "2019-04-01", Every.QUARTER, ["2018-06-30", "2018-09-30", "2018-12-31", "2019-03-31"]),
        ("2019-01-31", "2019-03-30", Every.MONTH, ["2019-01-31", "2019-02-28"]),
        ("2018-12-01", "2019-01-31", Every.MONTH, ["2018-12-31", "2019-01-31"]),
        ("2019-01-01", "2018-12-31", Every.MONTH, []),
    ],
)
def test_the_ends_from_one_day_to_another(first: str, last: str, every: Every, ends: list[str]) -> None:
    found = period_ends(date.fromisoformat(first), date.fromisoformat(last), every)
    assert [day.isoformat() for day in found] == ends


@given(DAYS, st.integers(0, 2000), st.sampled_from(Every))
def test_every_end_in_between_is_there_once_and_in_order(first: date, days: int, every: Every) -> None:
    last = min(first + timedelta(days=days), date(2999, 12, 31))
    wanted = Precision.MONTH if every is Every.MONTH else Precision.QUARTER
    between = (first + timedelta(days=number) for number in range((last - first).days + 1))
    assert list(period_ends(first, last, every)) == [day for day in between if is_period_end(day, wanted)]


@given(DAYS)
def test_quarters_are_three_months_apart(first: date) -> None:
    last = min(first + timedelta(days=800), date(2999, 12, 31))
    for before, after in pairwise(period_ends(first, last, Every.QUARTER)):
        assert (after.year - before.year) * 12 + after.month - before.month == 3
