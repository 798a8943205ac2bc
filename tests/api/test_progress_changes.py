"""Why progress moved between two dates: one reason for each milestone, and effects that add up."""

from math import isclose

import pytest

from tests.api.progress_stage import AS_AT, Stage, staged
from tests.conftest import Api
from tests.factories import Body, Plan, report


@pytest.fixture
def stage(shared: Api, own_plan: Plan) -> Stage:
    """A plan of three milestones that stands at 50 %."""
    return staged(shared, own_plan)


def reasons(answer: Body) -> dict[int, str]:
    """Return why each milestone moved the figure, having checked that the effects add up."""
    effects = sum(change["effect"] for change in answer["changes"])
    assert isclose(effects, answer["delta"], abs_tol=1e-9)
    return {change["milestone"]["id"]: change["reason"] for change in answer["changes"]}


def test_reports_move_progress(stage: Stage) -> None:
    answer = stage.changes()
    assert (answer["from"]["percent_complete"], answer["to"]["percent_complete"], answer["delta"]) == (0.0, 50.0, 50.0)
    assert reasons(answer) == {stage.half: "updated", stage.done: "updated"}
    assert [change["effect"] for change in answer["changes"]] == [25.0, 25.0]
    done = answer["changes"][0]
    assert (done["milestone"]["ref"], done["from"]["status"], done["to"]["status"]) == (
        "DONE",
        "not_started",
        "complete",
    )


def test_work_that_joins_the_plan_dilutes_the_rest(stage: Stage) -> None:
    added = stage.milestone(agreed_on="2019-01-01")
    answer = stage.changes(**{"from": AS_AT, "to": "2019-01-31"})
    assert reasons(answer) == {stage.half: "diluted", stage.done: "diluted", added: "added"}
    assert (answer["delta"], answer["changes"][-1]["from"]) == (-10.0, None)


def test_work_that_is_withdrawn_is_removed(stage: Stage) -> None:
    report(stage.api, stage.done, effective_on="2019-01-15", status="cancelled")
    answer = stage.changes(**{"from": AS_AT, "to": "2019-01-31"})
    assert reasons(answer)[stage.done] == "removed"
    removed = next(change for change in answer["changes"] if change["reason"] == "removed")
    assert (removed["effect"], removed["to"]["included"]) == (-25.0, False)
    assert isclose(answer["delta"], 100 / 3 - 50)


def test_another_weight_shows_against_what_was_known(stage: Stage) -> None:
    known_at = stage.asked()["known_at"]
    stage.alter(f"milestones/{stage.done}", weight=5)
    answer = stage.changes(**{"from": AS_AT, "to": AS_AT, "from_known_at": known_at})
    assert reasons(answer) == {stage.half: "diluted", stage.done: "reweighted"}
    assert answer["delta"] == 25.0
    assert (answer["from_known_at"], answer["from"]["receipt"]["weight"]) == (known_at, 4)


def test_a_deletion_shows_against_what_was_known(stage: Stage) -> None:
    known_at = stage.asked()["known_at"]
    stage.api.delete(f"/v1/milestones/{stage.half}")
    answer = stage.changes(**{"from": AS_AT, "to": AS_AT, "from_known_at": known_at})
    assert reasons(answer)[stage.half] == "removed"


def test_nothing_that_moved_is_nothing_told(stage: Stage) -> None:
    answer = stage.changes(**{"from": AS_AT, "to": AS_AT})
    assert (answer["changes"], answer["delta"]) == ([], 0.0)


def test_there_is_no_difference_from_nothing(stage: Stage) -> None:
    answer = stage.changes(**{"from": "2018-03-31"})
    assert (answer["from"]["percent_complete"], answer["delta"]) == (None, None)
    assert {change["reason"] for change in answer["changes"]} == {"added"}
