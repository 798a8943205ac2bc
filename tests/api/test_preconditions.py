"""Tags: an answer that the caller has is not sent again, and a change to what the caller did not see is refused."""

import re
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from service.core import clock
from tests.api.conftest import numbers
from tests.conftest import Api
from tests.contract.document import operations
from tests.factories import (
    Body,
    Plan,
    bodies,
    draft_report,
    new_user,
    noted_delivery,
    published_report,
    report,
    send_csv,
)

STRATEGY = "strategy_id={plan.strategy}"
PROGRESS = {
    "get_progress": f"/v1/progress?{STRATEGY}&as_at=2018-12-31",
    "get_progress_trend": f"/v1/progress/trend?{STRATEGY}&from=2018-04-01&to=2019-03-31",
    "get_progress_changes": f"/v1/progress/changes?{STRATEGY}&from=2018-04-01&to=2019-03-31",
    "get_priority_progress": "/v1/priorities/{plan.priority}/progress?as_at=2018-12-31",
    "get_workstream_progress": "/v1/workstreams/{plan.workstream}/progress?as_at=2018-12-31",
}
ROWS = {
    "get_organisation": "/v1/organisations/{plan.organisation}",
    "get_owner": "/v1/owners/{plan.owner}",
    "get_board": "/v1/boards/{plan.board}",
    "get_area": "/v1/areas/{plan.area}",
    "get_strategy": "/v1/strategies/{plan.strategy}",
    "get_priority": "/v1/priorities/{plan.priority}",
    "get_workstream": "/v1/workstreams/{plan.workstream}",
    "get_milestone": "/v1/milestones/{plan.milestone}",
    "get_decision": "/v1/decisions/{made[decisions]}",
    "get_funding_award": "/v1/funding-awards/{made[funding-awards]}",
    "get_indicator": "/v1/indicators/{made[indicators]}",
    "get_update": "/v1/updates/{made[updates]}",
    "get_observation": "/v1/observations/{made[observations]}",
    "get_user": "/v1/users/{made[users]}",
    "get_token": "/v1/tokens/{made[tokens]}",
    "get_import": "/v1/imports/{made[imports]}",
    "get_report": "/v1/reports/{made[reports]}",
    "get_report_schedule": "/v1/report-schedules/{made[report-schedules]}",
    "get_webhook": "/v1/webhooks/{made[webhooks]}",
    "get_delivery": "/v1/deliveries/{made[deliveries]}",
}
# What has a tag and is neither: a file, which tells the same whoever asks, and what is known now of a report.
OF_REPORTS = {
    "get_report_file": "/v1/reports/{made[published]}/files/report.json",
    "get_report_restatement": "/v1/reports/{made[published]}/restatement",
}
TAGGED = {**ROWS, **PROGRESS, **OF_REPORTS}
# A token is revoked whatever its version: see service/access/api.py.
UNTOUCHABLE = {"get_update", "get_observation", "get_token", "get_import", "get_delivery"}
NEVER_DELETED = {"get_user"}
of_everything_tagged = pytest.mark.parametrize("name", sorted(TAGGED))
of_every_change = pytest.mark.parametrize(
    ("method", "name"),
    [
        (method, name)
        for name in sorted(set(ROWS) - UNTOUCHABLE)
        for method in ("PATCH", "DELETE")
        if method == "PATCH" or name not in NEVER_DELETED
    ],
)
Address = Callable[[str], str]


@pytest.fixture
def address(shared: Api, plan: Plan) -> Address:
    """Where what an operation reads is found, in the plan of this file."""

    def new(name: str) -> Body:
        return shared.made(f"/v1/{name}", **{**bodies(plan)[name], "ref": f"new-{next(numbers)}"})

    def strategy() -> int:
        """Return a strategy without a report."""
        return int(new("strategies")["id"])

    def observation() -> Body:
        where = f"/v1/indicators/{new('indicators')['id']}/observations"
        return shared.made(where, published_on="2018-12-10", value=1)

    makers: dict[str, Callable[[], Body]] = {
        "observations": observation,
        "users": lambda: shared.made("/v1/users", **new_user(next(numbers))),
        "tokens": lambda: shared.made("/v1/tokens", name="New"),
        "imports": lambda: send_csv(shared, plan.strategy, b"ref\nnew"),
        "updates": lambda: report(shared, plan.milestone, status="on_hold"),
        "reports": lambda: draft_report(shared, strategy(), quarter="2019-20-Q1"),
        "published": lambda: published_report(shared, strategy(), quarter="2019-20-Q1"),
        "report-schedules": lambda: shared.made("/v1/report-schedules", strategy_id=strategy()),
        "deliveries": lambda: {"id": noted_delivery(shared, plan.strategy)},
    }

    def find(name: str) -> str:
        wanted = re.findall(r"made\[([\w-]+)\]", TAGGED[name])
        made = {each: (makers[each] if each in makers else partial(new, each))()["id"] for each in wanted}
        return TAGGED[name].format(plan=plan, made=made)

    return find


def asked(api: Api, where: str, given: str) -> Any:
    """Read with If-None-Match."""
    return api.get(where, headers={"If-None-Match": given})


def test_everything_tagged_is_tried() -> None:
    tagged = {
        each.name
        for each in operations()
        if "If-None-Match" in each.parameters("header") or "304" in each.says["responses"]
    }
    assert tagged == set(TAGGED)


def test_everything_that_is_changed_is_tried() -> None:
    guarded = {each.path for each in operations() if "If-Match" in each.parameters("header") and each.method != "post"}
    read = {each.path for each in operations() if each.name in set(ROWS) - UNTOUCHABLE}
    assert guarded == read


@of_everything_tagged
def test_what_the_caller_has_is_not_sent_again(shared: Api, address: Address, name: str) -> None:
    where = address(name)
    first = shared.get(where)
    assert first.status_code == 200, first.text
    tag = first.headers["etag"]
    assert tag.startswith('"')
    for given in (tag, f"W/{tag}", "*", f'"other", {tag}', f'W/"other",W/{tag}'):
        answer = asked(shared, where, given)
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag), given
        assert answer.headers["cache-control"] == first.headers["cache-control"]


@of_everything_tagged
def test_what_the_caller_has_not_is_sent(shared: Api, address: Address, name: str) -> None:
    where = address(name)
    first = shared.get(where)
    for given in ('"other"', 'W/"other"', first.headers["etag"].strip('"'), '"'):
        answer = asked(shared, where, given)
        assert (answer.status_code, answer.content) == (200, first.content), given


@of_everything_tagged
def test_a_shared_cache_keeps_nothing(shared: Api, address: Address, name: str) -> None:
    headers = shared.get(address(name)).headers
    assert "private" in headers["cache-control"]
    assert headers["vary"] == "Authorization"


@pytest.mark.parametrize("name", sorted({*PROGRESS, "get_milestone"}))
def test_a_new_report_makes_a_new_tag(shared: Api, own_plan: Plan, name: str) -> None:
    where = TAGGED[name].format(plan=own_plan)
    before = shared.get(where)
    report(shared, own_plan.milestone, status="in_progress", percent_complete=40)
    after = asked(shared, where, before.headers["etag"])
    assert after.status_code == 200
    assert after.headers["etag"] != before.headers["etag"]
    assert after.json() != before.json()


@pytest.mark.parametrize("name", sorted(PROGRESS))
def test_figures_as_they_were_known_keep_their_tag(shared: Api, own_plan: Plan, name: str) -> None:
    where = TAGGED[name].format(plan=own_plan)
    known_at = shared.get(where).json()["known_at"]
    then = f"{where}&known_at={known_at}"
    before = shared.get(then)
    report(shared, own_plan.milestone, status="complete")
    assert asked(shared, then, before.headers["etag"]).status_code == 304
    assert shared.get(then).content == before.content


@of_every_change
def test_a_change_needs_the_tag_of_what_was_read(shared: Api, address: Address, name: str, method: str) -> None:
    where = address(name)
    answer = shared.call(method, where, json={})
    assert answer.status_code == 428
    assert "If-Match" in answer.json()["detail"]
    assert shared.get(where).json()["version"] == 1


@of_every_change
def test_a_tag_that_is_not_the_rows_is_refused(shared: Api, address: Address, name: str, method: str) -> None:
    where = address(name)
    before = shared.get(where)
    tag = before.headers["etag"]
    for given in ('"other"', f"W/{tag}", tag.strip('"'), "", ",", f'"{tag}"', tag.lower() + "x"):
        answer = shared.call(method, where, json={}, headers={"If-Match": given})
        assert answer.status_code == 412, given
    assert shared.get(where).content == before.content


def new_board(api: Api) -> tuple[str, str]:
    """Make a board and return its address and tag."""
    answer = api.post("/v1/boards", {"ref": f"new-{next(numbers)}", "name": "Board"})
    return answer.headers["location"], answer.headers["etag"]


def change(api: Api, where: str, given: str, **body: Any) -> Any:
    """Patch with If-Match."""
    return api.call("PATCH", where, json=body, headers={"If-Match": given})


def test_a_stale_tag_overwrites_nothing(shared: Api) -> None:
    where, tag = new_board(shared)
    assert change(shared, where, tag, name="Mine").status_code == 200
    refused = change(shared, where, tag, name="Yours")
    assert refused.status_code == 412
    assert shared.get(where).json()["name"] == "Mine"


def test_a_stale_tag_deletes_nothing(shared: Api) -> None:
    where, tag = new_board(shared)
    change(shared, where, tag, name="Mine")
    assert shared.call("DELETE", where, headers={"If-Match": tag}).status_code == 412
    assert shared.get(where).status_code == 200


def test_the_tag_of_a_change_serves_for_the_next(shared: Api) -> None:
    where, tag = new_board(shared)
    for name in ("Second", "Third"):
        answer = change(shared, where, tag, name=name)
        assert answer.status_code == 200
        tag = answer.headers["etag"]
    assert shared.get(where).json()["version"] == 3


@pytest.mark.parametrize("form", ["*", '"other", {tag}', '{tag},"other"', ' {tag} , W/"other"'])
def test_one_of_several_tags_is_enough(shared: Api, form: str) -> None:
    where, tag = new_board(shared)
    assert change(shared, where, form.format(tag=tag), name="Changed").status_code == 200


def test_a_report_makes_the_tag_of_its_milestone_stale(shared: Api, own_plan: Plan) -> None:
    where = f"/v1/milestones/{own_plan.milestone}"
    tag = shared.get(where).headers["etag"]
    report(shared, own_plan.milestone, status="in_progress", percent_complete=40)
    assert change(shared, where, tag, title="Unseen").status_code == 412


def test_a_tag_from_before_a_deletion_does_not_serve_for_what_is_made_anew(shared: Api) -> None:
    where, tag = new_board(shared)
    row: Body = shared.get(where).json()
    assert shared.call("DELETE", where, headers={"If-Match": tag}).status_code == 204
    again = shared.made("/v1/boards", ref=row["ref"], name=row["name"])
    assert change(shared, f"/v1/boards/{again['id']}", tag, name="Changed").status_code == 412


def test_the_tag_follows_the_day(shared: Api, own_plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    where = f"/v1/milestones/{own_plan.milestone}"
    shared.patch(where, {"due_on": clock.today().isoformat()})
    token = {"Authorization": f"Bearer {shared.token(days=365)}"}
    tag = shared.get(where, headers=token).headers["etag"]
    later = clock.now() + timedelta(days=2)
    monkeypatch.setattr(clock, "now", lambda: later)
    answer = shared.get(where, headers={**token, "If-None-Match": tag})
    assert (answer.status_code, answer.json()["overdue"]) == (200, True)
