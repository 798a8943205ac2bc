"""Figures, dates and texts of a report in words. Pure."""

from collections.abc import Iterator
from datetime import date, datetime

from service.core.calendar import Quarter
from service.reporting.blocks import Block, Paragraph, Table
from service.reporting.rules import MONTHS, Content, in_words

# More rows than these no board reads: they are in the workbook.
MOST_ROWS = 40
NOTHING = "None"


def quarter_words(quarter: Quarter) -> str:
    """Return a quarter as people say it: `October to December 2018`."""
    return f"{MONTHS[quarter.first_day.month - 1]} to {MONTHS[quarter.last_day.month - 1]} {quarter.last_day.year}"


def instant_words(instant: datetime) -> str:
    """Return an instant to the microsecond, in UTC."""
    return f"{instant:%H:%M:%S.%f} UTC on {in_words(instant.date())}"


def percent(value: float | None) -> str:
    """Return a percentage as it is shown: `16.7%`; None where there is none."""
    return NOTHING if value is None else f"{value:.1f}%"


def measure(value: float | None, unit: str) -> str:
    """Return a value in its unit: `3.8%`, `64%`, `12 days`; a percentage of a table with decimals keeps one."""
    if value is None:
        return NOTHING
    return f"{value:.1f}%" if unit == "percent" else f"{value:g} {unit}"


def due(row: Content) -> str:
    """Return when a milestone is due, as exactly as that is known."""
    return "No date" if row["due_on"] is None else in_words(row["due_on"], row["due_precision"])


def period(first: date | None, last: date | None) -> str:
    """Return a period: `1 April 2018 to 31 March 2019`."""
    if first is None and last is None:
        return "Not stated"
    start = "" if first is None else in_words(first)
    end = "" if last is None else in_words(last)
    return f"{start} to {end}".strip()


def some(count: int, one: str, many: str) -> str:
    """Return a number of things: `1 milestone`, `2 milestones`."""
    return f"{count} {one if count == 1 else many}"


def small_first(text: str) -> str:
    """Return a text that goes on within a sentence."""
    return text[:1].lower() + text[1:]


def texts(text: str) -> Iterator[Block]:
    """Yield the paragraphs of what somebody wrote; an empty line begins one."""
    for part in text.replace("\r\n", "\n").split("\n\n"):
        if part.strip():
            yield Paragraph(" ".join(part.split()))


def cut(table: Table) -> Table:
    """Return a table with no more rows than a board reads."""
    return Table(table.caption, table.head, table.rows[:MOST_ROWS], table.numbers)


def rest(count: int, shown: int = MOST_ROWS) -> Iterator[Block]:
    """Say how many rows a table had beyond those."""
    if count > shown:
        yield Paragraph(f"{count - shown} more are in the workbook of this report.", is_numbered=False)
