"""The published description of the API, as the tests of the contract read it."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

PUBLISHED = Path(__file__).parents[2] / "openapi" / "openapi.json"
METHODS = ("get", "post", "patch", "delete", "put", "head", "options", "trace")
PROBLEM = "application/problem+json"
DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
INSTANT = re.compile(r"(\d{4}-\d{2}-\d{2})T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?(Z|[+-]\d{2}:\d{2})", re.ASCII)
formats = FormatChecker(formats=())


@formats.checks("date")
def is_day(value: object) -> bool:
    """Tell whether a text is a day of the calendar; the library's own check takes shorter forms too."""
    if not isinstance(value, str):
        return True
    try:
        return bool(DAY.fullmatch(value) and date.fromisoformat(value))
    except ValueError:
        return False


@formats.checks("date-time")
def is_instant(value: object) -> bool:
    """Tell whether a text is an instant with an offset."""
    if not isinstance(value, str):
        return True
    found = INSTANT.fullmatch(value)
    return bool(found) and is_day(found[1] if found else None)


@dataclass(frozen=True, eq=False)
class Operation:
    """One method at one address."""

    method: str
    path: str
    says: dict[str, Any]

    @property
    def name(self) -> str:
        """The operationId."""
        return str(self.says["operationId"])

    def parameters(self, place: str) -> dict[str, dict[str, Any]]:
        """Return the schemas of the parameters in the query, the path or the header, by name."""
        return {
            parameter["name"]: parameter["schema"]
            for parameter in self.says.get("parameters", ())
            if parameter["in"] == place
        }

    @property
    def body(self) -> dict[str, Any] | None:
        """The schema of the JSON body, None where there is none."""
        content = self.says.get("requestBody", {}).get("content", {})
        return next((each["schema"] for kind, each in content.items() if kind.endswith("json")), None)

    def answer_schema(self, status: int, media_type: str = "application/json") -> dict[str, Any]:
        """Return the schema of an answer."""
        schema: dict[str, Any] = self.says["responses"][str(status)]["content"][media_type]["schema"]
        return schema


@cache
def document() -> dict[str, Any]:
    """Return the published document."""
    read: dict[str, Any] = json.loads(PUBLISHED.read_bytes())
    return read


@cache
def operations() -> tuple[Operation, ...]:
    """Return every operation."""
    return tuple(
        Operation(method, path, item[method])
        for path, item in document()["paths"].items()
        for method in METHODS
        if method in item
    )


def operation(name: str) -> Operation:
    """Return the operation with this operationId."""
    return next(each for each in operations() if each.name == name)


def checker(schema: dict[str, Any]) -> Draft202012Validator:
    """Return a validator of a schema of the document, whose references point into the document."""
    return Draft202012Validator({**schema, "components": document()["components"]}, format_checker=formats)


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema with its own reference followed, what stands beside the reference included."""
    found = schema
    while "$ref" in found:
        beside = {key: value for key, value in found.items() if key != "$ref"}
        found = {**document()["components"]["schemas"][found["$ref"].rpartition("/")[2]], **beside}
    return found


def walk(node: Any, place: str = "#") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every object of the document with its place."""
    if isinstance(node, dict):
        yield place, node
        for key, value in node.items():
            yield from walk(value, f"{place}/{key}")
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from walk(value, f"{place}/{index}")
