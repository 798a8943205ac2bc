"""Days and quarters begin and end in London, to the microsecond, whatever the clocks do there."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

import pytest

from service.automation.due import last_ended
from service.core.calendar import parse_quarter, quarter_of
from service.core.clock import london_date

TICK = timedelta(microseconds=1)
YEARS = range(2024, 2042)
# The quarters by the month that they begin in, and how far their year lies back.
QUARTERS = {4: ("Q1", 0), 7: ("Q2", 0), 10: ("Q3", 0), 1: ("Q4", -1)}


def last_sunday(year: int, month: int) -> date:
    """Return the last Sunday of a month of 31 days."""
    last = date(year, month, 31)
    return last - timedelta(days=(last.weekday() + 1) % 7)


def midnight(day: date) -> datetime:
    """Return the instant at which a day begins in London, by the rule of the law and by no table of time zones.

    Summer time begins and ends at one o'clock of UTC on the last Sundays of March and October: those two days begin
    in the time that holds before.
    """
    is_summer = last_sunday(day.year, 3) < day <= last_sunday(day.year, 10)
    return datetime.combine(day, time(), UTC) - timedelta(hours=is_summer)


def days() -> Iterator[date]:
    """Yield every day of the years."""
    day = date(YEARS[0], 1, 1)
    while day.year in YEARS:
        yield day
        day += timedelta(days=1)


def test_a_day_begins_at_its_midnight_in_london() -> None:
    for day in days():
        begins = midnight(day)
        found = [london_date(begins + offset) for offset in (-TICK, timedelta(), TICK)]
        assert found == [day - timedelta(days=1), day, day], day


@pytest.mark.parametrize("year", [2024, 2030, 2041])
def test_the_clocks_go_forward_on_the_last_day_of_a_quarter(year: int) -> None:
    assert last_sunday(year, 3) == date(year, 3, 31)
    assert midnight(date(year, 4, 1)) - midnight(date(year, 3, 31)) == timedelta(hours=23)


@pytest.mark.parametrize("year", YEARS)
@pytest.mark.parametrize("month", QUARTERS)
def test_a_quarter_begins_with_its_first_day(year: int, month: int) -> None:
    first = date(year, month, 1)
    number, back = QUARTERS[month]
    name = f"{year + back}-{(year + back + 1) % 100:02}-{number}"
    begins = midnight(first)
    before, at, after = (quarter_of(london_date(begins + offset)) for offset in (-TICK, timedelta(), TICK))
    assert at == after == parse_quarter(name)
    assert at.name == name
    assert at.first_day == first
    assert before.last_day == first - timedelta(days=1)
    # What ended last is what a draft is due of.
    assert last_ended(london_date(begins)) == before
    assert last_ended(london_date(begins - TICK)) != before


@pytest.mark.parametrize(
    "name",
    [
        "2018-20-Q1",
        "2018-18-Q1",
        "2018-19-Q0",
        "2018-19-Q5",
        "2018-19-q1",
        "18-19-Q1",
        "0000-01-Q1",
        "1899-00-Q1",
        "3000-01-Q1",
        " 2018-19-Q1",
        "2018-19-Q1\n",
        "",
        "٢018-19-Q1",
    ],
)
def test_what_is_no_quarter_is_none(name: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        parse_quarter(name)


def test_the_last_year_of_a_century_is_followed_by_00() -> None:
    assert parse_quarter("2099-00-Q4").last_day == date(2100, 3, 31)
