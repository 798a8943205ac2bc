"""What the columns of a CSV file are, as CSV on the Web (W3C, 2015) has it."""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from service.exchange.cells import GUARD, SEPARATOR, Kind
from service.exchange.columns import Column, columns_of

MEDIA_TYPE = "application/csvm+json"
# What the name of a description ends in, after the name of the file.
DESCRIPTION = ".csv-metadata.json"
DATATYPES: dict[Kind, Any] = {
    Kind.INSTANT: {"base": "dateTime", "format": "yyyy-MM-ddTHH:mm:ss.SSSSSSX"},
    Kind.DATE: {"base": "date", "format": "yyyy-MM-dd"},
    Kind.FLAG: {"base": "boolean", "format": "true|false"},
    Kind.LIST: "string",
}
ABOUT_GUARDS = (
    f"A text that a spreadsheet could take for a formula, or that begins with an apostrophe, has one apostrophe "
    f"({GUARD}) in front: take it away."
)


def describe(name: str, model: type[BaseModel]) -> dict[str, Any]:
    """Return the description of the CSV file of a list."""
    return describe_columns(name, columns_of(model), model.__doc__ or "")


def describe_columns(name: str, columns: Sequence[Column], about: str) -> dict[str, Any]:
    """Return the description of a CSV file of these columns."""
    schema: dict[str, Any] = {"columns": [_column(column) for column in columns]}
    if "id" in {column.name for column in columns}:
        schema["primaryKey"] = "id"
    return {
        "@context": ["http://www.w3.org/ns/csvw", {"@language": "en"}],
        "url": f"{name}.csv",
        "dc:title": name.replace("_", " ").replace("-", " ").capitalize(),
        "dc:description": f"{about.strip()} {ABOUT_GUARDS}",
        "dialect": {"encoding": "utf-8", "lineTerminators": ["\r\n"], "header": True},
        "null": "",
        "tableSchema": schema,
    }


def _column(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "titles": column.name,
        "dc:description": column.description,
        "datatype": DATATYPES.get(column.kind, column.kind.value),
        "required": not column.is_nullable and column.kind not in (Kind.TEXT, Kind.LIST),
        **({"separator": SEPARATOR} if column.kind is Kind.LIST else {}),
    }
