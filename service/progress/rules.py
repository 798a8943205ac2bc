"""The progress rules for a set of milestones: from exact sums to the figures that are shown. Pure.

What holds for one milestone (its planned part, rag, shortfall) is said once in SQL, in `progress.facts`, where the
sums are made too; the figures of any set follow from those sums here.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from enum import StrEnum

RULES_VERSION = 1
MOST_DRIVERS = 10


class Rag(StrEnum):
    """How a milestone, or a set of them, stands against its plan."""

    NOT_APPLICABLE = "not_applicable"
    COMPLETE = "complete"
    UNSCHEDULED = "unscheduled"
    RED = "red"
    AMBER = "amber"
    NOT_DUE = "not_due"
    GREEN = "green"


class DriverReason(StrEnum):
    """Why a milestone is red or amber."""

    OVERDUE = "overdue"
    BEHIND_PLAN = "behind_plan"
    FORECAST_LATE = "forecast_late"


class GroupBy(StrEnum):
    """What a roll-up is divided by."""

    PRIORITY = "priority"
    WORKSTREAM = "workstream"
    ORGANISATION = "organisation"
    OWNER = "owner"


@dataclass
class Sums:
    """The exact integers of a set of milestones. They add up: a milestone is in one cell only.

    `earned` is Σ weight × percent, `planned` Σ weight × planned basis points; both over included milestones, the
    scheduled ones over those with a due date. `at_risk` counts red and amber members, `finished` included
    members that are complete.
    """

    total: int = 0
    included: int = 0
    proposed: int = 0
    not_started: int = 0
    in_progress: int = 0
    on_hold: int = 0
    complete: int = 0
    cancelled: int = 0
    overdue: int = 0
    unreported: int = 0
    unscheduled: int = 0
    rescheduled: int = 0
    weight: int = 0
    earned: int = 0
    scheduled_weight: int = 0
    scheduled_earned: int = 0
    planned: int = 0
    finished: int = 0
    at_risk: int = 0

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(*(getattr(self, name) + getattr(other, name) for name in SUM_NAMES))


SUM_NAMES = tuple(field.name for field in fields(Sums))
COUNT_NAMES = SUM_NAMES[:12]
RECEIPT_NAMES = SUM_NAMES[12:17]


@dataclass(frozen=True, order=True)
class Driver:
    """A red or amber milestone; the largest weight × shortfall comes first, then the ref."""

    rank: int
    ref: str
    id: int
    title: str
    workstream_id: int
    rag: str
    reason: str
    weight: int
    percent_complete: int
    planned_bp: int
    shortfall: int


def add_up(cells: Iterable[Sums]) -> Sums:
    """Return the sums of several disjoint sets together."""
    return sum(cells, Sums())


def round_half_up(numerator: int, denominator: int, places: int) -> int:
    """Return numerator ÷ denominator in units of the last place, half up: 1 ÷ 8 at 2 places is 13 (0.13)."""
    scale: int = 10**places
    return (2 * numerator * scale + denominator) // (2 * denominator)


def shown_percent(numerator: int, denominator: int) -> float | None:
    """Return a percentage to one decimal, half up, never a false 0 or 100; None over nothing.

    4 ÷ 100 (0.04) is shown as 0.1, 9996 ÷ 100 (99.96) as 99.9, 25 ÷ 100 as 0.3.
    """
    if denominator == 0:
        return None
    tenths = round_half_up(numerator, denominator, 1)
    if tenths == 0 and numerator > 0:
        tenths = 1
    elif tenths >= 1000 and numerator < 100 * denominator:  # noqa: PLR2004 A hundred percent, in tenths.
        tenths = 999
    return tenths / 10


def shown_index(earned: int, planned: int) -> float | None:
    """Return the schedule performance index 100 × earned ÷ planned to two decimals, half up, never a false 0.

    Earned 6400 of planned 1000000 is 0.64; None where nothing was planned.
    """
    if planned == 0:
        return None
    hundredths = round_half_up(100 * earned, planned, 2)
    return max(hundredths, 1 if earned else 0) / 100


def rag_of(sums: Sums) -> Rag:
    """Return the rag of a set: by its index, tempered where a member is red or amber.

    Earned 6999 against planned 1000000 (index 0.6999) is red, 7000 amber, 9000 green.
    """
    if sums.included == 0:
        return Rag.NOT_APPLICABLE
    if sums.finished == sums.included:
        return Rag.COMPLETE
    if sums.planned == 0:
        rag = Rag.NOT_DUE if sums.scheduled_weight else Rag.UNSCHEDULED
    elif 1000 * sums.scheduled_earned < 7 * sums.planned:
        return Rag.RED
    elif 1000 * sums.scheduled_earned < 9 * sums.planned:
        return Rag.AMBER
    else:
        rag = Rag.GREEN
    return Rag.AMBER if sums.at_risk else rag


def progress_of(sums: Sums, drivers: Iterable[Driver]) -> dict[str, object]:
    """Return the figures of a set as the API shows them, with their receipt and at most ten drivers."""
    return {
        "percent_complete": shown_percent(sums.earned, sums.weight),
        "planned_percent": shown_percent(sums.planned, 100 * sums.scheduled_weight),
        "schedule_performance_index": shown_index(sums.scheduled_earned, sums.planned),
        "rag": rag_of(sums).value,
        "milestones": {name: getattr(sums, name) for name in COUNT_NAMES},
        "receipt": {name: getattr(sums, name) for name in RECEIPT_NAMES},
        "drivers": [
            {name: getattr(driver, name) for name in DRIVER_NAMES} for driver in sorted(drivers)[:MOST_DRIVERS]
        ],
    }


DRIVER_NAMES = tuple(field.name for field in fields(Driver) if field.name != "rank")


@dataclass(frozen=True)
class Member:
    """A milestone at one point: what it weighs there (0 where it is not included) and has earned per unit."""

    id: int
    ref: str
    title: str
    workstream_id: int
    status: str
    is_included: bool
    weight: int
    percent_complete: int

    @property
    def counted_weight(self) -> int:
        """Its weight in the figure."""
        return self.weight if self.is_included else 0


def effect_of(before: Member | None, after: Member | None, weight_before: int, weight_after: int) -> float:
    """Return what a milestone did to the percentage, in percentage points: its share after, less its share before.

    A milestone of weight 1 that went from 0 to 100 % among four such did 25 points. A side on which nothing is
    included counts as 0.
    """
    old = 0 if before is None else before.counted_weight * before.percent_complete
    new = 0 if after is None else after.counted_weight * after.percent_complete
    numerator = new * (weight_before or 1) - old * (weight_after or 1)
    return numerator / ((weight_before or 1) * (weight_after or 1))


def reason_of(before: Member | None, after: Member | None, effect: float) -> str | None:
    """Return why a milestone moved the figure, or None where neither it nor its share changed."""
    was, is_now = before is not None and before.is_included, after is not None and after.is_included
    if was != is_now:
        return "added" if is_now else "removed"
    if before is None or after is None or not was:
        return None
    if before.percent_complete != after.percent_complete:
        return "updated"
    if before.weight != after.weight:
        return "reweighted"
    return "diluted" if effect else None
