"""What a filter of the feed means, and in which order rows come, held against a second implementation on both engines."""

from datetime import date, timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.conftest import Api
from tests.factories import make_milestone, make_plan, report
from tests.properties.filters import WORDS, Filter, filters


class Rows(list[dict[str, Any]]):
    """Rows of a list; too many to be shown with every example."""

    def __repr__(self) -> str:
        return f"{len(self)} rows"


START = date(2018, 11, 1)
ORDERABLE = ["title", "description", "due_on", "start_on", "weight", "confidence", "overdue", "rag", "owner_id"]
often = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much], deadline=None)


@pytest.fixture(scope="module")
def rows(shared: Api) -> Rows:
    """Milestones with texts, dates and numbers of all sorts, and every field that may be null both ways."""
    plan = make_plan(shared)
    for number, (word, kind) in enumerate(product(WORDS, (0, 1, 2))):
        dates: dict[str, Any] = {}
        if kind:
            due = START + timedelta(days=40 * number)
            dates = {
                "due_on": due.isoformat(),
                "start_on": (due - timedelta(days=30)).isoformat() if kind > 1 else None,
            }
        made = make_milestone(
            shared,
            plan.workstream,
            ref=f"r-{number}",
            title=f"{word}{number % 3}{word[::-1]}",
            description=word,
            weight=1 + number * 7 % 100,
            owner_id=plan.owner if number % 4 else None,
            **dates,
        )
        if kind:
            told = (
                {"forecast_on": "2019-06-30", "confidence": ("red", "amber", "green")[number % 3]} if number % 2 else {}
            )
            report(shared, made["id"], status="in_progress", percent_complete=number % 100, **told)
    return all_rows(shared)


def all_rows(api: Api) -> Rows:
    """Return the milestones as the API lists them."""
    found = Rows(api.get("/v1/milestones?limit=1000").json()["items"])
    assert len(found) >= 3 * len(WORDS)
    return found


@often
@given(asked=filters)
def test_a_filter_finds_the_rows_for_which_it_is_true(shared: Api, rows: Rows, asked: Filter) -> None:
    answer = shared.get(f"/odata/Milestones?$select=id&$filter={asked.query}")
    # What is nested deeper than is supported is refused; few of these filters are.
    assume("nested deeper" not in answer.text)
    assert answer.status_code == 200, answer.text
    assert [row["id"] for row in answer.json()["value"]] == [row["id"] for row in rows if asked.of(row) is True]


@often
@given(
    orders=st.lists(st.tuples(st.sampled_from(ORDERABLE), st.booleans()), max_size=3, unique_by=lambda each: each[0]),
    page=st.integers(1, 60),
    skip=st.integers(0, 60),
    top=st.one_of(st.none(), st.integers(0, 60)),
)
def test_pages_put_together_are_the_rows_in_their_order(
    shared: Api, rows: Rows, orders: list[tuple[str, bool]], page: int, skip: int, top: int | None
) -> None:
    expected: list[dict[str, Any]] = sorted(rows, key=lambda row: row["id"])
    for name, is_descending in reversed(orders):
        # Null is the least of all; rows that are alike stay as they are, whichever way the order runs.
        expected.sort(
            key=lambda row: (row[name] is not None, 0 if row[name] is None else row[name]), reverse=is_descending
        )
    wanted = [row["id"] for row in expected][skip:][: len(rows) if top is None else top]
    asked = ",".join(f"{name}{' desc' if is_descending else ''}" for name, is_descending in orders)
    query = (
        f"$select=id&$skip={skip}" + (f"&$orderby={asked}" if asked else "") + ("" if top is None else f"&$top={top}")
    )
    found, following = [], f"/odata/Milestones?{query}"
    while following:
        answer = shared.get(following, headers={"Prefer": f"odata.maxpagesize={page}"})
        assert answer.status_code == 200, answer.text
        assert len(answer.json()["value"]) <= page
        found += [row["id"] for row in answer.json()["value"]]
        following = answer.json().get("@odata.nextLink", "").removeprefix("http://testserver")
    assert found == wanted
