"""The published description is the code's own, and says all that a reader of it needs."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from service.cli import cli
from service.core.negotiation import CSV_TYPE, XLSX_TYPE
from service.main import create_app
from tests.contract.document import PROBLEM, PUBLISHED, Operation, checker, document, operations, resolved, walk

WITHOUT_TOKEN = {"get_livez", "get_readyz"}
SCHEMA_KEYWORDS = {
    *("$ref", "type", "format", "enum", "const", "title", "description", "default", "examples", "deprecated"),
    *("anyOf", "oneOf", "allOf", "items", "properties", "required", "additionalProperties", "discriminator"),
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "pattern"),
    *("minItems", "maxItems", "uniqueItems", "propertyNames", "readOnly", "writeOnly"),
}

HEADERS = {
    "201": {"Location", "ETag"},
    "304": {"ETag"},
    "401": {"WWW-Authenticate"},
    "503": {"Retry-After"},
}

of_every_operation = pytest.mark.parametrize("operation", [pytest.param(each, id=each.name) for each in operations()])


def test_the_published_document_is_what_the_code_says() -> None:
    printed = CliRunner().invoke(cli, ["openapi"], obj=create_app)
    assert printed.exit_code == 0, printed.output
    assert printed.output == PUBLISHED.read_text(), "Run `make openapi` and read the difference."


def test_operation_ids_are_unique() -> None:
    names = [each.name for each in operations()]
    assert len(set(names)) == len(names)


@of_every_operation
def test_an_operation_says_what_it_is_for(operation: Operation) -> None:
    for field in ("operationId", "summary", "description", "tags"):
        assert operation.says.get(field), f"{operation.name} has no {field}"


@of_every_operation
def test_parameters_say_what_they_are(operation: Operation) -> None:
    assert [each["name"] for each in operation.says.get("parameters", ()) if not each.get("description")] == []


@of_every_operation
def test_every_parameter_shows_an_example(operation: Operation) -> None:
    without = [
        each["name"]
        for each in operation.says.get("parameters", ())
        if "example" not in each and not each["schema"].get("examples")
    ]
    assert without == []


@of_every_operation
def test_pages_to_try_it_out_fill_in_only_what_must_be_given(operation: Operation) -> None:
    """They take a parameter's own example for its value: a list with each of its filters set would be empty."""
    filled_in = {each["name"] for each in operation.says.get("parameters", ()) if "example" in each}
    needed = {
        each["name"]
        for each in operation.says.get("parameters", ())
        if each["required"] and each["in"] in ("path", "query")
    }
    assert filled_in == needed


@of_every_operation
def test_bodies_and_successes_show_an_example(operation: Operation) -> None:
    contents = list(operation.says.get("requestBody", {}).get("content", {}).items())
    for status, answer in operation.says["responses"].items():
        if status.startswith("2"):
            contents += answer.get("content", {}).items()
    # A file shows itself.
    is_file = operation.name == "get_report_file"
    assert is_file or all("example" in content for kind, content in contents if kind not in (CSV_TYPE, XLSX_TYPE))


@of_every_operation
def test_no_parameter_is_said_to_take_null(operation: Operation) -> None:
    """An address has no way to write it."""
    for each in operation.says.get("parameters", ()):
        assert "anyOf" not in each["schema"], each["name"]


def test_every_field_says_what_it_is() -> None:
    silent = [
        f"{place}/{name}"
        for place, schema in schemas()
        for name, field in schema.get("properties", {}).items()
        if not resolved(field).get("description")
    ]
    assert silent == []


@of_every_operation
def test_examples_keep_to_their_schemas(operation: Operation) -> None:
    for place, schema, example in examples_of(operation):
        faults = [fault.message for fault in checker(schema).iter_errors(example)]
        assert faults == [], f"{operation.name} {place}: {example!r}"


@of_every_operation
def test_errors_are_problem_documents(operation: Operation) -> None:
    for status, answer in operation.says["responses"].items():
        if status.startswith(("4", "5")):
            assert list(answer["content"]) == [PROBLEM], f"{operation.name} {status}"
            assert answer["content"][PROBLEM]["schema"] == {"$ref": "#/components/schemas/Problem"}


@of_every_operation
def test_every_error_shows_a_problem_of_its_status(operation: Operation) -> None:
    for status, answer in operation.says["responses"].items():
        if status.startswith(("4", "5")):
            for example in answer["content"][PROBLEM]["examples"].values():
                shown = document()["components"]["examples"][example["$ref"].rpartition("/")[2]]["value"]
                assert str(shown["status"]) == status
                assert list(checker({"$ref": "#/components/schemas/Problem"}).iter_errors(shown)) == []


@of_every_operation
def test_answers_name_the_headers_that_matter(operation: Operation) -> None:
    for status, answer in operation.says["responses"].items():
        wanted = {"X-Request-Id"} | HEADERS.get(status, set())
        if status == "200" and "If-None-Match" in operation.parameters("header"):
            wanted |= {"ETag"}
        assert wanted <= answer["headers"].keys(), f"{operation.name} {status}"


@of_every_operation
def test_every_list_links_to_its_next_page(operation: Operation) -> None:
    assert ("Link" in operation.says["responses"].get("200", {}).get("headers", ())) == (
        "cursor" in operation.parameters("query")
    )


@of_every_operation
def test_changes_need_the_tag_that_was_read(operation: Operation) -> None:
    needed = {
        each["name"] for each in operation.says.get("parameters", ()) if each["in"] == "header" and each["required"]
    }
    # A token that fell into wrong hands is revoked at once, whoever changed what about it meanwhile.
    is_guarded = operation.method in ("patch", "delete") and operation.name != "revoke_token"
    is_guarded = is_guarded or operation.name == "publish_report"
    assert needed == ({"If-Match"} if is_guarded else set())


@of_every_operation
def test_whatever_is_made_can_be_made_once(operation: Operation) -> None:
    assert ("Idempotency-Key" in operation.parameters("header")) == (operation.method == "post")


@of_every_operation
def test_only_health_takes_no_token(operation: Operation) -> None:
    is_open = operation.says.get("security", document()["security"]) == []
    assert is_open == (operation.name in WITHOUT_TOKEN)
    assert ("401" in operation.says["responses"]) != is_open


@of_every_operation
def test_a_busy_database_is_foreseen(operation: Operation) -> None:
    if operation.name != "get_livez":
        assert "Retry-After" in operation.says["responses"]["503"]["headers"]


@of_every_operation
def test_the_success_of_an_operation_is_described(operation: Operation) -> None:
    successes = [status for status in operation.says["responses"] if status.startswith("2")]
    assert len(successes) == 1
    for content in operation.says["responses"][successes[0]].get("content", {}).values():
        assert content.get("schema"), f"{operation.name} does not say what it answers"


@of_every_operation
def test_only_what_can_be_asked_for_conditionally_answers_304(operation: Operation) -> None:
    takes_tag = "if-none-match" in {name.lower() for name in operation.parameters("header")}
    assert ("304" in operation.says["responses"]) == takes_tag


def test_every_schema_is_json_schema() -> None:
    Draft202012Validator.check_schema({"$defs": document()["components"]["schemas"]})
    strange = {
        f"{place}/{keyword}" for place, schema in schemas() for keyword in schema if keyword not in SCHEMA_KEYWORDS
    }
    assert strange == set()


def test_references_lead_somewhere() -> None:
    for place, node in walk(document()):
        if "$ref" in node:
            _, _, kind, name = node["$ref"].split("/")
            assert name in document()["components"][kind], place


def test_every_schema_is_used() -> None:
    text = json.dumps(document())
    unused = [name for name in document()["components"]["schemas"] if f'"#/components/schemas/{name}"' not in text]
    assert unused == []


def test_input_is_bounded() -> None:
    """Every text, list and number that is taken has a bound, and no unknown field passes."""
    unbounded = []
    for operation in operations():
        inputs = [*operation.parameters("query").items(), *operation.parameters("path").items()]
        if operation.body is not None:
            inputs.append(("body", operation.body))
        for name, schema in inputs:
            unbounded += [f"{operation.name} {name}{place}" for place in unbounded_places(schema)]
    assert unbounded == []


def unbounded_places(schema: dict[str, Any], place: str = "") -> Iterator[str]:
    """Yield the places of a schema at which a value may be as large as it likes."""
    schema = resolved(schema)
    kind = schema.get("type")
    if kind == "object":
        if schema.get("additionalProperties") is not False:
            yield place
        for name, each in schema.get("properties", {}).items():
            yield from unbounded_places(each, f"{place}/{name}")
    elif kind == "array":
        if "maxItems" not in schema:
            yield place
        yield from unbounded_places(schema["items"], f"{place}/items")
    elif (kind == "string" and not {"maxLength", "format", "enum", "const", "pattern"} & schema.keys()) or (
        kind in ("integer", "number") and not {"minimum", "maximum"} <= schema.keys()
    ):
        yield place
    for each in schema.get("anyOf", ()):
        yield from unbounded_places(each, place)


def schemas() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every schema of the document with its place."""
    for name, schema in document()["components"]["schemas"].items():
        yield from subschemas(schema, f"#/components/schemas/{name}")
    for operation in operations():
        for place, node in walk(operation.says, operation.name):
            if isinstance(node.get("schema"), dict):
                yield from subschemas(node["schema"], f"{place}/schema")


def subschemas(schema: dict[str, Any], place: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield a schema and those inside it."""
    yield place, schema
    for name, each in schema.get("properties", {}).items():
        yield from subschemas(each, f"{place}/properties/{name}")
    for keyword in ("anyOf", "oneOf", "allOf"):
        for index, each in enumerate(schema.get(keyword, ())):
            yield from subschemas(each, f"{place}/{keyword}/{index}")
    for keyword in ("items", "additionalProperties"):
        if isinstance(schema.get(keyword), dict):
            yield from subschemas(schema[keyword], f"{place}/{keyword}")


def examples_of(operation: Operation) -> Iterator[tuple[str, dict[str, Any], Any]]:
    """Yield every example of an operation's parameters, body and success, with its place and schema."""
    for parameter in operation.says.get("parameters", ()):
        shown = [each["value"] for each in parameter.get("examples", {}).values()]
        shown += [parameter["example"]] if "example" in parameter else []
        for example in shown:
            yield parameter["name"], parameter["schema"], example
        yield from examples_in(parameter["schema"], parameter["name"])
    contents = dict(operation.says.get("requestBody", {}).get("content", {}))
    for status, answer in operation.says["responses"].items():
        if status.startswith("2"):
            contents |= {f"{status} {kind}": content for kind, content in answer.get("content", {}).items()}
    for place, content in contents.items():
        shown = [each["value"] for each in content.get("examples", {}).values()]
        shown += [content["example"]] if "example" in content else []
        for example in shown:
            yield place, content["schema"], example
        yield from examples_in(content.get("schema", {}), place)


def examples_in(schema: dict[str, Any], place: str) -> Iterator[tuple[str, dict[str, Any], Any]]:
    """Yield the examples of a schema and of those inside it, references followed."""
    schema = resolved(schema)
    for example in schema.get("examples", ()):
        yield place, schema, example
    for name, each in schema.get("properties", {}).items():
        yield from examples_in(each, f"{place}/{name}")
    for each in schema.get("anyOf", ()):
        yield from examples_in(each, place)
    if isinstance(schema.get("items"), dict):
        yield from examples_in(schema["items"], f"{place}/items")
