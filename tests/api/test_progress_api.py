"""Progress over HTTP: groupings, time, and what was known, on plans small enough to check by hand."""

from typing import Any

import pytest

from service.core import clock
from tests.api.conftest import numbers
from tests.api.progress_stage import AS_AT, Stage, staged
from tests.conftest import Api
from tests.factories import Body, Plan, make_workstream, report


@pytest.fixture
def stage(shared: Api, own_plan: Plan) -> Stage:
    """A plan of three milestones that stands at 50 %."""
    return staged(shared, own_plan)


def groups_of(answer: Body) -> dict[Any, Any]:
    """Return the percentages of the groups by their ids, in their order."""
    return {group["id"]: group["progress"]["percent_complete"] for group in answer["groups"]}


def test_the_total_comes_with_its_receipt(stage: Stage) -> None:
    answer = stage.asked()
    total = answer["total"]
    assert (answer["strategy_id"], answer["as_at"], answer["rules_version"]) == (stage.plan.strategy, AS_AT, 1)
    assert total["percent_complete"] == 50.0
    assert total["receipt"] == {
        "weight": 4,
        "earned": 200,
        "scheduled_weight": 3,
        "scheduled_earned": 200,
        "planned": 10_000,
    }
    assert total["planned_percent"] == 33.3
    assert total["schedule_performance_index"] == 2.0
    assert total["rag"] == "green"
    counted = {name: count for name, count in total["milestones"].items() if count}
    wanted = {"total": 3, "included": 3, "not_started": 1, "in_progress": 1, "complete": 1}
    assert counted == {**wanted, "unreported": 1, "unscheduled": 1}


def test_priorities_stand_by_position_and_those_without_milestones_too(stage: Stage) -> None:
    first = stage.api.made("/v1/priorities", ref="first", title="First", strategy_id=stage.plan.strategy, position=2)
    stage.alter(f"priorities/{stage.plan.priority}", position=3)
    assert list(groups_of(stage.asked()).items()) == [(first["id"], None), (stage.plan.priority, 50.0)]


def test_a_workstream_of_several_priorities_counts_in_each_and_once_in_the_total(stage: Stage) -> None:
    other = stage.api.made("/v1/priorities", ref="other", title="Other", strategy_id=stage.plan.strategy)["id"]
    stage.alter(f"workstreams/{stage.plan.workstream}", priority_ids=[stage.plan.priority, other])
    answer = stage.asked()
    assert groups_of(answer) == {stage.plan.priority: 50.0, other: 50.0}
    assert answer["total"]["milestones"]["total"] == 3


def test_workstreams_without_milestones_are_not_applicable(stage: Stage) -> None:
    empty = make_workstream(stage.api, stage.plan.strategy, stage.plan.priority, stage.plan.organisation, ref="empty")[
        "id"
    ]
    answer = stage.asked(group_by="workstream")
    assert groups_of(answer) == {stage.plan.workstream: 50.0, empty: None}
    assert answer["groups"][1]["progress"]["rag"] == "not_applicable"


def test_what_has_no_owner_stands_under_an_id_of_null(stage: Stage) -> None:
    stage.alter(f"milestones/{stage.half}", owner_id=stage.plan.owner)
    answer = stage.asked(group_by="owner")
    assert groups_of(answer) == {stage.plan.owner: 50.0, None: 50.0}
    assert (answer["groups"][1]["ref"], answer["groups"][1]["title"]) == (None, None)


def test_a_milestone_belongs_to_its_owners_organisation_else_to_the_lead(stage: Stage) -> None:
    mark = next(numbers)
    other = stage.api.made("/v1/organisations", ref=f"nhs-{mark}", name="NHS", kind="nhs")["id"]
    owner = stage.api.made("/v1/owners", ref=f"nurse-{mark}", post="Nurse", organisation_id=other)["id"]
    stage.alter(f"milestones/{stage.done}", owner_id=owner)
    found = groups_of(stage.asked(group_by="organisation"))
    assert found == {stage.api.home: None, stage.plan.organisation: 33.3, other: 100.0}


def test_a_priority_is_divided_by_its_workstreams(stage: Stage) -> None:
    answer = stage.api.get(f"/v1/priorities/{stage.plan.priority}/progress?as_at={AS_AT}").json()
    assert (answer["group_by"], answer["total"]) == ("workstream", stage.asked()["total"])
    assert groups_of(answer) == {stage.plan.workstream: 50.0}


def test_a_workstream_is_divided_by_its_milestones(stage: Stage) -> None:
    answer = stage.api.get(f"/v1/workstreams/{stage.plan.workstream}/progress?as_at={AS_AT}").json()
    assert (answer["group_by"], answer["total"]) == ("milestone", stage.asked()["total"])
    assert groups_of(answer) == {stage.plan.milestone: 0.0, stage.half: 50.0, stage.done: 100.0}


@pytest.mark.parametrize(("asked", "percent"), [("2018-09-29", 0.0), ("2018-09-30", 25.0), ("2018-10-31", 50.0)])
def test_progress_is_that_of_the_day_asked_about(stage: Stage, asked: str, percent: float) -> None:
    assert stage.percent(as_at=asked) == percent


def test_milestones_agreed_later_are_not_in_the_plan_yet(stage: Stage) -> None:
    stage.milestone(agreed_on="2019-01-01")
    assert (stage.percent(), stage.percent(as_at="2019-01-01")) == (50.0, 40.0)


def test_what_is_left_out_counts_in_the_total_number_alone(stage: Stage) -> None:
    report(stage.api, stage.half, status="cancelled")
    total = stage.asked()["total"]
    assert total["percent_complete"] == 50.0
    assert (total["milestones"]["total"], total["milestones"]["included"], total["receipt"]["weight"]) == (3, 2, 2)


def test_nothing_included_is_not_applicable_and_never_nought(stage: Stage) -> None:
    stage.alter(f"workstreams/{stage.plan.workstream}", status="on_hold")
    total = stage.asked()["total"]
    figures = ("percent_complete", "planned_percent", "schedule_performance_index")
    assert [total[name] for name in figures] == [None] * 3
    assert total["rag"] == "not_applicable"


def test_the_gravest_drivers_come_first_and_ten_at_most(stage: Stage) -> None:
    behind = {"start_on": "2018-04-01", "due_on": "2019-03-31"}
    for weight in range(1, 12):
        stage.milestone(weight=weight, due_on="2018-11-30")
    stage.milestone(ref="BEHIND", weight=100, **behind)
    late = stage.milestone(ref="LATE", due_on="2019-06-30")
    report(stage.api, late, status="not_started", forecast_on="2019-07-31")
    drivers = stage.asked()["total"]["drivers"]
    assert [driver["weight"] for driver in drivers] == [100, *range(11, 2, -1)]
    assert [driver["reason"] for driver in drivers[:2]] == ["behind_plan", "overdue"]
    (only,) = stage.asked(ref="LATE")["total"]["drivers"]
    assert (only["reason"], only["rag"], only["shortfall"]) == ("forecast_late", "amber", 0)


# Time.


def test_a_trend_answers_each_point_as_progress_does(stage: Stage) -> None:
    answer = stage.asked("/trend", **{"from": "2018-06-01", "to": "2018-12-31"})
    assert [point["as_at"] for point in answer["points"]] == ["2018-06-30", "2018-09-30", "2018-12-31"]
    for point in answer["points"]:
        alone = stage.asked(as_at=point["as_at"])
        assert (point["total"], point["groups"]) == (alone["total"], alone["groups"])


@pytest.mark.parametrize(
    ("first", "last", "every", "points"),
    [
        ("2018-10-01", "2019-01-15", "quarter", ["2018-12-31", "2019-01-15"]),
        ("2018-10-31", "2018-12-01", "month", ["2018-10-31", "2018-11-30", "2018-12-01"]),
        ("2019-01-01", "2019-01-01", "quarter", ["2019-01-01"]),
        ("2019-03-31", "2019-03-31", "quarter", ["2019-03-31"]),
    ],
)
def test_a_trend_ends_with_its_last_day(stage: Stage, first: str, last: str, every: str, points: list[str]) -> None:
    answer = stage.asked("/trend", **{"from": first, "to": last, "every": every})
    assert [point["as_at"] for point in answer["points"]] == points


@pytest.mark.parametrize("group_by", ["priority", "workstream", "organisation", "owner"])
def test_a_trend_is_divided_as_progress_is(stage: Stage, group_by: str) -> None:
    (point,) = stage.asked("/trend", **{"from": AS_AT, "to": AS_AT, "group_by": group_by})["points"]
    assert point["groups"] == stage.asked(group_by=group_by)["groups"]


@pytest.mark.parametrize("path", ["/trend", "/changes"])
def test_time_runs_forward(stage: Stage, path: str) -> None:
    given = {"strategy_id": stage.plan.strategy, "from": "2019-01-01", "to": "2018-12-31"}
    answer = stage.api.get(f"/v1/progress{path}", params=given)
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/query/to"]


def test_a_trend_has_an_end_to_its_points(stage: Stage) -> None:
    given = {"strategy_id": stage.plan.strategy, "from": "1900-01-01", "to": "2018-12-31"}
    answer = stage.api.get("/v1/progress/trend", params=given)
    assert answer.status_code == 422
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/query/to"]


# What was known.


def forms(plan: Plan) -> dict[str, str]:
    """Return every form of progress, asked about the same time."""
    days = f"strategy_id={plan.strategy}&from=2018-06-30&to=2019-02-28"
    by = {name: f"/v1/progress?strategy_id={plan.strategy}&as_at=2019-02-28&group_by={name}" for name in GROUPINGS}
    return {
        **by,
        "trend": f"/v1/progress/trend?{days}&group_by=owner&every=month",
        "changes": f"/v1/progress/changes?{days}",
        "of a priority": f"/v1/priorities/{plan.priority}/progress?as_at=2019-02-28",
        "of a workstream": f"/v1/workstreams/{plan.workstream}/progress?as_at=2019-02-28",
        "list": f"/v1/milestones?strategy_id={plan.strategy}&as_at=2019-02-28",
    }


GROUPINGS = ("priority", "workstream", "organisation", "owner")


def test_what_was_known_is_answered_the_same_whatever_changes(stage: Stage) -> None:
    plan, api, mark = stage.plan, stage.api, next(numbers)
    stage.alter(f"milestones/{stage.half}", owner_id=plan.owner)
    known_at = stage.asked()["known_at"]
    before = {name: api.get(f"{where}&known_at={known_at}") for name, where in forms(plan).items()}
    assert {answer.status_code for answer in before.values()} == {200}
    other = api.made("/v1/organisations", ref=f"nhs-{mark}", name="NHS", kind="nhs", parent_id=api.home)["id"]
    priority = api.made("/v1/priorities", ref="other", title="Other", strategy_id=plan.strategy, position=1)["id"]
    owner = api.made("/v1/owners", ref=f"nurse-{mark}", post="Nurse", organisation_id=other)["id"]
    second = make_workstream(api, plan.strategy, priority, other, ref="second")["id"]

    def goes_on() -> None:
        now = {name: api.get(f"{where}&known_at={known_at}") for name, where in forms(plan).items()}
        assert {name: answer.content for name, answer in now.items()} == {
            name: answer.content for name, answer in before.items()
        }

    stage.alter(f"milestones/{stage.half}", weight=7, due_on="2018-12-31", owner_id=owner)
    stage.alter(f"workstreams/{plan.workstream}", priority_ids=[priority], lead_organisation_id=other, title="Other")
    goes_on()
    stage.alter(f"owners/{plan.owner}", organisation_id=other)
    stage.alter(f"milestones/{stage.done}", workstream_id=second, agreed_on="2019-03-31")
    stage.alter(f"priorities/{plan.priority}", title="Other", position=9)
    report(api, stage.done, effective_on="2018-07-31", status="on_hold")
    report(api, plan.milestone, status="complete")
    goes_on()
    stage.alter(f"workstreams/{plan.workstream}", status="cancelled")
    for path in (f"milestones/{stage.half}", f"milestones/{plan.milestone}", f"workstreams/{plan.workstream}"):
        assert api.delete(f"/v1/{path}").status_code == 204
    for path in (f"priorities/{plan.priority}", f"owners/{plan.owner}"):
        assert api.delete(f"/v1/{path}").status_code == 204
    goes_on()
    assert stage.asked()["total"] != before["priority"].json()["total"]


def test_an_answer_says_what_it_rests_on(stage: Stage) -> None:
    newest = stage.api.get("/v1/events?limit=1000").json()["items"][-1]["recorded_at"]
    assert stage.asked()["known_at"] >= newest
    before = stage.asked()
    report(stage.api, stage.half, status="complete")
    assert stage.asked()["known_at"] > before["known_at"]
    then = stage.asked(known_at=before["known_at"])
    assert {**then, "known_at": None} == {**before, "known_at": None}


@pytest.mark.parametrize("form", [*GROUPINGS, "trend", "changes", "of a priority", "of a workstream", "list"])
def test_nobody_knows_what_is_to_come(shared: Api, plan: Plan, form: str) -> None:
    answer = shared.get(f"{forms(plan)[form]}&known_at=2999-01-01T00:00:00Z")
    assert answer.status_code == 422
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/query/known_at"]


def test_before_anything_was_known_there_is_no_strategy(shared: Api, plan: Plan) -> None:
    assert shared.get(f"{forms(plan)['priority']}&known_at=2018-01-01T00:00:00Z").status_code == 404


@pytest.mark.parametrize(
    "where", ["progress?strategy_id=999999", "priorities/999999/progress?", "workstreams/999999/progress?"]
)
def test_what_is_not_there_has_no_progress(shared: Api, where: str) -> None:
    assert shared.get(f"/v1/{where}").status_code == 404


def test_a_question_without_a_date_is_about_today(stage: Stage) -> None:
    answer = stage.api.get("/v1/progress", params={"strategy_id": stage.plan.strategy}).json()
    assert answer["as_at"] == clock.today().isoformat()
    assert answer["group_by"] == "priority"


def test_progress_is_asked_of_one_strategy(shared: Api) -> None:
    for path in ("", "/trend?from=2018-01-01&to=2018-02-01", "/changes?from=2018-01-01&to=2018-02-01"):
        answer = shared.get(f"/v1/progress{path}")
        assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/query/strategy_id"]


def test_owners_of_partners_are_groups_with_or_without_milestones(stage: Stage) -> None:
    partner, stranger = (
        stage.api.made("/v1/organisations", ref=f"org-{next(numbers)}", name="Partner", kind="nhs")["id"] for _ in "ab"
    )
    posts = [
        stage.api.made("/v1/owners", ref=f"post-{next(numbers)}", post="Post", organisation_id=each)["id"]
        for each in (partner, stranger)
    ]
    stage.alter(f"strategies/{stage.plan.strategy}", organisation_ids=[stage.api.home, partner])
    assert groups_of(stage.asked(group_by="owner")) == {posts[0]: None, None: 50.0}


def test_a_filter_beside_the_address_narrows_it_further(stage: Stage) -> None:
    other = stage.api.made("/v1/priorities", ref="other", title="Other", strategy_id=stage.plan.strategy)["id"]
    where = f"/v1/priorities/{stage.plan.priority}/progress?as_at={AS_AT}&priority_id"
    totals = [
        stage.api.get(f"{where}={each}").json()["total"]["milestones"]["total"] for each in (stage.plan.priority, other)
    ]
    assert totals == [3, 0]


def test_a_past_answer_names_the_newest_change_that_it_holds(stage: Stage) -> None:
    told = stage.asked()["known_at"]
    later = clock.now().isoformat()
    report(stage.api, stage.half, status="complete")
    assert stage.asked(known_at=later)["known_at"] == told
    assert stage.asked(known_at=told)["known_at"] == told


def test_a_future_instant_of_the_first_side_is_named(stage: Stage) -> None:
    asked = {"strategy_id": stage.plan.strategy, "from": AS_AT, "to": AS_AT, "from_known_at": "2999-01-01T00:00:00Z"}
    answer = stage.api.get("/v1/progress/changes", params=asked)
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/query/from_known_at"]
