"""A well-formed request of every operation, made from the examples of the published document."""

import json
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from functools import cache
from itertools import count
from typing import Any
from urllib.parse import quote

from tests.contract.document import Operation, resolved
from tests.wire import Request

JSON_TYPE = {"content-type": b"application/json"}
numbers = count(1)


@cache
def base_request(operation: Operation) -> Request:
    """Return a request of an operation that is well formed, and changes nothing where it is a DELETE."""
    asked = [
        f"{each['name']}={quote(str(sample_value(each['schema'])))}"
        for each in operation.says.get("parameters", ())
        if each["in"] == "query" and each["required"]
    ]
    headers: dict[str, bytes] = {}
    if operation.method != "delete" and "If-Match" in operation.parameters("header"):
        headers["if-match"] = b"*"
    if operation.method == "delete":
        headers["if-match"] = b'"of another version"'
    body = b""
    if operation.body is not None:
        headers |= JSON_TYPE
        body = json.dumps(base_body(operation)).encode()
    elif "requestBody" in operation.says:
        headers["content-type"], body = form(file=("a.csv", b"a,b"), strategy_id="1")
    path = path_of(operation, str(sample_id(operation)))
    return Request(operation.method.upper(), path, "&".join(asked), headers, body)


def form(*, boundary: str = "edge", **parts: str | tuple[str, bytes]) -> tuple[bytes, bytes]:
    """Return the content type and the body of a form; a file is its name and its content."""
    body = b""
    for name, value in parts.items():
        file, content = ("", value.encode()) if isinstance(value, str) else (f'; filename="{value[0]}"', value[1])
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'
        body += head.encode() + content + b"\r\n"
    return f"multipart/form-data; boundary={boundary}".encode(), body + f"--{boundary}--\r\n".encode()


def path_of(operation: Operation, number: str) -> str:
    """Return the address of an operation on the row of a number; what else is in it is as the document's example."""
    path = operation.path.replace("{id}", number)
    for each in operation.says.get("parameters", ()):
        if each["in"] == "path" and each["name"] != "id":
            path = path.replace(f"{{{each['name']}}}", str(each["example"]))
    return path


def sample_id(operation: Operation) -> int:
    """Return the row to ask an operation about: of users and tokens the second, the first being whoever asks."""
    return 2 if {"users", "tokens"} & set(operation.says["tags"]) else 1


def base_body(operation: Operation) -> dict[str, Any]:
    """Return a body with what is needed, all of it from the examples of the document."""
    schema = resolved(operation.body or {})
    return {name: sample_value(schema["properties"][name]) for name in schema.get("required", ())}


def sample_value(schema: dict[str, Any]) -> Any:
    """Return a value of a schema: its example, or a plain one."""
    schema = resolved(schema)
    if "examples" in schema:
        return deepcopy(schema["examples"][0])
    if "anyOf" in schema:
        return sample_value(schema["anyOf"][0])
    if "enum" in schema:
        return schema["enum"][0]
    plain: dict[str, Any] = {"date": "2018-12-10", "date-time": "2018-12-10T00:00:00Z", "integer": 1, "boolean": "true"}
    return plain.get(schema.get("format", ""), plain.get(schema.get("type", ""), "a"))


def request_with(operation: Operation, place: tuple[str | int, ...], raw: bytes) -> Request:
    """Return a request in whose body a field, wherever it lies, holds these bytes."""
    base = base_request(operation)
    if not place:
        return replace(base, body=raw)
    body = json.loads(base.body)
    assert operation.body is not None
    if "ref" in resolved(operation.body).get("required", ()):
        body["ref"] = f"hostile-{next(numbers)}"
    held: Any = body
    schema = operation.body
    for step, following in zip(place, (*place[1:], None), strict=True):
        if following is None:
            held[step] = "@@here@@"
        elif following == 0:
            held[step] = [deepcopy(sample_item(schema, str(step)))]
            held = held[step]
        else:
            held = held[step]
    return replace(base, body=json.dumps(body).encode().replace(b'"@@here@@"', raw))


def sample_item(body: dict[str, Any], name: str) -> Any:
    """Return a good item of a list field."""
    items = resolved(items_of(resolved(body)["properties"][name]) or {})
    if items.get("type") == "object":
        return {key: sample_value(each) for key, each in items["properties"].items()}
    return sample_value(items)


def items_of(schema: dict[str, Any]) -> dict[str, Any] | None:
    """Return the schema of a list's items, None for what is no list."""
    found = resolved(schema)
    for each in (found, *map(resolved, found.get("anyOf", ()))):
        if "items" in each:
            items: dict[str, Any] = each["items"]
            return items
    return None


def takes_list(schema: dict[str, Any]) -> bool:
    """Tell whether a parameter may be given several times."""
    return items_of(schema) is not None


def fields_of(body: dict[str, Any]) -> Iterator[tuple[tuple[str | int, ...], dict[str, Any]]]:
    """Yield every field of a body with its place, those of the items of lists included."""
    for name, schema in resolved(body)["properties"].items():
        yield (name,), schema
        items = items_of(schema)
        if items is not None:
            yield (name, 0), items
            for inner, each in resolved(items).get("properties", {}).items():
                yield (name, 0, inner), each
