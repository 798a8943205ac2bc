"""What must hold between the values of one row of the plan."""

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.errors import Fault
from service.plan.rules import (
    UNREPORTED,
    MilestoneStatus,
    Standing,
    decision_faults,
    milestone_faults,
    running_faults,
    settle_percent,
)

STANDINGS = st.builds(Standing, st.sampled_from(MilestoneStatus), st.integers(0, 100))
IN_PROGRESS, ON_HOLD, COMPLETE = MilestoneStatus.IN_PROGRESS, MilestoneStatus.ON_HOLD, MilestoneStatus.COMPLETE
NOT_STARTED, PROPOSED, CANCELLED = MilestoneStatus.NOT_STARTED, MilestoneStatus.PROPOSED, MilestoneStatus.CANCELLED
AT_40, DONE = Standing(IN_PROGRESS, 40), Standing(COMPLETE, 100)
CANCELLED_WHEN_DONE = Standing(CANCELLED, 100)


@pytest.mark.parametrize(
    ("status", "named", "before", "percent"),
    [
        (COMPLETE, None, UNREPORTED, 100),
        (COMPLETE, 100, AT_40, 100),
        (COMPLETE, None, DONE, 100),
        (NOT_STARTED, None, AT_40, 0),
        (NOT_STARTED, 0, DONE, 0),
        (PROPOSED, None, AT_40, 0),
        (IN_PROGRESS, None, UNREPORTED, 0),
        (IN_PROGRESS, None, AT_40, 40),
        (IN_PROGRESS, 0, AT_40, 0),
        (IN_PROGRESS, 99, UNREPORTED, 99),
        (IN_PROGRESS, 80, DONE, 80),
        (ON_HOLD, None, AT_40, 40),
        (ON_HOLD, None, UNREPORTED, 0),
        (ON_HOLD, 30, DONE, 30),
        (CANCELLED, None, AT_40, 40),
        (CANCELLED, None, DONE, 100),
        (CANCELLED, 10, AT_40, 10),
    ],
)
def test_a_report_stands_for_this_percentage(
    status: MilestoneStatus, named: int | None, before: Standing, percent: int
) -> None:
    assert settle_percent(status, named, before) == percent


@pytest.mark.parametrize(
    ("status", "named", "before", "why"),
    [
        (COMPLETE, 99, AT_40, "A milestone that is complete is at 100 %"),
        (COMPLETE, 0, AT_40, "A milestone that is complete is at 100 %"),
        (NOT_STARTED, 1, AT_40, "A milestone that is not_started is at 0 %"),
        (PROPOSED, 50, AT_40, "A milestone that is proposed is at 0 %"),
        (IN_PROGRESS, 100, AT_40, "Work in progress is at 0 to 99 %"),
        (IN_PROGRESS, None, DONE, "This milestone stood at 100 %"),
        (ON_HOLD, None, DONE, "This milestone stood at 100 %"),
        (IN_PROGRESS, None, CANCELLED_WHEN_DONE, "This milestone stood at 100 %"),
    ],
)
def test_a_report_that_contradicts_itself_is_refused(
    status: MilestoneStatus, named: int | None, before: Standing, why: str
) -> None:
    found = settle_percent(status, named, before)
    assert isinstance(found, Fault)
    assert found.pointer == "/percent_complete"
    assert found.detail.startswith(why)


@given(st.sampled_from(MilestoneStatus), st.none() | st.integers(0, 100), STANDINGS)
def test_what_is_settled_is_what_the_terms_allow(status: MilestoneStatus, named: int | None, before: Standing) -> None:
    found = settle_percent(status, named, before)
    if isinstance(found, int):
        fixed = {COMPLETE: range(100, 101), NOT_STARTED: range(1), PROPOSED: range(1), IN_PROGRESS: range(100)}
        assert found in fixed.get(status, range(101))
        assert named is None or found == named


@given(st.sampled_from(MilestoneStatus), STANDINGS)
def test_a_percentage_once_settled_may_be_named(status: MilestoneStatus, before: Standing) -> None:
    found = settle_percent(status, None, before)
    if isinstance(found, int):
        assert settle_percent(status, found, before) == found


Rule = Callable[[dict[str, Any]], Iterable[Fault]]


@pytest.mark.parametrize(
    ("rule", "values", "pointers"),
    [
        (milestone_faults, {}, []),
        (milestone_faults, {"start_on": "2019-01-01", "due_on": "2019-01-01"}, []),
        (milestone_faults, {"start_on": "2019-01-02", "due_on": "2019-01-01"}, ["/due_on"]),
        (milestone_faults, {"start_on": "2019-01-02"}, []),
        (milestone_faults, {"due_on": "2019-01-30", "due_precision": "day"}, []),
        (milestone_faults, {"due_on": "2019-01-31", "due_precision": "month"}, []),
        (milestone_faults, {"due_on": "2019-01-30", "due_precision": "month"}, ["/due_on"]),
        (milestone_faults, {"due_on": "2019-01-31", "due_precision": "quarter"}, ["/due_on"]),
        (milestone_faults, {"due_on": "2019-03-31", "due_precision": "quarter"}, []),
        (milestone_faults, {"due_on": "2019-06-30", "due_precision": "year"}, ["/due_on"]),
        (milestone_faults, {"due_on": "2019-03-31", "due_precision": "year"}, []),
        (milestone_faults, {"due_on": "2019-12-31", "due_precision": "year"}, []),
        (milestone_faults, {"due_precision": "month"}, []),
        (
            milestone_faults,
            {"start_on": "2019-02-01", "due_on": "2019-01-30", "due_precision": "month"},
            ["/due_on"] * 2,
        ),
        (running_faults, {"starts_on": "2019-01-01"}, []),
        (running_faults, {"starts_on": "2019-01-01", "ends_on": "2019-01-01"}, []),
        (running_faults, {"starts_on": "2019-01-01", "ends_on": "2018-12-31"}, ["/ends_on"]),
        (decision_faults, {"precision": "month"}, []),
        (decision_faults, {"decided_on": "2017-12-31", "precision": "month"}, []),
        (decision_faults, {"decided_on": "2017-12-30", "precision": "month"}, ["/decided_on"]),
    ],
)
def test_dates_that_do_not_go_together_are_named(rule: Rule, values: dict[str, str], pointers: list[str]) -> None:
    typed = {name: date.fromisoformat(value) if name.endswith("_on") else value for name, value in values.items()}
    assert [fault.pointer for fault in rule(typed)] == pointers
