"""The only reader of the time. Instants are UTC; dates are those of Europe/London."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")


def now() -> datetime:
    """Return the present instant in UTC, to the microsecond."""
    return datetime.now(UTC)


def london_date(instant: datetime) -> date:
    """Return the date in London at an instant: 2018-06-30T23:30:00Z falls on 1 July."""
    return instant.astimezone(LONDON).date()


def today() -> date:
    """Return today's date in London."""
    return london_date(now())
