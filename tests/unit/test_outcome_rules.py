"""Wilson intervals and what they say."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.outcomes.rules import (
    Comparison,
    Judgement,
    Polarity,
    compare,
    find_scale,
    observation_faults,
    wilson_interval,
)
from tests.reference import wilson

HIGH_GOOD, LOW_GOOD, NO_JUDGEMENT = Polarity.HIGH_GOOD, Polarity.LOW_GOOD, Polarity.NO_JUDGEMENT
COUNTS = st.integers(1, 10**9).flatmap(lambda whole: st.tuples(st.integers(0, whole), st.just(whole)))


@pytest.mark.parametrize(
    ("numerator", "denominator", "lower", "upper"),
    [
        (65, 100, 0.5525444, 0.7363575),
        (1, 100, 0.0017674, 0.0544862),
        # z² = 3.8414588; nothing of ten ends at z² ÷ (10 + z²).
        (0, 10, 0.0, 0.2775328),
        (10, 10, 0.7224672, 1.0),
    ],
)
def test_the_interval_is_the_published_one(numerator: int, denominator: int, lower: float, upper: float) -> None:
    assert wilson_interval(numerator, denominator) == pytest.approx((lower, upper), abs=5e-8)


@given(COUNTS)
def test_the_interval_is_that_of_the_reference(counts: tuple[int, int]) -> None:
    assert wilson_interval(*counts) == pytest.approx(wilson(*counts), abs=1e-9)


@given(COUNTS)
def test_the_rest_has_the_same_interval_from_the_other_end(counts: tuple[int, int]) -> None:
    numerator, denominator = counts
    lower, upper = wilson_interval(numerator, denominator)
    assert wilson_interval(denominator - numerator, denominator) == pytest.approx((1 - upper, 1 - lower), abs=1e-9)


@given(COUNTS)
def test_the_interval_holds_the_proportion_and_stays_a_proportion(counts: tuple[int, int]) -> None:
    lower, upper = wilson_interval(*counts)
    assert 0.0 <= lower <= counts[0] / counts[1] <= upper <= 1.0
    assert lower < upper


@given(st.integers(0, 1000), st.integers(1, 1000))
def test_ten_times_the_cases_narrow_the_interval(numerator: int, more: int) -> None:
    few = wilson_interval(numerator, numerator + more)
    many = wilson_interval(10 * numerator, 10 * (numerator + more))
    assert many[1] - many[0] < few[1] - few[0]


@pytest.mark.parametrize(
    ("comparator", "polarity", "judgement"),
    [
        (50.0, HIGH_GOOD, Judgement.BETTER),
        (50.0, LOW_GOOD, Judgement.WORSE),
        (50.0, NO_JUDGEMENT, Judgement.HIGHER),
        (80.0, HIGH_GOOD, Judgement.WORSE),
        (80.0, LOW_GOOD, Judgement.BETTER),
        (80.0, NO_JUDGEMENT, Judgement.LOWER),
        (60.0, HIGH_GOOD, Judgement.SIMILAR),
        (60.0, LOW_GOOD, Judgement.SIMILAR),
        (60.0, NO_JUDGEMENT, Judgement.SIMILAR),
        (55.2544, HIGH_GOOD, Judgement.BETTER),
        (55.2545, HIGH_GOOD, Judgement.SIMILAR),
        (73.6357, HIGH_GOOD, Judgement.SIMILAR),
        (73.6358, HIGH_GOOD, Judgement.WORSE),
        (None, HIGH_GOOD, Judgement.NOT_TESTABLE),
    ],
)
def test_65_of_100_against_a_comparator(comparator: float | None, polarity: Polarity, judgement: Judgement) -> None:
    found = compare(65.0, comparator, 65, 100, polarity)
    assert found.judgement is judgement
    assert (found.lower, found.upper) == pytest.approx((55.25444, 73.63575), abs=5e-6)


@pytest.mark.parametrize("polarity", Polarity)
def test_without_counts_there_is_a_difference_and_no_judgement(polarity: Polarity) -> None:
    assert compare(52.6, 37.0, None, None, polarity) == Comparison(None, None, 15.6, Judgement.NOT_TESTABLE)


def test_without_a_comparator_there_is_no_difference() -> None:
    assert compare(52.6, None, None, None, HIGH_GOOD).difference is None


@pytest.mark.parametrize(
    ("value", "comparator", "difference"),
    [(3.8, 4.0, -0.2), (0.3, 0.1, 0.2), (44.8, 40.7, 4.1), (1e15, 0.1, 1e15 - 0.1)],
)
def test_the_difference_is_that_of_the_figures_as_written(value: float, comparator: float, difference: float) -> None:
    assert compare(value, comparator, None, None, HIGH_GOOD).difference == difference


@pytest.mark.parametrize(
    ("values", "pointers"),
    [
        ({}, []),
        ({"numerator": 0, "denominator": 1}, []),
        ({"numerator": 7, "denominator": 7}, []),
        ({"numerator": 8, "denominator": 7}, ["/numerator"]),
        ({"numerator": 8}, ["/denominator"]),
        ({"denominator": 8}, ["/denominator"]),
        ({"period_start": 2, "period_end": 1}, ["/period_end"]),
        ({"period_start": 2, "period_end": 1, "numerator": 8, "denominator": 7}, ["/period_end", "/numerator"]),
    ],
)
def test_what_is_wrong_with_an_observation_is_named(values: dict[str, Any], pointers: list[str]) -> None:
    assert [fault.pointer for fault in observation_faults(values)] == pointers


@pytest.mark.parametrize(
    ("unit", "scale"),
    [
        ("percent", 100),
        ("Per cent of adults", 100),
        ("%", 100),
        ("per 1,000 residents", 1000),
        ("rate per 100000", 100_000),
        ("proportion", 1),
        ("days", None),
        ("pounds per household", None),
        ("per 0", None),
    ],
)
def test_a_unit_says_what_a_proportion_is_multiplied_by(unit: str, scale: int | None) -> None:
    assert find_scale(unit) == scale


def test_a_rate_is_compared_in_its_own_unit() -> None:
    found = compare(65.0, 64.0, 65, 1000, LOW_GOOD, unit="per 1,000")
    assert (found.lower, found.upper) == pytest.approx(tuple(1000 * bound for bound in wilson_interval(65, 1000)))
    assert found.judgement is Judgement.SIMILAR


def test_what_is_no_proportion_is_not_testable() -> None:
    assert compare(12.0, 10.0, 65, 100, LOW_GOOD, unit="days") == Comparison(None, None, 2.0, Judgement.NOT_TESTABLE)
