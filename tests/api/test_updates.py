"""Reports on milestones: what a report may say, what it carries forward, and which one counts when."""

from datetime import timedelta
from typing import Any

import pytest

from service.access.roles import Role
from service.core import clock
from tests.conftest import Api
from tests.factories import Body, Plan, make_milestone, make_workstream, report


def standing(api: Api, milestone: int, **asked: str) -> tuple[str, int]:
    """Return the status and percentage that a milestone is shown with."""
    row = api.get(f"/v1/milestones/{milestone}", params=asked).json()
    return row["status"], row["percent_complete"]


def refused_at(api: Api, milestone: int, **values: Any) -> list[str]:
    """Report what must be refused, and return where the fault lies."""
    before = api.get(f"/v1/milestones/{milestone}/updates").json()
    answer = api.post(f"/v1/milestones/{milestone}/updates", {"effective_on": "2018-12-31", **values})
    assert answer.status_code == 422, answer.text
    assert api.get(f"/v1/milestones/{milestone}/updates").json() == before
    return [fault["pointer"] for fault in answer.json()["errors"]]


def test_a_report_is_answered_as_it_is_read(shared: Api, own_plan: Plan) -> None:
    said = {
        "effective_on": "2018-12-10",
        "status": "in_progress",
        "percent_complete": 40,
        "forecast_on": "2019-02-28",
        "confidence": "amber",
        "narrative": "The practitioner is in post.",
        "evidence": [{"title": "Minutes", "url": "https://example.org/minutes"}],
    }
    where = f"/v1/milestones/{own_plan.milestone}/updates"
    answer = shared.post(where, said)
    assert answer.status_code == 201
    row = answer.json()
    assert {key: row[key] for key in said} == said
    assert row["milestone_id"] == own_plan.milestone
    read = shared.get(answer.headers["location"])
    assert (read.json(), read.headers["etag"]) == (row, answer.headers["etag"])
    assert shared.get(where).json()["items"] == [row]
    assert shared.get(f"/v1/updates?milestone_id={own_plan.milestone}").json()["items"] == [row]


def test_a_milestone_without_reports_is_not_started(shared: Api, own_plan: Plan) -> None:
    row = shared.get(f"/v1/milestones/{own_plan.milestone}").json()
    shown = ("status", "percent_complete", "forecast_on", "confidence", "reported_on")
    assert [row[name] for name in shown] == ["not_started", 0, None, None, None]


def test_a_milestone_shows_its_latest_report(shared: Api, own_plan: Plan) -> None:
    said = {"status": "in_progress", "percent_complete": 40, "forecast_on": "2019-02-28", "confidence": "red"}
    report(shared, own_plan.milestone, **said)
    row = shared.get(f"/v1/milestones/{own_plan.milestone}").json()
    assert {key: row[key] for key in said} == said
    assert row["reported_on"] == "2018-12-31"
    assert row["version"] == 1


def test_a_report_is_true_of_today_unless_it_says_otherwise(shared: Api, own_plan: Plan) -> None:
    row = shared.made(f"/v1/milestones/{own_plan.milestone}/updates", status="on_hold")
    assert row["effective_on"] == clock.today().isoformat()


@pytest.mark.parametrize(("days", "status"), [(0, 201), (1, 422)])
def test_a_report_is_not_true_of_a_day_to_come(shared: Api, own_plan: Plan, days: int, status: int) -> None:
    day = (clock.today() + timedelta(days=days)).isoformat()
    said = {"status": "on_hold", "effective_on": day}
    answer = shared.post(f"/v1/milestones/{own_plan.milestone}/updates", said)
    assert answer.status_code == status
    assert [fault["pointer"] for fault in answer.json().get("errors", ())] == ["/effective_on"] * days


@pytest.mark.parametrize(("status", "percent"), [("complete", 100), ("not_started", 0), ("proposed", 0)])
def test_a_status_that_has_one_percentage_takes_it(shared: Api, own_plan: Plan, status: str, percent: int) -> None:
    report(shared, own_plan.milestone, status="in_progress", percent_complete=40)
    assert report(shared, own_plan.milestone, status=status)["percent_complete"] == percent
    assert report(shared, own_plan.milestone, status=status, percent_complete=percent)["percent_complete"] == percent
    assert refused_at(shared, own_plan.milestone, status=status, percent_complete=50) == ["/percent_complete"]


@pytest.mark.parametrize("status", ["in_progress", "on_hold", "cancelled"])
def test_the_last_percentage_is_carried_forward(shared: Api, own_plan: Plan, status: str) -> None:
    assert report(shared, own_plan.milestone, status=status)["percent_complete"] == 0
    report(shared, own_plan.milestone, status="in_progress", percent_complete=40)
    assert report(shared, own_plan.milestone, status=status)["percent_complete"] == 40


def test_what_is_carried_forward_was_true_then(shared: Api, own_plan: Plan) -> None:
    report(shared, own_plan.milestone, effective_on="2018-12-31", status="in_progress", percent_complete=60)
    report(shared, own_plan.milestone, effective_on="2018-09-30", status="in_progress", percent_complete=20)
    late = report(shared, own_plan.milestone, effective_on="2018-10-31", status="on_hold")
    early = report(shared, own_plan.milestone, effective_on="2018-08-31", status="in_progress")
    assert (late["percent_complete"], early["percent_complete"]) == (20, 0)


@pytest.mark.parametrize(("percent", "is_taken"), [(0, True), (99, True), (100, False)])
def test_work_in_progress_is_not_all_done(shared: Api, own_plan: Plan, percent: int, is_taken: bool) -> None:
    said = {"status": "in_progress", "percent_complete": percent}
    if is_taken:
        assert report(shared, own_plan.milestone, **said)["percent_complete"] == percent
    else:
        assert refused_at(shared, own_plan.milestone, **said) == ["/percent_complete"]


@pytest.mark.parametrize("status", ["in_progress", "on_hold"])
def test_reopening_takes_a_percentage(shared: Api, own_plan: Plan, status: str) -> None:
    report(shared, own_plan.milestone, status="complete")
    assert refused_at(shared, own_plan.milestone, status=status) == ["/percent_complete"]
    assert report(shared, own_plan.milestone, status=status, percent_complete=80)["percent_complete"] == 80
    assert standing(shared, own_plan.milestone) == (status, 80)


def test_what_was_complete_can_be_started_anew(shared: Api, own_plan: Plan) -> None:
    report(shared, own_plan.milestone, status="complete")
    assert report(shared, own_plan.milestone, status="not_started")["percent_complete"] == 0


def test_a_report_is_corrected_by_a_later_one_of_the_same_date(shared: Api, own_plan: Plan) -> None:
    wrong = report(shared, own_plan.milestone, status="in_progress", percent_complete=90)
    right = report(shared, own_plan.milestone, status="in_progress", percent_complete=30)
    assert standing(shared, own_plan.milestone) == ("in_progress", 30)
    assert standing(shared, own_plan.milestone, known_at=wrong["recorded_at"]) == ("in_progress", 90)
    listed = shared.get(f"/v1/milestones/{own_plan.milestone}/updates").json()["items"]
    assert listed == [wrong, right]


def test_the_date_a_report_is_true_of_comes_before_when_it_was_recorded(shared: Api, own_plan: Plan) -> None:
    report(shared, own_plan.milestone, effective_on="2018-12-31", status="in_progress", percent_complete=60)
    report(shared, own_plan.milestone, effective_on="2018-09-30", status="in_progress", percent_complete=20)
    assert standing(shared, own_plan.milestone) == ("in_progress", 60)


@pytest.mark.parametrize("method", ["PATCH", "DELETE", "PUT"])
def test_a_report_is_never_edited(shared: Api, own_plan: Plan, method: str) -> None:
    said = report(shared, own_plan.milestone, status="on_hold")
    answer = shared.call(method, f"/v1/updates/{said['id']}", json={"status": "complete"}, headers={"If-Match": "*"})
    assert answer.status_code == 405
    assert shared.get(f"/v1/updates/{said['id']}").json() == said


def test_a_report_says_who_and_when(shared: Api, own_plan: Plan) -> None:
    first = report(shared, own_plan.milestone, status="on_hold")
    where = f"/v1/milestones/{own_plan.milestone}/updates"
    other = shared.post(where, {"status": "on_hold"}, roles=(Role.CONTRIBUTOR,)).json()
    assert first["recorded_by"] != other["recorded_by"]
    assert first["recorded_at"] < other["recorded_at"]


def test_nobody_reports_on_what_is_not_there(shared: Api) -> None:
    assert shared.post("/v1/milestones/999999/updates", {"status": "on_hold"}).status_code == 404
    assert shared.get("/v1/milestones/999999/updates").status_code == 404
    assert shared.get("/v1/updates/999999").status_code == 404


@pytest.mark.parametrize(("field", "value"), [("due_on", "2019-06-30"), ("due_on", None), ("weight", 5)])
def test_a_promise_that_was_reported_on_is_changed_with_a_reason(
    shared: Api, own_plan: Plan, field: str, value: Any
) -> None:
    where = f"/v1/milestones/{own_plan.milestone}"
    shared.patch(where, {"due_on": "2019-03-31", "weight": 3})
    report(shared, own_plan.milestone, status="on_hold")
    refused = shared.patch(where, {field: value})
    assert refused.status_code == 422
    assert [fault["pointer"] for fault in refused.json()["errors"]] == ["/change_reason"]
    changed = shared.patch(where, {field: value, "change_reason": "The board moved it."})
    assert (changed.status_code, changed.json()[field]) == (200, value)


@pytest.mark.parametrize("body", [{"title": "Other"}, {"weight": 1}, {"due_on": None}, {"start_on": "2018-04-01"}])
def test_what_is_no_change_of_a_promise_takes_no_reason(shared: Api, own_plan: Plan, body: Body) -> None:
    report(shared, own_plan.milestone, status="on_hold")
    assert shared.patch(f"/v1/milestones/{own_plan.milestone}", body).status_code == 200


def test_a_promise_that_nobody_reported_on_is_changed_without_a_reason(shared: Api, own_plan: Plan) -> None:
    answer = shared.patch(f"/v1/milestones/{own_plan.milestone}", {"due_on": "2019-06-30", "weight": 5})
    assert answer.status_code == 200


def test_the_baseline_is_the_first_due_date(shared: Api, own_plan: Plan) -> None:
    where = f"/v1/milestones/{own_plan.milestone}"
    assert shared.get(where).json()["baseline_due_on"] is None
    for day in ("2019-03-31", "2019-06-30", None):
        assert shared.patch(where, {"due_on": day}).json()["baseline_due_on"] == "2019-03-31"


def test_the_baseline_cannot_be_set(shared: Api, own_plan: Plan) -> None:
    answer = shared.patch(f"/v1/milestones/{own_plan.milestone}", {"baseline_due_on": "2019-03-31"})
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/baseline_due_on"]


def test_a_list_of_milestones_shows_how_they_stood_then(shared: Api, own_plan: Plan) -> None:
    due = {"start_on": "2018-10-01", "due_on": "2018-12-31"}
    row = make_milestone(shared, own_plan.workstream, ref="M-2", **due)
    report(shared, row["id"], effective_on="2018-10-31", status="in_progress", percent_complete=40)
    last = report(shared, row["id"], effective_on="2019-01-31", status="complete")

    def stood(**asked: str) -> list[Any]:
        about = {"ref": "M-2", "strategy_id": own_plan.strategy, **asked}
        (found,) = shared.get("/v1/milestones", params=about).json()["items"]
        return [found[name] for name in ("status", "percent_complete", "reported_on", "rag", "overdue")]

    # 30 of 91 days are 3296 basis points: 40 % is ahead of them, and behind 6703 on the 1st of December.
    assert stood(as_at="2018-10-15") == ["not_started", 0, None, "red", False]
    assert stood(as_at="2018-10-31") == ["in_progress", 40, "2018-10-31", "green", False]
    assert stood(as_at="2018-12-01") == ["in_progress", 40, "2018-10-31", "red", False]
    assert stood(as_at="2019-01-15") == ["in_progress", 40, "2018-10-31", "red", True]
    assert stood(as_at="2019-01-31") == stood() == ["complete", 100, "2019-01-31", "complete", False]
    before = shared.get(f"/v1/events?limit=1000&after={0}").json()["items"]
    earlier = [event["recorded_at"] for event in before if event["recorded_at"] < last["recorded_at"]][-1]
    assert stood(as_at="2019-01-31", known_at=earlier) == ["in_progress", 40, "2018-10-31", "red", True]


def test_a_milestone_moves_between_workstreams_of_its_strategy_only(shared: Api, own_plan: Plan, plan: Plan) -> None:
    inside = make_workstream(shared, own_plan.strategy, own_plan.priority, own_plan.organisation, ref="other")["id"]
    where = f"/v1/milestones/{own_plan.milestone}"
    assert shared.patch(where, {"workstream_id": inside}).json()["workstream_id"] == inside
    refused = shared.patch(where, {"workstream_id": plan.workstream})
    assert [fault["pointer"] for fault in refused.json()["errors"]] == ["/workstream_id"]


def test_the_owners_organisation_answers_else_the_lead(shared: Api, own_plan: Plan) -> None:
    other = shared.made(
        "/v1/organisations", ref=f"nhs-{own_plan.strategy}", name="NHS", kind="nhs", parent_id=shared.home
    )["id"]
    owner = shared.made("/v1/owners", ref=f"nurse-{own_plan.strategy}", post="Nurse", organisation_id=other)["id"]
    where = f"/v1/milestones/{own_plan.milestone}"
    assert shared.get(where).json()["organisation_id"] == own_plan.organisation
    assert shared.patch(where, {"owner_id": owner}).json()["organisation_id"] == other
    found = shared.get(f"/v1/milestones?organisation_id={other}").json()["items"]
    assert [row["id"] for row in found] == [own_plan.milestone]
