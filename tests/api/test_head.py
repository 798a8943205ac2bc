"""HEAD: the head of what GET would answer, and nothing after it."""

import pytest

from tests.conftest import Api
from tests.factories import Plan
from tests.wire import Request, send_all

DIFFERING = {"x-request-id"}


@pytest.mark.parametrize(
    "path", ["/livez", "/readyz", "/openapi.json", "/v1/milestones", "/v1/milestones/1", "/v1/milestones/0", "/none"]
)
def test_head_answers_as_get_does_without_the_body(shared: Api, plan: Plan, path: str) -> None:
    del plan
    head, whole = send_all(shared, [Request("HEAD", path), Request("GET", path)])
    assert head.status == whole.status
    assert head.body == b""
    assert whole.body != b""
    kept = [{name: value for name, value in each.headers.items() if name not in DIFFERING} for each in (head, whole)]
    assert kept[0] == kept[1]


def test_head_takes_a_token_like_get(shared: Api) -> None:
    (answer,) = send_all(shared, [Request("HEAD", "/v1/boards", headers={"authorization": b""})])
    assert answer.status == 401
