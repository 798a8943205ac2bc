"""Indicators and their values: what may be recorded, and how each value compares."""

from typing import Any

import pytest

from tests.api.conftest import numbers
from tests.conftest import Api
from tests.factories import Body, Plan, bodies

VALUE: Body = {"published_on": "2018-12-10", "value": 65}
COUNTS: Body = {"numerator": 65, "denominator": 100}


def new_indicator(api: Api, plan: Plan, **values: Any) -> str:
    """Make an indicator and return the address of its values."""
    row = api.made("/v1/indicators", **{**bodies(plan)["indicators"], "ref": f"new-{next(numbers)}", **values})
    return f"/v1/indicators/{row['id']}/observations"


@pytest.fixture
def values_at(shared: Api, plan: Plan) -> str:
    """The address of the values of a new indicator, of which high is good."""
    return new_indicator(shared, plan)


def test_a_value_is_answered_as_it_is_listed(shared: Api, plan: Plan, values_at: str) -> None:
    given = {
        **VALUE,
        **COUNTS,
        "category": "Opiate",
        "area_id": plan.area,
        "period_start": "2018-04-01",
        "period_end": "2018-09-30",
        "comparator_value": 50.5,
        "commentary": "A large proportion have entrenched long-term use.",
    }
    answer = shared.post(values_at, given)
    assert answer.status_code == 201
    assert {key: answer.json()[key] for key in given} == given
    assert shared.get(values_at).json() == {"items": [answer.json()], "next": None}


@pytest.mark.parametrize(
    ("numerator", "denominator", "lower", "upper"),
    [(65, 100, 55.25444, 73.63575), (1, 100, 0.17674, 5.44862), (0, 10, 0.0, 27.75328), (10, 10, 72.24672, 100.0)],
)
def test_counts_give_the_wilson_interval_in_percent(
    shared: Api, values_at: str, numerator: int, denominator: int, lower: float, upper: float
) -> None:
    row = shared.made(values_at, **VALUE, numerator=numerator, denominator=denominator)
    assert (row["lower"], row["upper"]) == (pytest.approx(lower, abs=1e-5), pytest.approx(upper, abs=1e-5))


# 65 of 100 is 55.3 to 73.6.
@pytest.mark.parametrize(
    ("polarity", "comparator", "judgement"),
    [
        ("high_good", 50, "better"),
        ("high_good", 80, "worse"),
        ("low_good", 50, "worse"),
        ("low_good", 80, "better"),
        ("no_judgement", 50, "higher"),
        ("no_judgement", 80, "lower"),
        ("high_good", 60, "similar"),
        ("low_good", 56, "similar"),
        ("no_judgement", 73, "similar"),
        ("high_good", None, "not_testable"),
    ],
)
def test_a_value_is_judged_by_polarity(
    shared: Api, plan: Plan, polarity: str, comparator: float | None, judgement: str
) -> None:
    where = new_indicator(shared, plan, polarity=polarity)
    row = shared.made(where, **VALUE, **COUNTS, comparator_value=comparator)
    assert row["judgement"] == judgement


def test_without_counts_nothing_is_judged_and_the_difference_told(shared: Api, values_at: str) -> None:
    row = shared.made(values_at, **{**VALUE, "value": 52.6}, comparator_value=37.0)
    assert (row["judgement"], row["lower"], row["upper"], row["difference"]) == ("not_testable", None, None, 15.6)


def test_without_a_comparator_there_is_no_difference(shared: Api, values_at: str) -> None:
    row = shared.made(values_at, **VALUE, **COUNTS)
    assert (row["difference"], row["judgement"]) == (None, "not_testable")
    assert row["lower"] is not None


def test_another_polarity_judges_old_values_anew_and_what_was_known_stays(shared: Api, plan: Plan) -> None:
    where = new_indicator(shared, plan)
    row = shared.made(where, **VALUE, **COUNTS, comparator_value=50)
    shared.patch(where.removesuffix("/observations"), {"polarity": "low_good"})
    (now,) = shared.get(where).json()["items"]
    (then,) = shared.get(f"{where}?known_at={row['recorded_at']}").json()["items"]
    assert (row["judgement"], now["judgement"], then["judgement"]) == ("better", "worse", "better")


def test_a_value_is_corrected_by_another(shared: Api, values_at: str) -> None:
    wrong = shared.made(values_at, **VALUE)
    right = shared.made(values_at, **{**VALUE, "value": 56})
    assert shared.get(values_at).json()["items"] == [wrong, right]
    assert shared.get(f"{values_at}?known_at={wrong['recorded_at']}").json()["items"] == [wrong]


@pytest.mark.parametrize(
    ("values", "pointer"),
    [
        ({"numerator": 65}, "/denominator"),
        ({"denominator": 100}, "/denominator"),
        ({"numerator": 101, "denominator": 100}, "/numerator"),
        ({"numerator": 0, "denominator": 0}, "/denominator"),
        ({"numerator": -1, "denominator": 1}, "/numerator"),
        ({"period_start": "2018-10-01", "period_end": "2018-09-30"}, "/period_end"),
        ({"area_id": 999_999}, "/area_id"),
        ({"published_on": None}, "/published_on"),
        ({"value": None}, "/value"),
        ({"value": "65"}, "/value"),
        ({"judgement": "better"}, "/judgement"),
    ],
)
def test_a_value_that_breaks_a_rule_is_refused(shared: Api, values_at: str, values: Body, pointer: str) -> None:
    answer = shared.post(values_at, {**VALUE, **values})
    assert answer.status_code == 422
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]
    assert shared.get(values_at).json()["items"] == []


def test_an_indicator_tells_about_its_own_strategy(shared: Api, plan: Plan, own_plan: Plan) -> None:
    body = {**bodies(plan)["indicators"], "ref": f"new-{next(numbers)}"}
    for field, value, pointer in (
        ("priority_ids", [own_plan.priority], "/priority_ids/0"),
        ("workstream_id", own_plan.workstream, "/workstream_id"),
    ):
        answer = shared.post("/v1/indicators", {**body, field: value})
        assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]


def test_values_of_an_indicator_that_is_gone_stay_known(shared: Api, values_at: str) -> None:
    row = shared.made(values_at, **VALUE)
    shared.delete(values_at.removesuffix("/observations"))
    assert shared.get(values_at).status_code == 404
    assert shared.post(values_at, VALUE).status_code == 404
    assert shared.get(f"{values_at}?known_at={row['recorded_at']}").json()["items"] == [row]


def test_the_sample_shows_no_other_comparison_than_the_report(sample: Api) -> None:
    rows = sample.get("/v1/indicators/2/observations").json()["items"]
    assert [(row["category"], row["value"], row["difference"], row["judgement"]) for row in rows] == [
        ("Opiate", 3.8, -0.2, "not_testable"),
        ("Non-opiate", 52.6, 15.6, "not_testable"),
        ("Alcohol", 44.8, 4.1, "not_testable"),
        ("Alcohol and non-opiate", 47.1, 14.7, "not_testable"),
    ]
