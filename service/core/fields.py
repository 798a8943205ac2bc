"""Field types of every input: bounded, strict, and safe to keep, list and print."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Annotated

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    Strict,
    StringConstraints,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

from service.core.calendar import FIRST_YEAR, LAST_YEAR, YEAR

LARGEST_ID = 2**53 - 1
LARGEST_NUMBER = 1e15
DATE_PATTERN = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
INSTANT_PATTERN = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)
AMOUNT_PATTERN = re.compile(r"\d{1,12}(\.\d{1,2})?", re.ASCII)
NUMERAL_PATTERN = re.compile(r"-?\d{1,16}", re.ASCII)
# Longer fractions of a second than microseconds are cut: an instant between two stamps sees the earlier one.
BEYOND_MICROSECONDS = re.compile(r"(\.\d{6})\d+")


def parse_date(value: object) -> date:
    """Return a date given as YYYY-MM-DD, from 1900 to 2999."""
    if type(value) is date:
        return value
    if isinstance(value, str) and DATE_PATTERN.fullmatch(value):
        return _parse_day(value)
    raise PydanticCustomError("date", "Write the date as YYYY-MM-DD.")


@lru_cache(4096)
def _parse_day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise PydanticCustomError("date", "There is no such day in the calendar.") from None
    if FIRST_YEAR <= day.year <= LAST_YEAR:
        return day
    raise PydanticCustomError("date", "Dates run from 1900-01-01 to 2999-12-31.")


def parse_instant(value: object) -> datetime:
    """Return an instant given as RFC 3339 with an offset, in UTC."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC)
    if isinstance(value, str) and INSTANT_PATTERN.fullmatch(value):
        try:
            instant = datetime.fromisoformat(BEYOND_MICROSECONDS.sub(r"\1", value.upper())).astimezone(UTC)
        except (ValueError, OverflowError):
            raise PydanticCustomError("instant", "There is no such instant.") from None
        if FIRST_YEAR <= instant.year <= LAST_YEAR:
            return instant
        raise PydanticCustomError("instant", "Instants run from 1900 to 2999.")
    raise PydanticCustomError("instant", "Write the instant as RFC 3339 in UTC, e.g. 2018-12-10T09:30:00Z.")


def parse_numeral(value: object) -> object:
    """Return the whole number that a part of a URL spells, e.g. 17; anything else is refused."""
    if isinstance(value, str):
        if not NUMERAL_PATTERN.fullmatch(value):
            raise PydanticCustomError("int_parsing", "Write a whole number.")
        return int(value)
    return value


def parse_flag(value: object) -> object:
    """Return the truth that a part of a URL spells: true or false."""
    if isinstance(value, str):
        if value not in ("true", "false"):
            raise PydanticCustomError("bool_parsing", "Write true or false.")
        return value == "true"
    return value


def parse_amount(value: object) -> Decimal:
    """Return an exact decimal, given as a JSON string or number."""
    if isinstance(value, Decimal):
        return value
    if isinstance(value, str) and AMOUNT_PATTERN.fullmatch(value):
        return Decimal(value)
    if isinstance(value, float | int) and not isinstance(value, bool):
        return Decimal(repr(value))
    raise PydanticCustomError("decimal", "Write an amount such as 882373.00.")


class InYears:
    """Say in the schema of a date or an instant which years there are."""

    def __get_pydantic_json_schema__(self, kind: CoreSchema, describe: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Return the schema with the years in it."""
        return {**describe(kind), "pattern": f"^{YEAR}-"}


Day = Annotated[date, BeforeValidator(parse_date), InYears()]
Instant = Annotated[datetime, BeforeValidator(parse_instant), InYears()]
# The blanks stand written out: each engine of patterns has its own idea of what `\s` means. No database keeps a NUL.
BLANKS = r"\t\n\v\f\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
LIKE_REF = r"^[A-Za-z0-9][A-Za-z0-9-]*$"
LIKE_TEXT = r"^[^\u0000]*$"
LIKE_TITLE = rf"^[^\u0000]*[^{BLANKS}\u0000][^\u0000]*$"
LIKE_URL = rf"^https?://[^{BLANKS}\u0000]+$"
LIKE_LINE = r"^[A-Za-z ]{1,40}![1-9][0-9]{0,6}$"
LIKE_SHA256 = "^[0-9a-f]{64}$"
LIKE_NAME = r"^[a-z_-]{1,40}$"
LIKE_LIST = (
    "^/v1/(organisations|owners|boards|areas|strategies|priorities|workstreams|milestones|decisions|funding-awards"
    "|indicators|updates|observations|reports|events|progress|progress/trend|progress/changes|milestones/[0-9]{1,16}/updates"
    "|indicators/[0-9]{1,16}/observations|(priorities|workstreams)/[0-9]{1,16}/progress)([?][!-~]{0,1900})?$"
)
LIKE_QUARTER = f"^{YEAR}-[0-9]{{2}}-Q[1-4]$"
LIKE_EMAIL = rf"^[^@{BLANKS}\u0000]+@[^@{BLANKS}\u0000]+$"
LIKE_EVENT = (
    "^((strategy|priority|workstream|milestone|decision|funding_award|indicator|report)[.](created|updated|deleted)"
    "|(update|observation)[.]created|report[.](published|withdrawn))$"
)
# What a text that is not like that is told.
PATTERNS_IN_WORDS = {
    LIKE_REF: "Write letters, digits and hyphens, a letter or digit first.",
    LIKE_TEXT: "The text holds a NUL character: take it out.",
    LIKE_TITLE: "Write more than blanks, and no NUL character.",
    LIKE_URL: "Write an address that begins with https:// or http://, without blanks.",
    LIKE_LIST: "Write the address of a list as it stands in the API, such as /v1/milestones?overdue=true.",
    LIKE_LINE: "Write the sheet, an exclamation mark and the line, such as Milestones!7.",
    LIKE_SHA256: "Write a SHA-256: 64 of the digits 0 to 9 and letters a to f.",
    LIKE_QUARTER: "Write a quarter of the financial year, such as 2018-19-Q3, from 1900 to 2999.",
    LIKE_EVENT: "Write an event such as milestone.updated, update.created or report.published.",
    LIKE_NAME: "Write a name in small letters, such as milestones.",
    LIKE_EMAIL: "Write an e-mail address, with one @ and no blanks.",
}
Ref = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=LIKE_REF)]
Title = Annotated[str, StringConstraints(min_length=1, max_length=300, pattern=LIKE_TITLE)]
Prose = Annotated[str, StringConstraints(max_length=10_000, pattern=LIKE_TEXT)]
Reason = Annotated[str, StringConstraints(min_length=1, max_length=1000, pattern=LIKE_TITLE)]
Id = Annotated[int, Strict(), Field(ge=1, le=LARGEST_ID)]
IdInUrl = Annotated[int, Field(ge=1, le=LARGEST_ID), BeforeValidator(parse_numeral)]
NumberInUrl = Annotated[int, Field(ge=0, le=LARGEST_ID), BeforeValidator(parse_numeral)]
Flag = Annotated[bool, BeforeValidator(parse_flag)]
Url = Annotated[str, StringConstraints(max_length=2000, pattern=LIKE_URL)]
Email = Annotated[str, StringConstraints(max_length=254, pattern=LIKE_EMAIL)]
AMOUNT_TEXT = {"type": "string", "maxLength": 15, "pattern": r"^\d{1,12}(\.\d{1,2})?$"}
Amount = Annotated[
    Decimal,
    BeforeValidator(parse_amount),
    Field(ge=0, le=Decimal("999999999999.99"), decimal_places=2, max_digits=14, allow_inf_nan=False),
    WithJsonSchema(
        {"anyOf": [AMOUNT_TEXT, {"type": "number", "minimum": 0, "maximum": 999_999_999_999.99}]}, mode="validation"
    ),
    # It is always given as a text, which no reader rounds.
    WithJsonSchema(AMOUNT_TEXT, mode="serialization"),
]
Number = Annotated[float, Strict(), Field(ge=-LARGEST_NUMBER, le=LARGEST_NUMBER, allow_inf_nan=False)]


class Input(BaseModel):
    """A request body: nothing that is not declared."""

    model_config = ConfigDict(extra="forbid")
