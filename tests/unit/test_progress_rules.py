"""From exact sums to the figures that are shown."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.progress.rules import (
    MOST_DRIVERS,
    Driver,
    Member,
    Rag,
    Sums,
    add_up,
    effect_of,
    progress_of,
    rag_of,
    reason_of,
    round_half_up,
    shown_index,
    shown_percent,
)

MEMBERS = st.builds(
    Member,
    id=st.just(1),
    ref=st.just("M-1"),
    title=st.just("Milestone"),
    workstream_id=st.just(1),
    status=st.just("in_progress"),
    is_included=st.booleans(),
    weight=st.integers(1, 1000),
    percent_complete=st.integers(0, 100),
)


def a_member(percent: int = 0, *, weight: int = 1, is_included: bool = True) -> Member:
    return Member(1, "M-1", "Milestone", 1, "in_progress", is_included, weight, percent)


def a_driver(rank: int, ref: str) -> Driver:
    return Driver(rank, ref, 1, "Milestone", 1, "red", "overdue", 1, 0, 10_000, 10_000)


@pytest.mark.parametrize(
    ("numerator", "denominator", "places", "expected"),
    [(1, 8, 2, 13), (1, 8, 3, 125), (1, 2, 0, 1), (49, 100, 0, 0), (5, 1000, 2, 1), (4, 1000, 2, 0), (0, 7, 1, 0)],
)
def test_halves_are_rounded_up(numerator: int, denominator: int, places: int, expected: int) -> None:
    assert round_half_up(numerator, denominator, places) == expected


@given(st.integers(0, 10**12), st.integers(1, 10**9), st.integers(0, 4))
def test_rounding_errs_by_half_a_unit_at_most(numerator: int, denominator: int, places: int) -> None:
    error = round_half_up(numerator, denominator, places) - Fraction(numerator * 10**places, denominator)
    assert Fraction(-1, 2) < error <= Fraction(1, 2)


@pytest.mark.parametrize(
    ("numerator", "denominator", "expected"),
    [
        (1, 0, None),
        (0, 7, 0.0),
        (1, 10**12, 0.1),
        (4, 100, 0.1),
        (14, 100, 0.1),
        (15, 100, 0.2),
        (25, 100, 0.3),
        (600, 22, 27.3),
        (9994, 100, 99.9),
        (9995, 100, 99.9),
        (10**14 - 1, 10**12, 99.9),
        (9999, 100, 99.9),
        (10_000, 100, 100.0),
    ],
)
def test_a_percentage_is_half_up_and_never_a_false_0_or_100(
    numerator: int, denominator: int, expected: float | None
) -> None:
    assert shown_percent(numerator, denominator) == expected


@given(st.integers(1, 10**9), st.fractions(0, 100))
def test_0_and_100_are_shown_only_where_they_are_true(denominator: int, share: Fraction) -> None:
    numerator = int(share * denominator)
    found = shown_percent(numerator, denominator)
    assert (found == 0.0, found == 100.0) == (numerator == 0, numerator == 100 * denominator)


@pytest.mark.parametrize(
    ("earned", "planned", "expected"),
    [
        (1, 0, None),
        (0, 5, 0.0),
        (1, 10**9, 0.01),
        (4, 100_000, 0.01),
        (6400, 1_000_000, 0.64),
        (200, 36_923, 0.54),
        (200, 20_000, 1.0),
        (1005, 100_000, 1.01),
        (100, 1, 10_000.0),
    ],
)
def test_an_index_is_half_up_and_never_a_false_0(earned: int, planned: int, expected: float | None) -> None:
    assert shown_index(earned, planned) == expected


SCHEDULED = {"included": 2, "weight": 2, "scheduled_weight": 2, "planned": 1_000_000}


@pytest.mark.parametrize(
    ("sums", "rag"),
    [
        (Sums(), Rag.NOT_APPLICABLE),
        (Sums(total=3, at_risk=0), Rag.NOT_APPLICABLE),
        (Sums(included=2, finished=2), Rag.COMPLETE),
        (Sums(**SCHEDULED, finished=2, scheduled_earned=0), Rag.COMPLETE),
        (Sums(**SCHEDULED, scheduled_earned=0), Rag.RED),
        (Sums(**SCHEDULED, scheduled_earned=6999), Rag.RED),
        (Sums(**SCHEDULED, scheduled_earned=6999, at_risk=1), Rag.RED),
        (Sums(**SCHEDULED, scheduled_earned=7000), Rag.AMBER),
        (Sums(**SCHEDULED, scheduled_earned=8999), Rag.AMBER),
        (Sums(**SCHEDULED, scheduled_earned=9000), Rag.GREEN),
        (Sums(**SCHEDULED, scheduled_earned=9000, at_risk=1), Rag.AMBER),
        (Sums(included=1, weight=1, scheduled_weight=1), Rag.NOT_DUE),
        (Sums(included=1, weight=1, scheduled_weight=1, at_risk=1), Rag.AMBER),
        (Sums(included=1, weight=1), Rag.UNSCHEDULED),
        (Sums(included=2, weight=2, finished=1, at_risk=1), Rag.AMBER),
    ],
)
def test_the_rag_of_a_set_at_its_boundaries(sums: Sums, rag: Rag) -> None:
    assert rag_of(sums) is rag


def test_sums_of_disjoint_sets_add_up_field_by_field() -> None:
    assert add_up([Sums(total=1, weight=3), Sums(total=2, at_risk=1), Sums()]) == Sums(total=3, weight=3, at_risk=1)


def test_the_sum_of_no_sets_is_nothing() -> None:
    assert add_up([]) == Sums()


def test_figures_over_nothing_are_null_and_never_0() -> None:
    shown = progress_of(Sums(total=2, proposed=2), [])
    figures = ("percent_complete", "planned_percent", "schedule_performance_index")
    assert [shown[name] for name in figures] == [None, None, None]


def test_the_figures_of_a_set_with_their_receipt() -> None:
    sums = Sums(
        total=23, included=22, proposed=1, not_started=10, in_progress=6, complete=6, unscheduled=11,
        weight=22, earned=600, scheduled_weight=11, scheduled_earned=200, planned=36_923, finished=6, at_risk=1,
    )  # fmt: skip
    shown: Any = progress_of(sums, [])
    assert (shown["percent_complete"], shown["planned_percent"], shown["schedule_performance_index"]) == (
        27.3,
        33.6,
        0.54,
    )
    assert shown["rag"] == "red"
    assert shown["receipt"] == {
        "weight": 22,
        "earned": 600,
        "scheduled_weight": 11,
        "scheduled_earned": 200,
        "planned": 36_923,
    }
    assert list(shown["milestones"]) == [
        "total", "included", "proposed", "not_started", "in_progress", "on_hold", "complete", "cancelled",
        "overdue", "unreported", "unscheduled", "rescheduled",
    ]  # fmt: skip


def test_the_gravest_drivers_come_first_then_by_ref_and_ten_at_most() -> None:
    given_drivers = [a_driver(-5, f"B-{number:02}") for number in range(MOST_DRIVERS, 0, -1)] + [a_driver(-9, "Z-1")]
    shown: Any = progress_of(Sums(), given_drivers)["drivers"]
    assert [driver["ref"] for driver in shown] == ["Z-1", *(f"B-{number:02}" for number in range(1, 10))]


def test_a_driver_is_shown_without_the_rank_that_orders_it() -> None:
    shown: Any = progress_of(Sums(), [a_driver(-5, "A")])["drivers"]
    assert [name for name in ("ref", "rank") if name in shown[0]] == ["ref"]


@pytest.mark.parametrize(
    ("before", "after", "weight_before", "weight_after", "effect"),
    [
        (a_member(0), a_member(100), 4, 4, 25.0),
        (a_member(100), a_member(0), 4, 4, -25.0),
        (a_member(40), a_member(40), 4, 4, 0.0),
        (a_member(50), a_member(50), 1, 2, -25.0),
        (None, a_member(50), 0, 1, 50.0),
        (a_member(50), None, 1, 0, -50.0),
        (a_member(50), a_member(50, is_included=False), 1, 0, -50.0),
        (a_member(50, weight=3), a_member(50, weight=1), 4, 2, -12.5),
        (None, None, 0, 0, 0.0),
    ],
)
def test_what_a_milestone_did_to_the_percentage(
    before: Member | None, after: Member | None, weight_before: int, weight_after: int, effect: float
) -> None:
    assert effect_of(before, after, weight_before, weight_after) == effect


@given(st.lists(st.tuples(st.none() | MEMBERS, st.none() | MEMBERS), max_size=9))
def test_the_effects_add_up_to_the_whole_change(members: list[tuple[Member | None, Member | None]]) -> None:
    def weigh(side: int) -> tuple[int, int]:
        held = [pair[side] for pair in members]
        counted = [member for member in held if member and member.is_included]
        return sum(each.weight for each in counted), sum(each.weight * each.percent_complete for each in counted)

    (weight_before, earned_before), (weight_after, earned_after) = weigh(0), weigh(1)
    delta = Fraction(earned_after, weight_after or 1) - Fraction(earned_before, weight_before or 1)
    effects = sum(effect_of(before, after, weight_before, weight_after) for before, after in members)
    assert effects == pytest.approx(float(delta), abs=1e-9)


OUT = a_member(40, is_included=False)


@pytest.mark.parametrize(
    ("before", "after", "effect", "reason"),
    [
        (None, a_member(), 0.0, "added"),
        (OUT, a_member(40), 1.0, "added"),
        (a_member(), None, 0.0, "removed"),
        (a_member(40), OUT, -1.0, "removed"),
        (a_member(40), a_member(50), 1.0, "updated"),
        (a_member(40), a_member(50, weight=2), 1.0, "updated"),
        (a_member(40), a_member(40, weight=2), 1.0, "reweighted"),
        (a_member(0), a_member(0, weight=2), 0.0, "reweighted"),
        (a_member(40), a_member(40), -0.5, "diluted"),
        (a_member(40), a_member(40), 0.0, None),
        (OUT, OUT, 0.0, None),
        (None, OUT, 0.0, None),
        (OUT, None, 0.0, None),
        (None, None, 0.0, None),
    ],
)
def test_why_a_milestone_moved_the_figure(
    before: Member | None, after: Member | None, effect: float, reason: str | None
) -> None:
    assert reason_of(before, after, effect) == reason
