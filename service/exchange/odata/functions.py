"""SQL that a filter needs and that the two databases say in different words."""

from datetime import date
from typing import Any

from sqlalchemy import Date, Integer, String
from sqlalchemy.sql.functions import GenericFunction

from service.core.columns import spelt

# What Unicode calls white space.
BLANKS = "\t\n\v\f\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"


@spelt(sqlite="instr({0}, {1})", postgresql="strpos({0}, {1})")
class text_index(GenericFunction[int]):  # noqa: N801 SQL functions are written small.
    """Where a text stands in another, from 1 on; 0 where it does not: `text_index(text, part)`."""

    type = Integer()
    inherit_cache = True


@spelt(sqlite="trim({0}, {1})", postgresql="btrim({0}, {1})")
class without_blanks(GenericFunction[str]):  # noqa: N801 SQL functions are written small.
    """A text without these characters at either end: `without_blanks(text, characters)`."""

    type = String()
    inherit_cache = True


@spelt(sqlite="({0})", postgresql='(({0}) COLLATE "C")')
class by_code_point(GenericFunction[str]):  # noqa: N801 SQL functions are written small.
    """A text, to be put in order by the numbers of its characters."""

    type = String()
    inherit_cache = True

    def self_group(self, against: Any = None) -> Any:  # noqa: ARG002 SQLAlchemy names it.
        """Stand alone: it has its own brackets."""
        return self


@spelt(
    sqlite="date({0} / 1000000, 'unixepoch')",
    postgresql="CAST(to_timestamp({0} / 1000000) AT TIME ZONE 'UTC' AS DATE)",
)
class day_of(GenericFunction[date]):  # noqa: N801 SQL functions are written small.
    """The day in UTC of an instant that is kept as microseconds since 1970, and is no earlier."""

    type = Date()
    inherit_cache = True


@spelt(sqlite="CAST(strftime('%Y', {0}) AS INTEGER)", postgresql="CAST(EXTRACT(YEAR FROM {0}) AS INTEGER)")
class year_of(GenericFunction[int]):  # noqa: N801 SQL functions are written small.
    """The year of a date."""

    type = Integer()
    inherit_cache = True


@spelt(sqlite="CAST(strftime('%m', {0}) AS INTEGER)", postgresql="CAST(EXTRACT(MONTH FROM {0}) AS INTEGER)")
class month_of(GenericFunction[int]):  # noqa: N801 SQL functions are written small.
    """The month of a date."""

    type = Integer()
    inherit_cache = True


@spelt(sqlite="CAST(strftime('%d', {0}) AS INTEGER)", postgresql="CAST(EXTRACT(DAY FROM {0}) AS INTEGER)")
class day_of_month(GenericFunction[int]):  # noqa: N801 SQL functions are written small.
    """The day of the month of a date."""

    type = Integer()
    inherit_cache = True
