"""The sample plan answers as the board report of 10 December 2018 does."""

from tests.conftest import Api

BOARD = "/v1/progress?strategy_id=1&as_at=2018-12-10"


def test_the_boards_position_by_priority(sample: Api) -> None:
    answer = sample.get(BOARD).json()
    assert answer["total"]["percent_complete"] == 27.3
    assert answer["total"]["milestones"]["total"] == 23
    assert [group["ref"] for group in answer["groups"]] == [
        "drug-misuse",
        "alcohol-misuse",
        "mental-health",
        "domestic-abuse",
        "sexual-violence",
    ]


def test_a_workstream_without_milestones_is_not_applicable(sample: Api) -> None:
    answer = sample.get(BOARD + "&group_by=workstream").json()
    (zones,) = [group for group in answer["groups"] if group["ref"] == "people-zones"]
    assert zones["progress"]["percent_complete"] is None
    assert zones["progress"]["rag"] == "not_applicable"
