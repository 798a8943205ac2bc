"""Months, quarters and years of the plan. Quarters are those of the UK financial year (April to March)."""

import re
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum


class Precision(StrEnum):
    """How exactly a date is known; the date itself is the last day of the period."""

    DAY = "day"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


class Every(StrEnum):
    """The step of a trend."""

    MONTH = "month"
    QUARTER = "quarter"


QUARTER_END_MONTHS = (3, 6, 9, 12)


def month_end(year: int, month: int) -> date:
    """Return the last day of a month."""
    return date(year, month, monthrange(year, month)[1])


def is_period_end(day: date, precision: Precision) -> bool:
    """Tell whether a day is the last of a period of this precision.

    A year may be the financial year (31 March) or the calendar year (31 December).
    28 February 2019 ends a month, and neither a quarter nor a year.
    """
    if precision is Precision.DAY:
        return True
    if day != month_end(day.year, day.month):
        return False
    months: tuple[int, ...] = tuple(range(1, 13))
    if precision is Precision.QUARTER:
        months = QUARTER_END_MONTHS
    elif precision is Precision.YEAR:
        months = (3, 12)
    return day.month in months


def period_ends(first: date, last: date, every: Every) -> Iterator[date]:
    """Yield the last day of each month or quarter that ends in first–last, both included, oldest first."""
    months = QUARTER_END_MONTHS if every is Every.QUARTER else range(1, 13)
    for year in range(first.year, last.year + 1):
        for month in months:
            day = month_end(year, month)
            if first <= day <= last:
                yield day


# The years of the plan, and what they look like.
FIRST_YEAR, LAST_YEAR = 1900, 2999
YEAR = "(19|2[0-9])[0-9]{2}"
QUARTER_NAME = re.compile(rf"(?P<year>{YEAR})-(?P<following>[0-9]{{2}})-Q(?P<number>[1-4])")


@dataclass(frozen=True, order=True)
class Quarter:
    """A quarter of a UK financial year: `Quarter(2018, 3)` is 1 October to 31 December 2018, named 2018-19-Q3."""

    year: int
    """The year in which the financial year begins."""
    number: int

    @property
    def name(self) -> str:
        """What the quarter is called, e.g. 2018-19-Q3."""
        return f"{self.year:04}-{(self.year + 1) % 100:02}-Q{self.number}"

    @property
    def first_day(self) -> date:
        """The first day: 1 October 2018 of 2018-19-Q3."""
        return date(self.year + self.number // 4, (self.number * 3) % 12 + 1, 1)

    @property
    def last_day(self) -> date:
        """The last day: 31 December 2018 of 2018-19-Q3."""
        return self.next.first_day - timedelta(days=1)

    @property
    def next(self) -> "Quarter":
        """The quarter after it."""
        return Quarter(self.year, self.number + 1) if self.number < 4 else Quarter(self.year + 1, 1)  # noqa: PLR2004 A year has four.


def quarter_of(day: date) -> Quarter:
    """Return the quarter that a day is in: 31 March 2019 is in 2018-19-Q4."""
    number = (day.month - 4) % 12 // 3 + 1
    return Quarter(day.year - (day.month < 4), number)  # noqa: PLR2004 The year begins in April.


def parse_quarter(name: str) -> Quarter:
    """Return the quarter of a name such as 2018-19-Q3.

    Raises:
        ValueError: it is none.
    """
    found = QUARTER_NAME.fullmatch(name)
    if not found or (int(found["year"]) + 1) % 100 != int(found["following"]):
        raise ValueError(name)
    return Quarter(int(found["year"]), int(found["number"]))
