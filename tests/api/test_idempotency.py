"""Idempotency-Key: a request that is sent again does its work once and gets the first answer."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from service.access.roles import Role
from service.core import clock
from tests.api.conftest import numbers
from tests.conftest import Api
from tests.contract.document import operations
from tests.durability.audit import change_log
from tests.durability.obstacles import another_writer
from tests.factories import Body, Plan, bodies, draft_report, new_user, noted_delivery, published_report

REPORT, VALUE = "milestones/1/updates", "indicators/1/observations"
# The secret of a token is shown in the first answer only: see tests/access/test_users.py. Imports have tests of their own.
POSTS = sorted(
    each.path.removeprefix("/v1/").replace("{id}", "1")
    for each in operations()
    if each.method == "post" and each.name not in ("create_token", "preview_import", "apply_import")
)


def new_key() -> dict[str, str]:
    """Return a header with a key that nobody used."""
    return {"Idempotency-Key": f"key-{next(numbers)}"}


def new_body(plan: Plan, name: str) -> Body:
    """Return what makes something that is not there yet."""
    if name == REPORT:
        return {"status": "on_hold"}
    if name == "users":
        return new_user(next(numbers))
    if name == VALUE:
        return {"published_on": "2018-12-10", "value": 1}
    return {**bodies(plan)[name], "ref": f"new-{next(numbers)}"}


def new_place(api: Api, plan: Plan, name: str) -> tuple[str, dict[str, Any]]:
    """Return where to post, and what: something that can be done, and was not done yet."""
    where, _, deed = name.rpartition("/1/")
    if name in ("reports", "report-schedules"):
        strategy = api.made("/v1/strategies", **new_body(plan, "strategies"))["id"]
        quarter = {"quarter": "2019-20-Q1"} if name == "reports" else {}
        return name, {"json": {"strategy_id": strategy, **quarter}}
    if deed == "publish":
        row = draft_report(api, api.made("/v1/strategies", **new_body(plan, "strategies"))["id"], quarter="2019-20-Q1")
        return f"{where}/{row['id']}/{deed}", {"headers": {"If-Match": "*"}}
    if deed == "withdraw":
        row = published_report(api, plan.strategy)
        return f"{where}/{row['id']}/{deed}", {"json": {"reason": "It was wrong."}}
    if deed == "send":
        return f"{where}/{noted_delivery(api, plan.strategy, next_at=None)}/{deed}", {}
    if deed == "secret":
        return f"{where}/{api.made('/v1/webhooks', **new_body(plan, 'webhooks'))['id']}/{deed}", {"json": {}}
    return name, {"json": new_body(plan, name)}


def new_board() -> Body:
    """Return what makes a board that is not there yet."""
    return {"ref": f"new-{next(numbers)}", "name": "Board"}


def answer_of(response: Any) -> tuple[int, bytes, str | None, str]:
    """Return what must be the same each time."""
    return response.status_code, response.content, response.headers.get("location"), response.headers["etag"]


@pytest.fixture(scope="module", autouse=True)
def _indicator(shared: Api, plan: Plan) -> None:
    """An indicator to record values of."""
    shared.made("/v1/indicators", **bodies(plan)["indicators"])


@pytest.mark.parametrize("name", POSTS)
def test_the_same_request_gets_the_first_answer(shared: Api, plan: Plan, name: str) -> None:
    where, sent = new_place(shared, plan, name)
    sent["headers"] = {**sent.get("headers", {}), **new_key()}
    first = shared.call("POST", f"/v1/{where}", **sent)
    assert first.status_code in (200, 201), first.text
    before = shared.look(change_log)
    again = shared.call("POST", f"/v1/{where}", **sent)
    if name.endswith("/secret"):
        assert again.json() == {**first.json(), "secret": None}
        return
    assert answer_of(again) == answer_of(first)
    assert shared.look(change_log) == before


def test_the_first_answer_is_given_though_the_row_has_moved_on(shared: Api) -> None:
    body, key = new_board(), new_key()
    first = shared.post("/v1/boards", body, headers=key)
    shared.patch(first.headers["location"], {"name": "Changed"})
    assert answer_of(shared.post("/v1/boards", body, headers=key)) == answer_of(first)
    shared.delete(first.headers["location"])
    assert answer_of(shared.post("/v1/boards", body, headers=key)) == answer_of(first)


def test_without_a_key_work_is_done_each_time(shared: Api, plan: Plan) -> None:
    where = f"/v1/milestones/{plan.milestone}/updates"
    assert shared.made(where, status="on_hold")["id"] != shared.made(where, status="on_hold")["id"]


def test_a_key_does_not_serve_for_another_body(shared: Api) -> None:
    key = new_key()
    shared.post("/v1/boards", new_board(), headers=key)
    before = shared.look(change_log)
    refused = shared.post("/v1/boards", new_board(), headers=key)
    assert refused.status_code == 422
    assert [fault["pointer"] for fault in refused.json()["errors"]] == ["/header/Idempotency-Key"]
    assert shared.look(change_log) == before


def test_a_key_does_not_serve_for_another_address(shared: Api) -> None:
    key, body = new_key(), {"ref": f"new-{next(numbers)}", "name": "Name", "kind": "nhs"}
    assert shared.post("/v1/organisations", body, headers=key).status_code == 201
    assert shared.post("/v1/areas", body, headers=key).status_code == 422


def test_another_user_may_have_the_same_key(shared: Api) -> None:
    key = new_key()
    mine = shared.post("/v1/boards", new_board(), headers=key)
    yours = shared.post("/v1/boards", new_board(), headers=key, roles=(Role.MANAGER,))
    assert (mine.status_code, yours.status_code) == (201, 201)
    assert mine.json()["id"] != yours.json()["id"]


@pytest.mark.parametrize(
    ("refused", "status"),
    [({"ref": "not a ref", "name": "Board"}, 422), ({"ref": "board", "name": "Board"}, 409)],
    ids=["broken rule", "conflict"],
)
def test_a_refused_request_leaves_its_key_free(shared: Api, plan: Plan, refused: Body, status: int) -> None:
    del plan
    key = new_key()
    assert shared.post("/v1/boards", refused, headers=key).status_code == status
    assert shared.post("/v1/boards", new_board(), headers=key).status_code == 201


@pytest.mark.parametrize("key", ["x", "x" * 255, "!~", "7c4a8d09-ca37-4e2b-9f1d-3b6f0a5e2d11"])
def test_any_visible_text_is_a_key(shared: Api, key: str) -> None:
    assert shared.post("/v1/boards", new_board(), headers={"Idempotency-Key": key}).status_code == 201


@pytest.mark.parametrize("key", ["", "x" * 256, "a b", "a\tb"])
def test_what_is_no_key_is_refused(shared: Api, key: str) -> None:
    body = new_board()
    answer = shared.post("/v1/boards", body, headers={"Idempotency-Key": key})
    assert answer.status_code == 400
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/header/Idempotency-Key"]
    assert shared.get(f"/v1/boards?ref={body['ref']}").json()["items"] == []


@pytest.mark.parametrize(
    ("passed", "is_kept"),
    [(timedelta(hours=24) - timedelta(seconds=1), True), (timedelta(hours=24, seconds=1), False)],
    ids=["a second less than a day", "a second more"],
)
def test_an_answer_is_kept_for_a_day(
    shared: Api, monkeypatch: pytest.MonkeyPatch, passed: timedelta, is_kept: bool
) -> None:
    headers = {**new_key(), "Authorization": f"Bearer {shared.token(days=365)}"}
    body, start = new_board(), clock.now()
    monkeypatch.setattr(clock, "now", lambda: start)
    first = shared.post("/v1/boards", body, headers=headers)
    shared.delete(first.headers["location"])
    monkeypatch.setattr(clock, "now", lambda: start + passed)
    again = shared.post("/v1/boards", body, headers=headers)
    assert again.status_code == 201
    assert (answer_of(again) == answer_of(first)) is is_kept
    assert (again.json()["id"] == first.json()["id"]) is is_kept


def test_a_key_in_flight_is_a_conflict(shared: Api, shared_url: str) -> None:
    body, key = new_board(), new_key()

    async def story() -> tuple[Any, Any]:
        async with another_writer(shared_url):
            both = [asyncio.create_task(asyncio.to_thread(shared.post, "/v1/boards", body, headers=key)) for _ in "ab"]
            done, waiting = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        return await done.pop(), await waiting.pop()

    refused, accepted = asyncio.run(story())
    assert (refused.status_code, accepted.status_code) == (409, 201)
    assert "Idempotency-Key" in refused.json()["detail"]
    assert answer_of(shared.post("/v1/boards", body, headers=key)) == answer_of(accepted)


def test_requests_sent_at_once_with_one_key_do_their_work_once(shared: Api) -> None:
    body, key = new_board(), new_key()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: shared.post("/v1/boards", body, headers=key), range(16)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer_of(answer) for answer in answers if answer.status_code == 201}) == 1
    assert len(shared.get(f"/v1/boards?ref={body['ref']}").json()["items"]) == 1
