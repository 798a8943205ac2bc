"""What Schemathesis is told of the service beyond its description: see schemathesis.toml."""

import re
from datetime import date, datetime, time
from typing import Any

import schemathesis
from hypothesis import strategies as st
from schemathesis import Case, CheckContext, HookContext, Response
from schemathesis.generation.meta import TestPhase

from service.core.clock import today

PROBLEM = "application/problem+json"
CONDITIONAL = ("PATCH", "DELETE")
OF_USERS = ("/v1/users/", "/v1/tokens/")
THIS_YEAR = f"{today():%Y}"
# The refusals of well-formed input: rules between values, or between what is sent and what is there.
RULES = re.compile(
    "|".join(
        (
            "The cursor is not one of this list",
            "Name each field once",
            "A file has every row",
            # What a file holds, no schema says.
            "Say which sheet this CSV file is",
            "None of its sheets is one of ours",
            "The sheet [^.]+ (has|holds)",
            "The (file|workbook) (is|holds|cannot|defines)",
            "Leave format, bom, limit and cursor out",
            "This key was used for another request",
            "Nobody knows yet",
            "There is no such (day|instant)",
            # An offset can carry an instant over either end of the years.
            "Instants run from 1900 to 2999",
            r"There is no [a-z ]+ \d+(, or you may not see it|\.)",
            "The same entry stands here twice",
            "belongs to another strategy",
            "This would make it a part of itself",
            r"_(on|start|end) is before \w+_(on|start|end)",
            r"`to` is before `from`",
            r"That is \d+ points",
            r"is the last day of the (month|quarter|year)",
            r"is at (0|100) %",
            "This milestone stood at 100 %",
            "Work in progress is at 0 to 99 %",
            "A report is true of today or an earlier date",
            "say in change_reason why",
            "Give numerator and denominator, or neither",
            "The numerator is a part of the denominator",
            "There is no such quarter",
            "its report can be made",
            "is commented on above",
            "Name a priority or a workstream",
            "Keep a partner for which you hold the role",
            "Write an address with a host",
            # Of an amount given as a JSON number: `multipleOf` would count in binary fractions.
            "Decimal input should have no more than (2 decimal places|14 digits in total)",
        )
    )
)

# The years of the plan, straight away: drawing from all years and throwing most away takes too many draws.
FIRST, LAST = date(1900, 1, 1), date(2999, 12, 31)
schemathesis.openapi.format("date", st.dates(FIRST, LAST).map(date.isoformat))
schemathesis.openapi.format(
    "date-time",
    st.datetimes(datetime.combine(FIRST, time.min), datetime.combine(LAST, time.max)).map(
        lambda instant: f"{instant.isoformat()}Z"
    ),
)


@schemathesis.hook
def before_call(context: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:  # noqa: ARG001 The hook's own form.
    """Let well-formed cases come further than to what no generator guesses: a current tag, a cursor, a past instant.

    Cases of the coverage phase stay as they are: each is about one value. The first user and token are the caller's
    own, without which nothing more can be asked: others are changed in their place.
    """
    if case.path.startswith(OF_USERS) and str(case.path_parameters.get("id")) == "1":
        case.path_parameters["id"] = 2
    meta = case.meta
    if meta is None or not meta.generation.mode.is_positive or meta.phase.name is TestPhase.COVERAGE:
        return
    if case.method.upper() in CONDITIONAL:
        case.headers["If-Match"] = "*"
    if case.query:
        case.query.pop("cursor", None)
        for clock in ("known_at", "from_known_at"):
            if str(case.query.get(clock, "")) > THIS_YEAR:
                del case.query[clock]


@schemathesis.check
def refused_for_a_reason(ctx: CheckContext, response: Response, case: Case[Any]) -> None:  # noqa: ARG001 A check's own form.
    """Well-formed input is refused only by a rule that a schema cannot say."""
    meta = case.meta
    if response.status_code not in (400, 422) or meta is None or not meta.generation.mode.is_positive:
        return
    unexplained = [fault for fault in response.json()["errors"] if not RULES.search(fault["detail"])]
    if unexplained:
        raise AssertionError(f"The schema lets through what is refused: {unexplained}")


@schemathesis.check
def errors_are_problems(ctx: CheckContext, response: Response, case: Case[Any]) -> None:  # noqa: ARG001 A check's own form.
    """Every error is a problem document that names its request."""
    if response.status_code < 400:
        return
    media_type = response.headers.get("content-type", ["none"])[0]
    assert media_type == PROBLEM, f"An error came as {media_type}"
    said = response.json()
    assert said["status"] == response.status_code
    assert said["request_id"] == response.headers["x-request-id"][0]
