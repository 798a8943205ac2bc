"""Whatever is sent, the service answers with a problem that says where it lies, and goes on working.

The operations and their fields come from the published document: each field gets every value of its kind. What its
own schema refuses must be refused; what the schema lets through must do no harm.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any
from urllib.parse import quote

import pytest

from tests.api import hostile_values as hostile
from tests.api.good_requests import base_request, fields_of, items_of, path_of, request_with, sample_value, takes_list
from tests.conftest import Api
from tests.contract.document import PROBLEM, Operation, checker, document, operations, resolved
from tests.factories import more_than_a_plan, new_user
from tests.wire import Answer, Request, send_all

WITH_INPUT = [each for each in operations() if each.says.get("parameters") or each.body]
WITH_BODY = [each for each in operations() if each.body]
WITH_CURSOR = [each for each in operations() if "cursor" in each.parameters("query")]
OPEN = {"/livez", "/readyz"}
LONGEST_NUMERAL = 20
ABOUT_INPUT = {400, 422}


def of(chosen: Iterable[Operation]) -> pytest.MarkDecorator:
    """Run a test for each of these operations."""
    return pytest.mark.parametrize("operation", [pytest.param(each, id=each.name) for each in chosen])


@dataclass(frozen=True)
class Attempt:
    """A request, and where the answer must point if it must refuse it; None where it may also take it."""

    request: Request
    pointer: str | None


@pytest.fixture(scope="module", autouse=True)
def _another_user(served: Api) -> None:
    """A user and a token beside those of who asks, to be changed and revoked, and what is not in the plan."""
    user = served.made("/v1/users", **new_user("somebody"))
    token = served.made("/v1/tokens", name="Somebody's", user_id=user["id"])
    assert (user["id"], token["id"]) == (2, 2)
    more_than_a_plan(served)


@of(each for each in WITH_INPUT if each.parameters("query"))
def test_the_query_is_checked(served: Api, operation: Operation) -> None:
    base = base_request(operation)
    attempts = []
    for name, schema in operation.parameters("query").items():
        others = [part for part in base.query.split("&") if part and not part.startswith(f"{name}=")]
        pointer = f"/query/{name}"
        for text in url_values(schema):
            must_fail = None if is_readable(schema, text) else pointer
            attempts.append(Attempt(asking(base, [*others, f"{name}={quote(text, safe='')}"]), must_fail))
        attempts += [Attempt(asking(base, [*others, f"{name}={raw}"]), "/query") for raw in hostile.ENCODINGS]
        if not takes_list(schema):
            given = f"{name}={quote(str(sample_value(schema)))}"
            attempts.append(Attempt(asking(base, [*others, given, given]), pointer))
    attempts += [Attempt(asking(base, [base.query, extra]), "/query") for extra in ("no_such=1", "=1", "%ff=1", "a")]
    assert_refused(served, attempts)


@of(each for each in WITH_INPUT if each.parameters("path"))
def test_the_path_is_checked(served: Api, operation: Operation) -> None:
    base = base_request(operation)
    attempts = []
    for name, schema in operation.parameters("path").items():
        attempts += [
            Attempt(
                replace(base, path=in_path(operation, name, quote(text, safe=""))),
                None if is_readable(schema, text) else "/path",
            )
            for text in url_values(schema)
        ]
        attempts += [
            Attempt(replace(base, path=in_path(operation, name, raw)), "/path")
            for raw in (*hostile.ENCODINGS, "..", "%2e%2e", "1%2f2", "1;a", "1%0d%0aX: y")
        ]
    assert_refused(served, attempts)


@of(WITH_BODY)
def test_every_field_of_the_body_is_checked(served: Api, operation: Operation) -> None:
    attempts = []
    assert operation.body is not None
    for place, schema in fields_of(operation.body):
        pointer = "".join(f"/{step}" for step in place)
        check = checker(schema)
        for value in (*hostile.VALUES, *hostile.TEXTS, *texts_of(schema)):
            must_fail = None if check.is_valid(value) else pointer
            attempts.append(Attempt(request_with(operation, place, json.dumps(value).encode()), must_fail))
        attempts += [Attempt(request_with(operation, place, raw), pointer) for raw in hostile.NEVER]
        doubled = json.dumps({place[-1]: 1})[1:-1].encode()
        attempts.append(Attempt(request_with(operation, place[:-1], b"{" + doubled + b"," + doubled + b"}"), pointer))
    assert_refused(served, attempts)
    assert_everything_reads(served)


@of(WITH_BODY)
def test_the_body_is_checked_as_a_whole(served: Api, operation: Operation) -> None:
    base = base_request(operation)
    attempts = [Attempt(replace(base, body=body), "") for body in hostile.BODIES]
    assert operation.body is not None
    required = resolved(operation.body).get("required", ())
    whole = json.loads(base.body)
    for name in required:
        attempts.append(Attempt(replace(base, body=json.dumps({**whole, name: None}).encode()), f"/{name}"))
        without = {key: value for key, value in whole.items() if key != name}
        attempts.append(Attempt(replace(base, body=json.dumps(without).encode()), f"/{name}"))
    assert_refused(served, attempts)


@of(WITH_BODY)
def test_a_body_of_another_type_is_refused(served: Api, operation: Operation) -> None:
    base = base_request(operation)
    requests = [replace(base, headers={**base.headers, "content-type": kind}) for kind in hostile.TYPES]
    assert {answer.status for answer in send_all(served, requests)} == {415}


@of(WITH_BODY)
def test_a_body_over_the_limit_is_refused(served: Api, operation: Operation) -> None:
    base = base_request(operation)
    big = b'{"narrative":"' + b"a" * hostile.LARGEST_BODY + b'"}'
    answers = send_all(served, [replace(base, body=big), replace(base, body=big, headers=unmeasured(base))])
    for answer in answers:
        assert answer.status == 413, answer
        assert_problem(answer)


@of(each for each in WITH_BODY if each.method == "post")
def test_an_idempotency_key_is_checked(served: Api, operation: Operation) -> None:
    base = base_request(operation)
    requests = [replace(base, headers={**base.headers, "idempotency-key": key}) for key in hostile.KEYS]
    assert_refused(served, [Attempt(request, "/header") for request in requests])


@of(each for each in WITH_INPUT if "if-match" in map(str.lower, each.parameters("header")))
def test_a_strange_if_match_changes_nothing(served: Api, operation: Operation) -> None:
    base = base_request(operation)
    requests = [replace(base, headers={**base.headers, "if-match": tag}) for tag in hostile.TAGS]
    assert_refused(served, [Attempt(request, "/header") for request in requests])


@of(each for each in WITH_INPUT if "if-none-match" in map(str.lower, each.parameters("header")))
def test_a_strange_if_none_match_does_no_harm(served: Api, operation: Operation) -> None:
    base = base_request(operation)
    requests = [replace(base, headers={"if-none-match": tag}) for tag in hostile.TAGS]
    assert_refused(served, [Attempt(request, None) for request in requests])


@of(each for each in operations() if each.path not in OPEN)
def test_strange_credentials_are_none(served: Api, operation: Operation) -> None:
    base = base_request(operation)
    requests = [replace(base, headers={**base.headers, "authorization": shown}) for shown in hostile.CREDENTIALS]
    for request, answer in zip(requests, send_all(served, requests), strict=True):
        assert answer.status == 401, request
        assert answer.headers["www-authenticate"]
        assert_problem(answer)


@of(WITH_CURSOR)
def test_a_cursor_that_the_list_did_not_give_is_refused(served: Api, operation: Operation) -> None:
    base = base_request(operation)
    kept = [part for part in base.query.split("&") if part]
    attempts = [
        Attempt(asking(base, [*kept, f"cursor={quote(text)}"]), "/query/cursor")
        for text in hostile.CURSORS
        if not (operation.name == "list_events" and text.endswith(".1"))
    ]
    assert_refused(served, attempts)


def test_a_cursor_fits_the_type_of_its_column(served: Api) -> None:
    base = Request("GET", "/v1/milestones")
    attempts = [
        Attempt(asking(base, [f"sort={sort}", f"cursor={text}"]), "/query/cursor")
        for sort, cursors in (("ref", hostile.CURSORS_OF_TEXT), ("due_on", hostile.CURSORS_OF_DAY))
        for text in cursors
    ]
    assert_refused(served, attempts)


@of(each for each in WITH_CURSOR if "sort" in each.parameters("query"))
def test_a_cursor_of_another_order_is_refused(served: Api, operation: Operation) -> None:
    base = replace(base_request(operation), query="limit=1&sort=-id")
    (first,) = send_all(served, [base])
    following = first.json()["next"]
    if following is None:
        pytest.skip("There is one row at most.")
    cursor = following.partition("cursor=")[2]
    others = ("sort=id", "sort=-id,ref", "sort=ref", "")
    assert_refused(
        served,
        [Attempt(asking(base, ["limit=1", f"cursor={cursor}", other]), "/query") for other in others],
    )


@pytest.mark.parametrize("path", sorted(document()["paths"]))
def test_a_method_that_an_address_does_not_take_is_named(served: Api, path: str) -> None:
    taken = {method.upper() for method in document()["paths"][path]}
    others = [each for each in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND") if each not in taken]
    requests = [Request(method, path.replace("{id}", "1").replace("{name}", "areas")) for method in others]
    for request, answer in zip(requests, send_all(served, requests), strict=True):
        assert answer.status == 405, request
        assert {each.strip() for each in answer.headers["allow"].split(",")} - {"HEAD"} == taken, request
        assert_problem(answer)


@pytest.mark.parametrize(
    "path", ["//", "/v1", "/v1/", "/v1/nothing", "/v1/areas/", "//v1/areas", "/%00", "/%ff", "/a" * 9999]
)
def test_an_address_with_nothing_there_is_a_problem_too(served: Api, path: str) -> None:
    (answer,) = send_all(served, [Request("GET", path)])
    assert answer.status in {400, 404}
    assert_problem(answer)


@pytest.mark.parametrize("given", [b"", b"\xff", b"a b", b"x" * 100_000, b'"}{', b"a\r\nb: c", b"\x00"])
def test_a_strange_request_id_is_replaced(served: Api, given: bytes) -> None:
    (answer,) = send_all(served, [Request("GET", "/v1/nothing", headers={"x-request-id": given})])
    assert answer.headers["x-request-id"].encode("latin-1") != given
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_afterwards_everything_reads(served: Api) -> None:
    assert_everything_reads(served)


# What is put in the place of good values.


def in_path(operation: Operation, name: str, raw: str) -> str:
    """Return the address of an operation with something in one of its places; what else is in it is good."""
    return path_of(replace(operation, path=operation.path.replace(f"{{{name}}}", raw)), "1")


def kinds_of(schema: dict[str, Any]) -> set[str]:
    """Return the types and formats that a schema takes, of its items where it takes a list."""
    found = resolved(items_of(schema) or schema)
    kinds = {str(found.get("format") or found.get("type"))}
    return kinds.union(*(kinds_of(each) for each in found.get("anyOf", ())))


def texts_of(schema: dict[str, Any]) -> tuple[str, ...]:
    """Return the wrong texts of a schema's kind."""
    of_kind = {"date": hostile.DAYS, "date-time": hostile.INSTANTS, "integer": hostile.NUMERALS}
    return tuple(text for kind in sorted(kinds_of(schema)) for text in of_kind.get(kind, ()))


def url_values(schema: dict[str, Any]) -> tuple[str, ...]:
    """Return what to put in place of a parameter."""
    return (*hostile.URL_TEXTS, *texts_of(schema))


def is_readable(schema: dict[str, Any], text: str) -> bool:
    """Tell whether a schema takes what a text in an address may be read as."""
    readings: list[Any] = [text]
    if text.isascii() and text.removeprefix("-").isdecimal() and len(text) < LONGEST_NUMERAL:
        readings.append(int(text))
    if text in ("true", "false"):
        readings.append(text == "true")
    check = checker(schema)
    return any(check.is_valid(reading) or check.is_valid([reading]) for reading in readings)


def asking(base: Request, parts: Iterable[str]) -> Request:
    """Return a request with another query."""
    return replace(base, query="&".join(part for part in parts if part))


def unmeasured(base: Request) -> dict[str, bytes]:
    """Return the headers of a request that does not say how long it is."""
    return {**base.headers, "content-length": b"", "transfer-encoding": b"chunked"}


# What must hold of the answers.


def assert_refused(served: Api, attempts: Iterable[Attempt]) -> None:
    """Send attempts; what must be refused is, with a problem that points there, and nothing is answered with a fault."""
    tried = list(attempts)
    faults = []
    for attempt, answer in zip(tried, send_all(served, [each.request for each in tried]), strict=True):
        fault = find_fault(attempt, answer)
        if fault:
            faults.append(f"{fault}: {attempt.request} -> {answer.status} {answer.body[:400]!r}")
    assert not faults, f"{len(faults)} of {len(tried)}\n" + "\n".join(faults[:12])


def find_fault(attempt: Attempt, answer: Answer) -> str | None:
    """Return what is wrong with an answer, None where nothing is."""
    if answer.status >= 500:
        return "a fault of the service"
    if answer.status < 400:
        return None if attempt.pointer is None else "taken"
    assert_problem(answer)
    pointers = [fault["pointer"] for fault in answer.json()["errors"]]
    if answer.status not in ABOUT_INPUT:
        return None
    if not pointers:
        return "no pointer"
    wanted = attempt.pointer or ""
    is_named = any(pointer.startswith(wanted) or (answer.status == 400 and pointer == "") for pointer in pointers)
    return None if is_named else f"points elsewhere than {wanted}"


@cache
def problem_checker() -> Any:
    """Return the validator of problem documents."""
    return checker({"$ref": "#/components/schemas/Problem"})


def assert_problem(answer: Answer) -> None:
    """Check that an error is a problem document in words, and repeats nothing of a long input."""
    assert answer.headers["content-type"] == PROBLEM
    problem = answer.json()
    assert [fault.message for fault in problem_checker().iter_errors(problem)] == []
    assert problem["status"] == answer.status
    assert len(answer.body) < 20_000
    assert b"match pattern" not in answer.body


def assert_everything_reads(served: Api) -> None:
    """Ask for every list, the feed and the figures."""
    lists = [each for each in operations() if each.method == "get" and "limit" in each.parameters("query")]
    requests = [asking(base_request(each), ["limit=1000"]) for each in lists]
    requests += [Request("GET", "/v1/progress", "strategy_id=1&group_by=workstream")]
    for request, answer in zip(requests, send_all(served, requests), strict=True):
        assert answer.status == 200, f"{request} {answer.body[:SHOWN]!r}"


SHOWN = 300
