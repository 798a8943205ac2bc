"""The OpenAPI document, with the service's own errors in place of the framework's."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from service.core.problems import Problem

OPEN_PATHS = {"/livez", "/readyz"}
Examples = Mapping[str, Mapping[str, Any]]


def describe(app: FastAPI, examples: Examples) -> dict[str, Any]:
    """Return the document, made once, with an example request and answer of each operation."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            license_info=app.license_info,
            tags=app.openapi_tags,
            routes=app.routes,
        )
        _put_problems(document)
        _put_security(document)
        _put_examples(document, examples)
        document["servers"] = [{"url": "/", "description": "This service."}]
        app.openapi_schema = document
    return app.openapi_schema


def _put_problems(document: dict[str, Any]) -> None:
    """Replace the framework's own error schema by the problem document."""
    schemas = document["components"]["schemas"]
    problem = Problem.model_json_schema(mode="serialization", ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs"))
    schemas["Problem"] = problem
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)


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


def _put_examples(document: dict[str, Any], examples: Examples) -> None:
    """Put the example of each operation beside the schema that it is one of."""
    for path in document["paths"].values():
        for operation in path.values():
            example = examples.get(operation["operationId"], {})
            if "request" in example:
                for content in operation["requestBody"]["content"].values():
                    content["example"] = example["request"]
            if "response" in example:
                (success,) = (answer for status, answer in operation["responses"].items() if status.startswith("20"))
                for content in success["content"].values():
                    content["example"] = example["response"]
