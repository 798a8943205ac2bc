"""The words of the plan and what must hold between the values of one row. Pure."""

from collections.abc import Iterator, Mapping
from datetime import date
from enum import StrEnum
from typing import Any, NamedTuple

from service.core.calendar import Precision, is_period_end
from service.core.errors import Fault


class OrganisationKind(StrEnum):
    """What a partner is."""

    COUNCIL = "council"
    DEPARTMENT = "department"
    POLICE_AND_CRIME_COMMISSIONER = "police_and_crime_commissioner"
    POLICE = "police"
    FIRE_AND_RESCUE = "fire_and_rescue"
    NHS = "nhs"
    PROBATION = "probation"
    PROVIDER = "provider"
    VOLUNTARY_SECTOR = "voluntary_sector"
    CENTRAL_GOVERNMENT = "central_government"
    OTHER = "other"


class WorkstreamStatus(StrEnum):
    """Where a workstream stands."""

    PROPOSED = "proposed"
    ACTIVE = "active"
    ON_HOLD = "on_hold"
    COMPLETE = "complete"
    CANCELLED = "cancelled"


class PartnerRole(StrEnum):
    """What a partner does in a workstream."""

    LEAD = "lead"
    CONTRIBUTOR = "contributor"
    COMMISSIONER = "commissioner"
    PROVIDER = "provider"
    FUNDER = "funder"


class MilestoneKind(StrEnum):
    """What sort of thing is to be done."""

    MILESTONE = "milestone"
    DELIVERABLE = "deliverable"
    ACTION = "action"


class MilestoneStatus(StrEnum):
    """Where a milestone stands."""

    PROPOSED = "proposed"
    NOT_STARTED = "not_started"
    IN_PROGRESS = "in_progress"
    ON_HOLD = "on_hold"
    COMPLETE = "complete"
    CANCELLED = "cancelled"


class Confidence(StrEnum):
    """The owner's own judgement; it never changes a rag."""

    RED = "red"
    AMBER = "amber"
    GREEN = "green"


class DecisionKind(StrEnum):
    """What a board is asked for or has done."""

    ENDORSE = "endorse"
    APPROVE = "approve"
    NOTE = "note"
    RECEIVE = "receive"
    REQUEST = "request"
    SUPPORT = "support"


class Outcome(StrEnum):
    """What became of a decision."""

    PENDING = "pending"
    AGREED = "agreed"
    DEFERRED = "deferred"
    REJECTED = "rejected"


class AwardStatus(StrEnum):
    """Where the money stands."""

    BID = "bid"
    APPROVED = "approved"
    RECEIVED = "received"
    DECLINED = "declined"


FIXED_PERCENT = {MilestoneStatus.COMPLETE: 100, MilestoneStatus.NOT_STARTED: 0, MilestoneStatus.PROPOSED: 0}
REOPENING = (MilestoneStatus.IN_PROGRESS, MilestoneStatus.ON_HOLD)


class Standing(NamedTuple):
    """What the latest report before another one said."""

    status: MilestoneStatus
    percent_complete: int


UNREPORTED = Standing(MilestoneStatus.NOT_STARTED, 0)


def settle_percent(status: MilestoneStatus, named: int | None, before: Standing) -> int | Fault:
    """Return the percentage a report stands for, or what is wrong with it.

    Complete is 100, not started and proposed are 0, in progress is 0 to 99; where none is named the last one is
    carried forward. A milestone at 40 % reported in progress without a figure stays at 40; one that was complete
    must name its new figure.
    """
    if status in FIXED_PERCENT:
        fixed = FIXED_PERCENT[status]
        if named is not None and named != fixed:
            return Fault("/percent_complete", f"A milestone that is {status.value} is at {fixed} %. Leave it out.")
        return fixed
    if named is None and before.percent_complete == 100 and status in REOPENING:  # noqa: PLR2004 All of it.
        return Fault("/percent_complete", "This milestone stood at 100 %: say what percentage it stands at now.")
    percent = before.percent_complete if named is None else named
    if status is MilestoneStatus.IN_PROGRESS and percent == 100:  # noqa: PLR2004 All of it.
        return Fault("/percent_complete", "Work in progress is at 0 to 99 %. Report it as complete, or lower it.")
    return percent


def period_faults(values: Mapping[str, Any], start: str, end: str) -> Iterator[Fault]:
    """Yield a fault where a period ends before it starts."""
    if values.get(start) and values.get(end) and values[end] < values[start]:
        yield Fault(f"/{end}", f"{end} is before {start}: change one of them.")


def precision_faults(values: Mapping[str, Any], day_field: str, precision_field: str) -> Iterator[Fault]:
    """Yield a fault where a date is not the last day of the period that its precision names."""
    day: date | None = values.get(day_field)
    precision = Precision(values.get(precision_field) or Precision.DAY)
    if day and not is_period_end(day, precision):
        yield Fault(
            f"/{day_field}",
            f"With {precision_field} {precision.value}, {day_field} is the last day of the {precision.value}.",
        )


def milestone_faults(values: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield what is wrong between the fields of a milestone."""
    yield from period_faults(values, "start_on", "due_on")
    yield from precision_faults(values, "due_on", "due_precision")


def running_faults(values: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield what is wrong between the dates of a strategy, a workstream or an award."""
    yield from period_faults(values, "starts_on", "ends_on")


def decision_faults(values: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield what is wrong between the fields of a decision."""
    yield from precision_faults(values, "decided_on", "precision")
