"""The progress rules of `design.md`, sections 2 to 4, once more in plain Python.

Tests hold the production implementation against this one. It was written from the text of that
page alone and shares no code with the service: it is slow, direct and exact (integers and
fractions; floats only where a figure is shown).

Instants are represented by `seq`, the order of recording: a later instant has a larger `seq`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Generic, Protocol, TypedDict, TypeVar

NOT_INCLUDED = frozenset({"proposed", "on_hold", "cancelled"})
DRIVERS_SHOWN = 10
Z_95 = Decimal("1.959963984540054")


# The plan, its history and the reports on it.


@dataclass(frozen=True)
class Update:
    id: int
    seq: int
    effective_on: date
    status: str
    percent_complete: int
    forecast_on: date | None = None
    confidence: str | None = None


@dataclass(frozen=True)
class Milestone:
    id: int
    ref: str
    title: str
    workstream_id: int
    owner_id: int | None
    weight: int
    agreed_on: date
    start_on: date | None
    due_on: date | None
    baseline_due_on: date | None


@dataclass(frozen=True)
class Workstream:
    id: int
    ref: str
    title: str
    status: str
    priority_ids: frozenset[int]
    lead_organisation_id: int
    owner_id: int | None


@dataclass(frozen=True)
class Owner:
    id: int
    ref: str
    post: str
    organisation_id: int


@dataclass(frozen=True)
class Priority:
    id: int
    ref: str
    title: str
    position: int


@dataclass(frozen=True)
class Organisation:
    id: int
    ref: str
    name: str


class HasId(Protocol):
    @property
    def id(self) -> int: ...


Row = TypeVar("Row", bound=HasId)


@dataclass(frozen=True)
class Known(Generic[Row]):
    """A row as it was defined from `from_seq` until just before `to_seq` (None: still)."""

    row: Row
    from_seq: int
    to_seq: int | None = None

    def is_known_at(self, seq: int) -> bool:
        return self.from_seq <= seq and (self.to_seq is None or seq < self.to_seq)


@dataclass(frozen=True)
class World:
    """All versions of the plan, and the updates by milestone id."""

    milestones: list[Known[Milestone]]
    workstreams: list[Known[Workstream]]
    owners: list[Known[Owner]]
    priorities: list[Known[Priority]]
    organisations: list[Known[Organisation]]
    updates: dict[int, list[Update]]


# The answers.


@dataclass(frozen=True)
class Fact:
    """What is true of one milestone. The flags hold whether or not it is included."""

    milestone: Milestone
    workstream: Workstream
    organisation_id: int
    status: str
    percent_complete: int
    forecast_on: date | None
    confidence: str | None
    included: bool
    planned_bp: int | None
    overdue: bool
    rescheduled: bool
    unreported: bool
    unscheduled: bool
    rag: str
    reason: str | None
    shortfall: int
    earned: int


class Counts(TypedDict):
    total: int
    included: int
    proposed: int
    not_started: int
    in_progress: int
    on_hold: int
    complete: int
    cancelled: int
    overdue: int
    unreported: int
    unscheduled: int
    rescheduled: int


class Receipt(TypedDict):
    weight: int
    earned: int
    scheduled_weight: int
    scheduled_earned: int
    planned: int


class Driver(TypedDict):
    id: int
    ref: str
    title: str
    workstream_id: int
    rag: str
    reason: str | None
    weight: int
    percent_complete: int
    planned_bp: int | None
    shortfall: int


class Progress(TypedDict):
    percent_complete: float | None
    planned_percent: float | None
    schedule_performance_index: float | None
    rag: str
    milestones: Counts
    receipt: Receipt
    drivers: list[Driver]


class Group(TypedDict):
    id: int | None
    ref: str | None
    title: str | None
    progress: Progress


class GroupedProgress(TypedDict):
    total: Progress
    groups: list[Group]


class Change(TypedDict):
    milestone_id: int
    reason: str
    effect: Fraction


# The functional form, because `from` is a keyword.
Changes = TypedDict(
    "Changes",
    {"from": Progress, "to": Progress, "delta": Fraction | None, "changes": list[Change]},
)


# One milestone.


def known(versions: Iterable[Known[Row]], seq: int) -> dict[int, Row]:
    """The rows known at `seq`, by id. Raises ValueError where two versions of one overlap."""
    rows: dict[int, Row] = {}
    for version in versions:
        if version.is_known_at(seq):
            if version.row.id in rows:
                raise ValueError(f"two versions of {version.row!r} are known at {seq}")
            rows[version.row.id] = version.row
    return rows


def find_latest_update(updates: Iterable[Update], as_at: date, seq: int) -> Update | None:
    """The last of those true by `as_at` and recorded by `seq`, by effective date, then seq, id."""
    candidates = [u for u in updates if u.effective_on <= as_at and u.seq <= seq]
    return max(candidates, key=lambda u: (u.effective_on, u.seq, u.id), default=None)


def planned_bp(milestone: Milestone, as_at: date) -> int | None:
    """Basis points (0-10000) planned to be done; None where there is no due date.

    From 1 October to 1 January are 92 days: on 31 December 91 of them are over, 9891 of 10000.
    """
    if milestone.due_on is None:
        return None
    if as_at >= milestone.due_on:
        return 10000
    if milestone.start_on is None or as_at < milestone.start_on:
        return 0
    gone = (as_at - milestone.start_on).days
    return 10000 * gone // (milestone.due_on - milestone.start_on).days


def fact(world: World, milestone: Milestone, as_at: date, seq: int) -> Fact:
    """The facts of a milestone as it was defined at `seq`; LookupError where a parent is missing.

    It does not ask whether the milestone is in the plan: `facts` does.
    """
    workstream = known(world.workstreams, seq)[milestone.workstream_id]
    organisation_id = workstream.lead_organisation_id
    if milestone.owner_id is not None:
        organisation_id = known(world.owners, seq)[milestone.owner_id].organisation_id

    update = find_latest_update(world.updates.get(milestone.id, []), as_at, seq)
    status = "not_started" if update is None else update.status
    percent = 0 if update is None else update.percent_complete
    forecast_on = None if update is None else update.forecast_on

    due_on = milestone.due_on
    bp = planned_bp(milestone, as_at)
    included = status not in NOT_INCLUDED and workstream.status not in NOT_INCLUDED
    overdue = due_on is not None and as_at > due_on and status != "complete"
    is_late = forecast_on is not None and due_on is not None and forecast_on > due_on
    rag = milestone_rag(included, status, percent, bp, overdue, is_late)

    return Fact(
        milestone=milestone,
        workstream=workstream,
        organisation_id=organisation_id,
        status=status,
        percent_complete=percent,
        forecast_on=forecast_on,
        confidence=None if update is None else update.confidence,
        included=included,
        planned_bp=bp,
        overdue=overdue,
        rescheduled=(
            due_on is not None and milestone.baseline_due_on is not None and due_on > milestone.baseline_due_on
        ),
        unreported=update is None,
        unscheduled=due_on is None,
        rag=rag,
        reason=reason_for(rag, percent, bp, overdue, is_late),
        shortfall=0 if bp is None else max(0, bp - 100 * percent),
        earned=milestone.weight * percent,
    )


def milestone_rag(included: bool, status: str, percent: int, bp: int | None, overdue: bool, is_late: bool) -> str:
    """The first rag that applies; `bp` is None where there is no due date.

    50 % done where 80 % (8000) is planned: 50000 < 56000, so red.
    """
    if not included:
        return "not_applicable"
    if status == "complete":
        return "complete"
    if bp is None:
        return "unscheduled"
    if overdue or is_behind(percent, bp, 7):
        return "red"
    if is_late or is_behind(percent, bp, 9):
        return "amber"
    if bp == 0:
        return "not_due"
    return "green"


def is_behind(percent: int, bp: int, tenths: int) -> bool:
    """Whether less than so many tenths of what was planned is done."""
    return bp > 0 and percent * 1000 < tenths * bp


def reason_for(rag: str, percent: int, bp: int | None, overdue: bool, is_late: bool) -> str | None:
    """Why a milestone is red or amber; None for every other rag."""
    if rag not in {"red", "amber"}:
        return None
    if overdue:
        return "overdue"
    if bp is not None and is_behind(percent, bp, 9):
        return "behind_plan"
    assert is_late, "a milestone is red or amber for one of three reasons"
    return "forecast_late"


def facts(world: World, as_at: date, seq: int) -> list[Fact]:
    """One fact for each milestone in the plan at `as_at` as known at `seq`, by id."""
    milestones = known(world.milestones, seq).values()
    agreed = [milestone for milestone in milestones if milestone.agreed_on <= as_at]
    return [fact(world, m, as_at, seq) for m in sorted(agreed, key=lambda m: m.id)]


# Any set of milestones.


def roll_up(members: Iterable[Fact]) -> Progress:
    """P of section 4 for a set of milestones, each given once."""
    everyone = list(members)
    included = [f for f in everyone if f.included]
    receipt = receipt_of(included)
    return {
        "percent_complete": show_percent(receipt["earned"], receipt["weight"]),
        "planned_percent": show_percent(receipt["planned"], 100 * receipt["scheduled_weight"]),
        "schedule_performance_index": show_index(100 * receipt["scheduled_earned"], receipt["planned"]),
        "rag": set_rag(included, receipt),
        "milestones": counts_of(everyone, included),
        "receipt": receipt,
        "drivers": drivers_of(included),
    }


def receipt_of(included: list[Fact]) -> Receipt:
    scheduled = [(f, f.planned_bp) for f in included if f.planned_bp is not None]
    return {
        "weight": sum(f.milestone.weight for f in included),
        "earned": sum(f.earned for f in included),
        "scheduled_weight": sum(f.milestone.weight for f, _ in scheduled),
        "scheduled_earned": sum(f.earned for f, _ in scheduled),
        "planned": sum(f.milestone.weight * bp for f, bp in scheduled),
    }


def counts_of(everyone: list[Fact], included: list[Fact]) -> Counts:
    statuses = [f.status for f in everyone]
    return {
        "total": len(everyone),
        "included": len(included),
        "proposed": statuses.count("proposed"),
        "not_started": statuses.count("not_started"),
        "in_progress": statuses.count("in_progress"),
        "on_hold": statuses.count("on_hold"),
        "complete": statuses.count("complete"),
        "cancelled": statuses.count("cancelled"),
        "overdue": sum(f.overdue for f in included),
        "unreported": sum(f.unreported for f in included),
        "unscheduled": sum(f.unscheduled for f in included),
        "rescheduled": sum(f.rescheduled for f in included),
    }


def set_rag(included: list[Fact], receipt: Receipt) -> str:
    """The rag of a set, by the exact index and never by the one shown."""
    if not included:
        return "not_applicable"
    if all(f.status == "complete" for f in included):
        return "complete"
    rag = index_rag(receipt)
    if rag != "red" and any(f.rag in {"red", "amber"} for f in included):
        return "amber"
    return rag


def index_rag(receipt: Receipt) -> str:
    if receipt["planned"] == 0:
        return "unscheduled" if receipt["scheduled_weight"] == 0 else "not_due"
    index = Fraction(100 * receipt["scheduled_earned"], receipt["planned"])
    if index < Fraction(7, 10):
        return "red"
    if index < Fraction(9, 10):
        return "amber"
    return "green"


def drivers_of(included: list[Fact]) -> list[Driver]:
    """The red and amber members, largest weight × shortfall first, then by ref and id."""
    troubled = [f for f in included if f.rag in {"red", "amber"}]
    troubled.sort(key=lambda f: (-f.milestone.weight * f.shortfall, f.milestone.ref, f.milestone.id))
    return [
        {
            "id": f.milestone.id,
            "ref": f.milestone.ref,
            "title": f.milestone.title,
            "workstream_id": f.milestone.workstream_id,
            "rag": f.rag,
            "reason": f.reason,
            "weight": f.milestone.weight,
            "percent_complete": f.percent_complete,
            "planned_bp": f.planned_bp,
            "shortfall": f.shortfall,
        }
        for f in troubled[:DRIVERS_SHOWN]
    ]


# Groups.


def everything(_: Fact) -> bool:
    return True


def progress(
    world: World,
    as_at: date,
    seq: int,
    group_by: str,
    keep: Callable[[Fact], bool] = everything,
) -> GroupedProgress:
    """The total and the groups over the milestones to keep.

    Groups by priority and workstream are there without milestones too; the others are not.
    """
    members = [f for f in facts(world, as_at, seq) if keep(f)]
    groups: list[Group] = []
    for group_id, ref, title in headings(world, seq, group_by, members):
        own = [f for f in members if group_id in group_ids(f, group_by)]
        if own or group_by in {"priority", "workstream"}:
            groups.append({"id": group_id, "ref": ref, "title": title, "progress": roll_up(own)})
    return {"total": roll_up(members), "groups": groups}


def group_ids(f: Fact, group_by: str) -> frozenset[int | None]:
    """The groups a milestone counts in, in full in each."""
    if group_by == "priority":
        return frozenset(f.workstream.priority_ids)
    if group_by == "workstream":
        return frozenset({f.workstream.id})
    if group_by == "organisation":
        return frozenset({f.organisation_id})
    if group_by == "owner":
        return frozenset({f.milestone.owner_id})
    if group_by == "milestone":
        return frozenset({f.milestone.id})
    raise ValueError(f"cannot group by {group_by!r}")


def headings(
    world: World, seq: int, group_by: str, members: list[Fact]
) -> list[tuple[int | None, str | None, str | None]]:
    """The id, ref and title of every group that may be shown, in order; no owner comes last."""
    if group_by == "priority":
        priorities = known(world.priorities, seq).values()
        in_order = sorted(priorities, key=lambda p: (p.position, p.id))
        return [(p.id, p.ref, p.title) for p in in_order]
    if group_by == "workstream":
        workstreams = known(world.workstreams, seq)
        return [(i, w.ref, w.title) for i, w in sorted(workstreams.items())]
    if group_by == "organisation":
        organisations = known(world.organisations, seq)
        return [(i, o.ref, o.name) for i, o in sorted(organisations.items())]
    if group_by == "owner":
        owners = known(world.owners, seq)
        return [*((i, o.ref, o.post) for i, o in sorted(owners.items())), (None, None, None)]
    if group_by == "milestone":
        return [(f.milestone.id, f.milestone.ref, f.milestone.title) for f in members]
    raise ValueError(f"cannot group by {group_by!r}")


# Two answers compared.


def changes(
    world: World,
    frm: tuple[date, int],
    to: tuple[date, int],
    keep: Callable[[Fact], bool] = everything,
) -> Changes:
    """What moved the percentage, in exact percentage points.

    An empty side counts as 0 in the effects, so that they add up to `delta` where there is one.
    """
    before = [f for f in facts(world, *frm) if keep(f)]
    after = [f for f in facts(world, *to) if keep(f)]
    old = {f.milestone.id: f for f in before if f.included}
    new = {f.milestone.id: f for f in after if f.included}
    old_weight = sum(f.milestone.weight for f in old.values())
    new_weight = sum(f.milestone.weight for f in new.values())

    # Where a ref changed, the later one gives the order.
    refs = {i: f.milestone.ref for i, f in (old | new).items()}
    moved: list[Change] = []
    for milestone_id in refs:
        then, now = old.get(milestone_id), new.get(milestone_id)
        effect = share(now, new_weight) - share(then, old_weight)
        reason = change_reason(then, now, effect)
        if reason is not None:
            moved.append({"milestone_id": milestone_id, "reason": reason, "effect": effect})
    moved.sort(key=lambda m: (-abs(m["effect"]), refs[m["milestone_id"]], m["milestone_id"]))

    delta: Fraction | None = None
    if old_weight and new_weight:
        delta = Fraction(sum(f.earned for f in new.values()), new_weight) - Fraction(
            sum(f.earned for f in old.values()), old_weight
        )
    return {
        "from": roll_up(before),
        "to": roll_up(after),
        "delta": delta,
        "changes": moved,
    }


def share(member: Fact | None, total_weight: int) -> Fraction:
    """The percentage points that a member brings to its side; 0 where it is not there."""
    return Fraction(0) if member is None else Fraction(member.earned, total_weight)


def change_reason(then: Fact | None, now: Fact | None, effect: Fraction) -> str | None:
    """The first reason that applies; None where nothing differs and nothing moved."""
    if then is None:
        return "added"
    if now is None:
        return "removed"
    if then.percent_complete != now.percent_complete:
        return "updated"
    if then.milestone.weight != now.milestone.weight:
        return "reweighted"
    return "diluted" if effect else None


# Figures as shown.


def show_percent(numerator: int, denominator: int) -> float | None:
    """A percentage (0-100) to one decimal, half up, never a false 0 or 100; None over 0.

    4 over 100 is 0.04, which shows as 0.1; 9996 over 100 shows as 99.9.
    """
    if denominator == 0:
        return None
    tenths = _half_up(10 * numerator, denominator)
    if numerator > 0:
        tenths = max(tenths, 1)
    if numerator < 100 * denominator:
        tenths = min(tenths, 999)
    return tenths / 10


def show_index(numerator: int, denominator: int) -> float | None:
    """An index (0 or more) to two decimals, half up, never a false 0; None over 0.

    7 over 8 is 0.875, which shows as 0.88.
    """
    if denominator == 0:
        return None
    hundredths = _half_up(100 * numerator, denominator)
    if numerator > 0:
        hundredths = max(hundredths, 1)
    return hundredths / 100


def _half_up(numerator: int, denominator: int) -> int:
    return (2 * numerator + denominator) // (2 * denominator)


# Proportions.


def wilson(numerator: int, denominator: int) -> tuple[float, float]:
    """The 95 % Wilson score interval of a proportion, each end between 0 and 1.

    Wilson (1927), as in Newcombe (1998), method 3. 65 of 100 gives 0.5525444 to 0.7363575.
    Raises ValueError without a denominator, or where the numerator is not between 0 and it.
    """
    if denominator <= 0 or not 0 <= numerator <= denominator:
        raise ValueError(f"{numerator} of {denominator} is not a proportion")
    with localcontext() as context:
        context.prec = 60
        hits, trials, z2 = Decimal(numerator), Decimal(denominator), Z_95 * Z_95
        centre = 2 * hits + z2
        spread = Z_95 * (z2 + 4 * hits * (trials - hits) / trials).sqrt()
        scale = 2 * (trials + z2)
        # At 0 and at all of them one end is exact, and only the square root's last digit is not.
        low = Decimal(0) if numerator == 0 else (centre - spread) / scale
        high = Decimal(1) if numerator == denominator else (centre + spread) / scale
        return float(low), float(high)
