"""What stands around every request: its id, its limits, its headers, the browser's questions, the log and health."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import httpx2 as httpx
import pytest
from fastapi.testclient import TestClient

from service.core.logs import JsonFormatter
from service.core.migrations import downgrade
from service.main import create_app
from service.settings import Settings
from tests.conftest import Api, run_once
from tests.durability.audit import change_log
from tests.factories import Body

ORIGIN, FOREIGN = "https://board.example.org", "https://elsewhere.example.org"
BOARD: Body = {"ref": "board", "name": "Board"}
# A request for each kind of refusal that is made without special means.
REFUSED: dict[int, tuple[str, str, dict[str, Any]]] = {
    400: ("POST", "/v1/boards", {"content": b"{", "headers": {"Content-Type": "application/json"}}),
    401: ("GET", "/v1/boards", {"headers": {"Authorization": ""}}),
    404: ("GET", "/v1/nothing", {}),
    405: ("PUT", "/v1/boards", {}),
    413: ("POST", "/v1/boards", {"json": {"ref": "x" * 1_000_001}}),
    415: ("POST", "/v1/boards", {"content": b"{}", "headers": {"Content-Type": "text/plain"}}),
    422: ("POST", "/v1/boards", {"json": {}}),
    428: ("PATCH", "/v1/boards/1", {"json": {}}),
}
of_every_refusal = pytest.mark.parametrize("status", sorted(REFUSED))


def sent(api: Api, status: int, **headers: str) -> httpx.Response:
    """Send what is to be refused with this status."""
    method, path, more = REFUSED[status]
    answer = api.call(method, path, **{**more, "headers": {**more.get("headers", {}), **headers}})
    assert answer.status_code == status, answer.text
    return answer


@of_every_refusal
def test_an_error_names_its_request_in_header_and_body(shared: Api, status: int) -> None:
    answer = sent(shared, status)
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert problem["instance"].endswith(problem["request_id"])
    assert problem["status"] == status


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "application/json; charset=latin-1"},
        {"Content-Type": "application/json; version=2"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
    ],
)
def test_a_body_that_would_be_misread_is_refused(shared: Api, headers: dict[str, str]) -> None:
    answer = shared.call("POST", "/v1/boards", content=b'{"ref": "latin", "name": "x"}', headers=headers)
    assert answer.status_code == 415


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", 'Application/JSON;charset="UTF-8"'])
def test_a_body_may_say_that_it_is_utf_8(shared: Api, kind: str) -> None:
    body = f'{{"ref": "utf-{len(kind)}", "name": "Ögmund"}}'.encode()
    assert shared.call("POST", "/v1/boards", content=body, headers={"Content-Type": kind}).status_code == 201


@of_every_refusal
def test_the_callers_own_request_id_is_kept(shared: Api, status: int) -> None:
    answer = sent(shared, status, **{"X-Request-Id": f"excel-{status}.a_b"})
    assert answer.headers["x-request-id"] == answer.json()["request_id"] == f"excel-{status}.a_b"


def test_every_request_has_an_id_of_its_own(shared: Api) -> None:
    ids = {shared.get("/livez").headers["x-request-id"] for _ in range(20)}
    assert len(ids) == 20


@pytest.mark.parametrize("path", ["/livez", "/v1/boards", "/v1/nothing", "/docs", "/openapi.json", "/metrics"])
def test_browsers_are_kept_honest(shared: Api, path: str) -> None:
    headers = shared.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


def break_boards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every read of one row fail in a way that nobody foresaw."""
    monkeypatch.setattr("service.access.collection.get_row", lambda *_: 1 / 0)


def test_a_fault_of_the_service_tells_its_id_and_nothing_else(shared: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    break_boards(monkeypatch)
    answer = shared.get("/v1/boards/1")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-request-id"] == answer.json()["request_id"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "ZeroDivisionError" not in answer.text
    assert "division" not in answer.text


def test_a_fault_of_the_service_stands_in_the_log_under_its_id(
    shared: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    break_boards(monkeypatch)
    answer = shared.get("/v1/boards/1")
    lines = [json.loads(JsonFormatter().format(record)) for record in caplog.records]
    (line,) = [line for line in lines if line.get("request_id") == answer.json()["request_id"]]
    assert line["level"] == "ERROR"
    assert "ZeroDivisionError" in line["exception"]


def test_a_body_over_the_limit_changes_nothing(shared: Api) -> None:
    before = shared.look(change_log)
    for body in ({**BOARD, "name": "x" * 1_000_000}, {**BOARD, "name": [[]] * 500_000}):
        assert shared.post("/v1/boards", body).status_code == 413
    assert shared.look(change_log) == before


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8", "Application/JSON"])
def test_a_body_is_sent_as_json(shared: Api, kind: str) -> None:
    headers = {"Content-Type": kind}
    answer = shared.call("POST", "/v1/boards", content=b'{"ref": "board", "name": ""}', headers=headers)
    assert answer.status_code == 422


def test_a_patch_may_be_sent_as_a_merge_patch(shared: Api) -> None:
    row = shared.made("/v1/boards", **BOARD)
    headers = {"Content-Type": "application/merge-patch+json", "If-Match": "*"}
    answer = shared.call("PATCH", f"/v1/boards/{row['id']}", content=b'{"name": "Changed"}', headers=headers)
    assert answer.json()["name"] == "Changed"
    shared.delete(f"/v1/boards/{row['id']}")


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/openapi.json", "/docs"])
def test_health_and_the_description_take_no_token(shared: Api, path: str) -> None:
    assert shared.client.get(path).status_code == 200


def test_a_service_that_can_work_is_ready(shared: Api) -> None:
    assert shared.client.get("/livez").json() == {"status": "alive"}
    assert shared.client.get("/readyz").json() == {"status": "ready"}


def test_a_service_whose_database_is_not_migrated_is_alive_and_not_ready(database_url: str) -> None:
    run_once(database_url, downgrade)
    with TestClient(create_app(Settings(database_url=database_url))) as client:
        assert client.get("/livez").status_code == 200
        answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) >= 1
    assert "tracker migrate" in answer.json()["detail"]


def test_methods_that_are_made_up_are_counted_as_one(shared: Api) -> None:
    for number in range(3):
        assert shared.call(f"MADE{number}", "/v1/boards").status_code == 405
    counted = [line for line in shared.get("/metrics").text.splitlines() if line.startswith("tracker_requests_total{")]
    assert any('method="other"' in line for line in counted)
    assert not any("MADE" in line for line in counted)


def test_requests_are_counted_by_route_and_status(shared: Api) -> None:
    def counted() -> float:
        lines = shared.get("/metrics").text.splitlines()
        wanted = 'tracker_requests_total{method="GET",route="/v1/boards/{id}",status="404"}'
        return sum(float(line.removeprefix(wanted)) for line in lines if line.startswith(wanted))

    before = counted()
    for row_id in (999_998, 999_999):
        shared.get(f"/v1/boards/{row_id}")
    assert counted() == before + 2


@pytest.fixture
def browsed(shared_url: str) -> Iterator[TestClient]:
    """A client of a service that one web origin may call from a browser."""
    app = create_app(Settings(database_url=shared_url, cors_origins=[ORIGIN], access_log=True))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def preflight(client: TestClient, origin: str, method: str = "PATCH", headers: str = "if-match") -> httpx.Response:
    """Ask what a browser asks before it sends a request."""
    asked = {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers}
    return client.options("/v1/boards/1", headers={"Origin": origin, **asked})


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
def test_a_browser_may_ask_from_the_origin_that_is_set(browsed: TestClient, method: str) -> None:
    answer = preflight(browsed, ORIGIN, method, "authorization, content-type, if-match, if-none-match, idempotency-key")
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert method in answer.headers["access-control-allow-methods"]


def test_a_browser_may_not_ask_from_another_origin(browsed: TestClient) -> None:
    answer = preflight(browsed, FOREIGN)
    assert answer.status_code == 400
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(("method", "headers"), [("PUT", "if-match"), ("PATCH", "x-other")])
def test_a_browser_may_send_no_more_than_the_service_takes(browsed: TestClient, method: str, headers: str) -> None:
    assert preflight(browsed, ORIGIN, method, headers).status_code == 400


@pytest.mark.parametrize("path", ["/livez", "/v1/boards"])
def test_a_browser_sees_answers_and_errors_from_its_origin(browsed: TestClient, path: str) -> None:
    mine, foreign = (browsed.get(path, headers={"Origin": origin}) for origin in (ORIGIN, FOREIGN))
    assert mine.headers["access-control-allow-origin"] == ORIGIN
    exposed = {name.strip().lower() for name in mine.headers["access-control-expose-headers"].split(",")}
    assert exposed == {"etag", "link", "location", "retry-after", "x-request-id"}
    assert "access-control-allow-origin" not in foreign.headers


def test_unless_set_no_browser_may_ask(shared: Api) -> None:
    assert preflight(shared.client, ORIGIN).status_code == 405
    assert "access-control-allow-origin" not in shared.get("/livez", headers={"Origin": ORIGIN}).headers


def test_a_request_is_one_line_of_json_in_the_log(browsed: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "tracker.access")
    answer = browsed.get("/v1/boards/1?q=secret", headers={"Authorization": "Bearer trk_secret"})
    (record,) = [each for each in caplog.records if each.name == "tracker.access"]
    text = JsonFormatter().format(record)
    assert "\n" not in text
    assert "secret" not in text
    line = json.loads(text)
    assert line["request_id"] == answer.headers["x-request-id"]
    assert (line["method"], line["route"], line["status"]) == ("GET", "/v1/boards/{id}", 401)
    assert line["milliseconds"] >= 0
    assert line["at"].endswith("Z")


def test_requests_are_not_logged_unless_wanted(shared: Api, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "tracker.access")
    shared.get("/v1/boards")
    assert [each for each in caplog.records if each.name == "tracker.access"] == []
