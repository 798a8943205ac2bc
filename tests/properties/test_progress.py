"""Held against an independent reference over random plans, reports and histories: the figures, to the last digit."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.access.scope import EVERYTHING
from service.core.answers import to_json
from service.plan.rules import MilestoneStatus
from service.progress import service
from service.progress.queries import Question
from service.progress.rules import GroupBy
from service.progress.schemas import MilestoneFilters
from tests import reference
from tests.properties.histories import (
    FIRST_DAY,
    AddMilestone,
    Asked,
    Clocks,
    Played,
    Report,
    Scene,
    Schedule,
    Transaction,
    clocks,
    days,
    histories,
    questions,
    staged,
    transactions,
)

UNHURRIED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]


def examples(count: int) -> settings:
    return settings(max_examples=count, deadline=None, suppress_health_check=UNHURRIED)


groupings = st.sampled_from([*GroupBy, None])
NOTHING = reference.roll_up([])


@pytest.fixture
def scene(database_url: str) -> Iterator[Scene]:
    with staged(database_url) as scene:
        yield scene


def expected_groups(
    played: Played, as_at: date, seq: int, group_by: GroupBy | None, filters: MilestoneFilters
) -> reference.GroupedProgress:
    """Return the reference's answer, less the groups that a filter by that very group leaves out."""
    by = group_by.value if group_by else "milestone"
    answer = reference.progress(played.world, as_at, seq, by, played.keeps(filters))
    wanted: list[int] | None = getattr(filters, f"{by}_id", None)
    if wanted is not None:
        answer["groups"] = [group for group in answer["groups"] if group["id"] in wanted]
    return answer


def without_empty(groups: list[Any]) -> list[Any]:
    """Leave out the groups in which there is no milestone."""
    return [group for group in groups if group["progress"]["milestones"]["total"]]


@examples(30)
@given(history=histories, asked=st.lists(st.tuples(clocks, questions, groupings), min_size=2, max_size=4))
def test_a_roll_up_answers_as_the_rules_say(
    scene: Scene, history: Any, asked: list[tuple[Clocks, Asked, GroupBy | None]]
) -> None:
    played = scene.played(history)
    for clock, about, group_by in asked:
        (seq, known), as_at = played.known(clock), played.day(clock)
        filters = played.filters(about)
        question = Question(EVERYTHING, played.strategy_id, filters, group_by, known)
        answer = scene.look(lambda connection, q=question, on=as_at: service.roll_up(connection, q, on))  # type: ignore[misc]
        expected = expected_groups(played, as_at, seq, group_by, filters)
        assert answer["total"] == expected["total"]
        assert without_empty(answer["groups"]) == without_empty(list(expected["groups"]))


@examples(15)
@given(history=histories, clock=clocks, group_by=groupings)
def test_a_roll_up_lists_groups_without_milestones_too(
    scene: Scene, history: Any, clock: Clocks, group_by: GroupBy | None
) -> None:
    played = scene.played(history)
    (seq, known), as_at = played.known(clock), played.day(clock)
    question = Question(EVERYTHING, played.strategy_id, MilestoneFilters(), group_by, known)
    answer = scene.look(lambda connection: service.roll_up(connection, question, as_at))
    expected = expected_groups(played, as_at, seq, group_by, MilestoneFilters())
    shown = {group["id"]: group["progress"] for group in answer["groups"]}
    assert all(shown[group["id"]] == group["progress"] for group in expected["groups"])
    beyond = shown.keys() - {group["id"] for group in expected["groups"]}
    assert all(shown[row_id] == NOTHING for row_id in beyond)


@examples(50)
@given(history=histories, asked=st.lists(clocks, min_size=2, max_size=8), group_by=groupings)
def test_each_point_of_a_trend_is_the_roll_up_of_that_day(
    scene: Scene, history: Any, asked: list[Clocks], group_by: GroupBy | None
) -> None:
    played = scene.played(history)
    seq, known = played.known(asked[0])
    points = sorted({played.day(clock) for clock in asked})
    question = Question(EVERYTHING, played.strategy_id, MilestoneFilters(), group_by, known)
    answer = scene.look(lambda connection: service.trend(connection, question, points))
    shown = [
        (point["as_at"], {"total": point["total"], "groups": without_empty(point["groups"])})
        for point in answer["points"]
    ]
    expected = [(day, expected_groups(played, day, seq, group_by, MilestoneFilters())) for day in points]
    assert shown == [
        (day, {"total": each["total"], "groups": without_empty(list(each["groups"]))}) for day, each in expected
    ]


def shown_side(played: Played, milestone_id: int, as_at: date, seq: int, filters: MilestoneFilters) -> Any:
    """Return what the reference knows of a milestone on one side of a comparison, as the service shows it."""
    for fact in reference.facts(played.world, as_at, seq):
        if fact.milestone.id == milestone_id and played.keeps(filters)(fact):
            return {
                "status": fact.status,
                "percent_complete": fact.percent_complete,
                "weight": fact.milestone.weight,
                "included": fact.included,
            }
    return None


@examples(25)
@given(history=histories, asked=st.lists(st.tuples(clocks, clocks, questions), min_size=1, max_size=3))
def test_changes_say_what_each_milestone_did(
    scene: Scene, history: Any, asked: list[tuple[Clocks, Clocks, Asked]]
) -> None:
    played = scene.played(history)
    for one, other, about in asked:
        (first_seq, first_known), (last_seq, last_known) = played.known(one), played.known(other)
        first_day, last_day = sorted([played.day(one), played.day(other)])
        filters = played.filters(about)
        first = (first_day, Question(EVERYTHING, played.strategy_id, filters, GroupBy.WORKSTREAM, first_known))
        last = (last_day, Question(EVERYTHING, played.strategy_id, filters, GroupBy.WORKSTREAM, last_known))
        answer = scene.look(lambda connection, sides=(first, last): service.changes(connection, *sides))  # type: ignore[misc]
        sides = (first_day, first_seq), (last_day, last_seq)
        expected = reference.changes(played.world, *sides, played.keeps(filters))
        assert answer["from"] == expected["from"]
        assert answer["to"] == expected["to"]
        assert answer["delta"] == (None if expected["delta"] is None else float(expected["delta"]))
        assert [(each["milestone"]["id"], each["reason"], each["effect"]) for each in answer["changes"]] == [
            (each["milestone_id"], each["reason"], float(each["effect"])) for each in expected["changes"]
        ]
        assert [(each["from"], each["to"]) for each in answer["changes"]] == [
            tuple(shown_side(played, each["milestone_id"], *side, filters) for side in sides)
            for each in expected["changes"]
        ]


@examples(25)
@given(history=histories, later=st.lists(transactions, min_size=1, max_size=4), as_at=days, group_by=groupings)
def test_what_was_answered_once_is_answered_so_for_ever(
    scene: Scene, history: Any, later: Any, as_at: date, group_by: GroupBy | None
) -> None:
    played = scene.played(history)
    now = Question(EVERYTHING, played.strategy_id, MilestoneFilters(), group_by, scene.known(None))
    said = scene.look(lambda connection: service.roll_up(connection, now, as_at))
    played.play(later)
    again = Question(EVERYTHING, played.strategy_id, MilestoneFilters(), group_by, scene.known(said["known_at"]))
    assert to_json(scene.look(lambda connection: service.roll_up(connection, again, as_at))) == to_json(said)


def day(number: int) -> date:
    """Return a day by its place after the first."""
    return FIRST_DAY + timedelta(days=number)


def turning_points() -> list[Transaction]:
    """Return a plan of milestones that all run for a hundred days, each reported near one of the places it is judged by.

    After so many tenths of the time, seven or nine tenths of that is done, or one percent more or less; and some are
    forecast around their due date, or agreed around a day that is asked about.
    """
    percents = [tenths * part + beside for tenths in range(1, 11) for part in (7, 9) for beside in (-1, 0, 1)]
    cases = [
        *((percent, None, FIRST_DAY) for percent in sorted(set(percents) | {0, 99})),
        *((99, day(100 + beside), FIRST_DAY) for beside in (-1, 0, 1)),
        *((50, None, day(50 + beside)) for beside in (-1, 0, 1)),
    ]
    schedule = Schedule(FIRST_DAY, day(100))
    milestones = [
        AddMilestone(0, None, f"M{place}", place + 1, agreed_on, schedule)
        for place, (_, _, agreed_on) in enumerate(cases)
    ]
    reports = [
        Report(place, FIRST_DAY, MilestoneStatus.IN_PROGRESS, percent, True, forecast_on, None)
        for place, (percent, forecast_on, _) in enumerate(cases)
    ]
    return [Transaction(0, [*milestones, *reports])]


def test_a_milestone_is_judged_anew_exactly_where_the_rules_say(scene: Scene) -> None:
    played = scene.played(turning_points())
    asked = [day(number + beside) for number in range(0, 101, 10) for beside in (-1, 0, 1)]
    question = Question(EVERYTHING, played.strategy_id, MilestoneFilters(), None, scene.known(None))
    points = scene.look(lambda connection: service.trend(connection, question, asked))["points"]
    seq = played.stamps[-1].seq
    expected = [reference.progress(played.world, on, seq, "milestone") for on in asked]
    assert [(point["total"], point["groups"]) for point in points] == [
        (each["total"], each["groups"]) for each in expected
    ]
