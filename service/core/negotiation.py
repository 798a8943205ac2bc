"""In which form a list is answered: JSON, or a table as CSV or XLSX."""

import re
from enum import StrEnum

from pydantic import Field

from service.core.fields import Flag, Input

JSON_TYPE = "application/json"
CSV_TYPE = "text/csv"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
QUALITY = re.compile(r"[01](\.\d{0,3})?")


class Format(StrEnum):
    """The form of an answer."""

    JSON = "json"
    CSV = "csv"
    XLSX = "xlsx"


MEDIA_TYPES = {Format.JSON: JSON_TYPE, Format.CSV: CSV_TYPE, Format.XLSX: XLSX_TYPE}
# What each says of a form: the very type, any of its kind, any at all. The more exact one counts.
RANGES = {form: (name, f"{name.partition('/')[0]}/*", "*/*") for form, name in MEDIA_TYPES.items()}


class Tabular(Input):
    """The query parameters of what can be had as a table."""

    format: Format | None = Field(
        None,
        description="`csv` and `xlsx` give all rows as a file, without pages; `Accept` may say so too.",
        examples=["json"],
    )
    bom: Flag | None = Field(
        None, description="Whether a CSV file begins with a byte order mark, which older Excel needs.", examples=[False]
    )


def chosen_format(accept: str | None, asked: Format | None) -> Format:
    """Return the form to answer in: the one asked for, else the one that Accept likes best, else JSON.

    With `text/csv, */*;q=0.1` that is CSV, with `*/*` JSON.
    """
    if asked is not None:
        return asked
    accept = (accept or "").lower()
    if "csv" not in accept and "sheet" not in accept:
        return Format.JSON
    wanted = _qualities(accept)
    liking = {form: next((wanted[each] for each in RANGES[form] if each in wanted), 0.0) for form in Format}
    return max(Format, key=lambda form: liking[form])


def _qualities(accept: str) -> dict[str, float]:
    found = {}
    for entry in accept.split(","):
        name, *parameters = (part.strip() for part in entry.split(";"))
        told = [each.removeprefix("q=") for each in parameters if each.startswith("q=")]
        found[name] = float(told[0]) if told and QUALITY.fullmatch(told[0]) else 1.0
    return found
