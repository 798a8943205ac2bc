"""The OpenAPI document, with the service's own errors in place of the framework's."""

from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from service.core.problems import Problem

# What stands under these names is somebody's data, and no schema.
VALUES = ("example", "examples", "default", "enum", "const")
REQUEST_ID = {
    "description": "The id under which the request stands in the log: the caller's own X-Request-Id where it is plain.",
    "required": True,
    "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
    "example": "5f1c0a9be2d47788",
}
OPEN_PATHS = {"/livez", "/readyz"}
Examples = Mapping[str, Mapping[str, Any]]


def describe(app: FastAPI, examples: Examples) -> dict[str, Any]:
    """Return the document, made once, with an example request and answer of each operation."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            contact=app.contact,
            license_info=app.license_info,
            tags=app.openapi_tags,
            routes=app.routes,
        )
        _put_problems(document, examples["problems"])
        _tidy(document["components"]["schemas"])
        for operation in _operations(document):
            _tidy(operation)
            _put_parameters(operation)
            _put_request_id(operation)
            _put_examples(operation, examples.get(operation["operationId"], {}))
        document["components"]["headers"] = {"X-Request-Id": REQUEST_ID}
        _put_security(document)
        document["servers"] = [{"url": "/", "description": "This service."}]
        app.openapi_schema = document
    return app.openapi_schema


def _operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in document["paths"].values():
        yield from path.values()


def _tidy(node: Any) -> None:
    """Take away the titles made of the fields' names, which say nothing, and write whole numbers as such."""
    if isinstance(node, list):
        for each in node:
            _tidy(each)
    if isinstance(node, dict):
        _tidy_schema(node)
        for name, each in node.items():
            if name not in VALUES:
                _tidy(each)


def _tidy_schema(schema: dict[str, Any]) -> None:
    if isinstance(schema.get("title"), str):
        del schema["title"]
    for bound in ("minimum", "maximum"):
        if isinstance(schema.get(bound), float) and schema[bound].is_integer():
            schema[bound] = int(schema[bound])


def _put_parameters(operation: dict[str, Any]) -> None:
    """Say of each parameter what it takes: never null, for an address has no way to write it.

    What must be given has its example beside it, where interactive pages take it from to fill in their forms; what
    need not has it in its schema, for a form that came with every filter filled in would find nothing.
    """
    for parameter in operation.get("parameters", ()):
        schema = parameter["schema"]
        kinds = [kind for kind in schema.pop("anyOf", ()) if kind != {"type": "null"}]
        parameter["schema"] = schema = {**schema, **(kinds[0] if kinds else {})}
        schema.pop("description", None)
        if parameter["required"] and parameter["in"] != "header":
            (parameter["example"],) = schema.pop("examples")


def _put_request_id(operation: dict[str, Any]) -> None:
    for answer in operation["responses"].values():
        answer.setdefault("headers", {})
        answer["headers"] = {**answer["headers"], "X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}}


def _put_problems(document: dict[str, Any], problems: Mapping[str, Any]) -> None:
    """Replace the framework's own error schema by the problem document, and show one for each status."""
    schemas = document["components"]["schemas"]
    problem = Problem.model_json_schema(mode="serialization", ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs"))
    schemas["Problem"] = problem
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    document["components"]["examples"] = {
        status: {"summary": shown["title"], "value": shown} for status, shown in problems.items()
    }


def _put_security(document: dict[str, Any]) -> None:
    """Say that everything but health takes a token."""
    document["components"]["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "description": "A token, `trk_…`."},
        "basic": {"type": "http", "scheme": "basic", "description": "Any user name, and the token as password."},
    }
    document["security"] = [{"token": []}, {"basic": []}]
    for path in OPEN_PATHS & document["paths"].keys():
        for operation in document["paths"][path].values():
            operation["security"] = []


def _put_examples(operation: dict[str, Any], example: Mapping[str, Any]) -> None:
    """Put the example of an operation beside the schemas that it is one of."""
    if "request" in example:
        for content in operation["requestBody"]["content"].values():
            content["example"] = example["request"]
    if "response" in example:
        (success,) = (answer for status, answer in operation["responses"].items() if status.startswith("20"))
        for kind, content in success["content"].items():
            # A file has an example of its own, if any.
            if kind.endswith("json"):
                content["example"] = example["response"]
