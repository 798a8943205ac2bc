"""What the API takes and gives about milestones and progress."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from service.core.calendar import Every
from service.core.fields import LARGEST_ID, Day, Flag, Id, IdInUrl, Input, Instant, Prose, Ref, Title
from service.core.negotiation import Tabular
from service.core.schemas import Common, KnownAt, Several, UrlIds, ids_of, several
from service.plan.rules import Confidence, MilestoneKind, MilestoneStatus
from service.plan.schemas import MilestoneCreate, PlanQuery
from service.progress.rules import MOST_DRIVERS, DriverReason, GroupBy, Rag


class Answer(BaseModel):
    """What the service says: every field is always there."""

    model_config = ConfigDict(extra="forbid", json_schema_serialization_defaults_required=True)


class MilestoneVersion(Common, MilestoneCreate):
    """A milestone as the plan defines it."""

    strategy_id: Id = Field(description="The strategy of its workstream.")
    baseline_due_on: Day | None = Field(description="The first due date that was agreed.")


class MilestoneRead(MilestoneVersion):
    """A milestone with its latest report and how it stands."""

    organisation_id: Id = Field(description="Who answers for it: its owner's organisation, else its workstream's lead.")
    status: MilestoneStatus = Field(description="As last reported; not_started where nothing was.")
    percent_complete: int = Field(ge=0, le=100, description="As last reported.")
    forecast_on: Day | None = Field(description="When it will be done, as last reported.")
    confidence: Confidence | None = Field(description="The owner's own judgement; it never changes the rag.")
    reported_on: Day | None = Field(description="The date that the latest report is true of; null where there is none.")
    rag: Rag = Field(description="How it stands against its plan.")
    overdue: bool = Field(description="Whether it counts, is past its due date and is not complete.")


class MilestoneFilters(Input):
    """Which milestones a question is about."""

    priority_id: UrlIds = ids_of("these priorities")
    workstream_id: UrlIds = ids_of("these workstreams")
    organisation_id: UrlIds = ids_of("these answering organisations")
    owner_id: UrlIds = ids_of("these owners")
    kind: Several[MilestoneKind] | None = several("milestones of these kinds", "deliverable")
    status: Several[MilestoneStatus] | None = several("milestones with these statuses", "in_progress")
    rag: Several[Rag] | None = several("milestones with these rags", "red")
    overdue: Flag | None = Field(
        None, description="Only milestones that are overdue, or that are not.", examples=[True]
    )
    due_after: Day | None = Field(
        None, description="Only milestones due on this date or later.", examples=["2019-01-01"]
    )
    due_before: Day | None = Field(None, description="Only milestones due on an earlier date.", examples=["2019-04-01"])
    updated_since: Instant | None = Field(
        None,
        description="Only milestones changed in the plan at this instant or later.",
        examples=["2019-01-01T00:00:00Z"],
    )
    ref: Several[Ref] | None = several("milestones with these refs", "HOPE-3")
    q: Annotated[Prose, Field(max_length=200)] | None = Field(
        None, description="Only milestones with this text in their ref, title or description.", examples=["refuge"]
    )


class MilestoneQuery(PlanQuery, MilestoneFilters):
    """Filters of milestones."""

    strategy_id: UrlIds = ids_of("these strategies")
    as_at: Day | None = Field(
        None,
        description="The plan and the reports true of this date; today, with work agreed for later, where left out.",
        examples=["2018-12-10"],
    )


class Clocks(KnownAt, Tabular):
    """The two clocks of a question."""

    as_at: Day | None = Field(None, description="The date asked about; today where left out.", examples=["2018-12-10"])


class ChildProgressQuery(Clocks, MilestoneFilters):
    """A question about one priority or workstream."""


class ProgressQuery(ChildProgressQuery):
    """A question about a strategy."""

    strategy_id: IdInUrl = Field(description="The strategy.", examples=[1])
    group_by: GroupBy = Field(GroupBy.PRIORITY, description="What to divide by.", examples=["workstream"])


class TrendQuery(MilestoneFilters, KnownAt, Tabular):
    """A question about progress over time."""

    strategy_id: IdInUrl = Field(description="The strategy.", examples=[1])
    group_by: GroupBy = Field(GroupBy.PRIORITY, description="What to divide by.", examples=["workstream"])
    from_: Day = Field(alias="from", description="First day of the time asked about.", examples=["2018-01-01"])
    to: Day = Field(description="Last day of it.", examples=["2018-12-10"])
    every: Every = Field(Every.QUARTER, description="One point for the last day of each of these.", examples=["month"])


class ChangesQuery(MilestoneFilters, KnownAt, Tabular):
    """A question about what moved a figure."""

    strategy_id: IdInUrl = Field(description="The strategy.", examples=[1])
    from_: Day = Field(alias="from", description="The earlier date.", examples=["2018-01-01"])
    to: Day = Field(description="The later date.", examples=["2018-12-10"])
    from_known_at: Instant | None = Field(
        None,
        description="What was known for the earlier date, if other than `known_at`: as a report published then.",
        examples=["2018-12-10T09:30:00Z"],
    )


Count = Annotated[int, Field(ge=0, le=LARGEST_ID)]
Percent = Annotated[int, Field(ge=0, le=100)]
BasisPoints = Annotated[int, Field(ge=0, le=10_000)]
Weight = Annotated[int, Field(ge=1, le=1000)]


class MilestoneCounts(Answer):
    """How many milestones; the last four count included ones only."""

    total: Count = Field(description="Every milestone in the plan at the date; the six statuses add up to it.")
    included: Count = Field(description="Those that count: neither they nor their workstreams wait or are given up.")
    proposed: Count = Field(description="Those that nobody has agreed to yet.")
    not_started: Count = Field(description="Those on which work has not begun, or that nobody has reported on.")
    in_progress: Count = Field(description="Those that are being worked on.")
    on_hold: Count = Field(description="Those that wait.")
    complete: Count = Field(description="Those that are done.")
    cancelled: Count = Field(description="Those that were given up.")
    overdue: Count = Field(description="Included ones past their due date and not complete.")
    unreported: Count = Field(description="Included ones without a report.")
    unscheduled: Count = Field(description="Included ones without a due date.")
    rescheduled: Count = Field(description="Included ones now due later than was first agreed.")


class Receipt(Answer):
    """The exact integers behind the figures."""

    weight: Count = Field(description="Σ weight of the included milestones.")
    earned: Count = Field(description="Σ weight × percent complete of them.")
    scheduled_weight: Count = Field(description="Σ weight of those with a due date.")
    scheduled_earned: Count = Field(description="Σ weight × percent complete of those.")
    planned: Count = Field(description="Σ weight × planned basis points of those.")


class MilestoneName(Answer):
    """Which milestone."""

    id: Id = Field(description="Number of the milestone.")
    ref: Ref = Field(description="Its ref.")
    title: Title = Field(description="Its title.")
    workstream_id: Id = Field(description="Its workstream.")


class DriverRead(MilestoneName):
    """A red or amber milestone."""

    rag: Literal[Rag.RED, Rag.AMBER] = Field(description="How it stands against its plan.")
    reason: DriverReason = Field(description="The first that applies.")
    weight: Weight = Field(description="What it counts.")
    percent_complete: Percent = Field(description="As last reported.")
    planned_bp: BasisPoints = Field(description="Planned part in basis points, 0 to 10000.")
    shortfall: BasisPoints = Field(description="planned_bp less 100 × percent_complete, at least 0.")


class Progress(Answer):
    """How a set of milestones stands, with its receipt."""

    percent_complete: Annotated[float, Field(ge=0, le=100)] | None = Field(
        description="Earned of the weight, in percent; null where nothing counts."
    )
    planned_percent: Annotated[float, Field(ge=0, le=100)] | None = Field(
        description="Planned of the weight with a due date; null where there is none."
    )
    schedule_performance_index: Annotated[float, Field(ge=0)] | None = Field(
        description="Earned against planned, 1 being on plan; null where nothing was planned yet."
    )
    rag: Rag = Field(description="How it stands against its plan.")
    milestones: MilestoneCounts = Field(description="How many milestones there are, by status and by what ails them.")
    receipt: Receipt = Field(description="The exact integers, so that anyone can check a figure by hand.")
    drivers: Annotated[list[DriverRead], Field(max_length=MOST_DRIVERS)] = Field(
        description="The red and amber members, those that weigh most first; ten at most."
    )


class GroupProgress(Answer):
    """One group of a roll-up."""

    id: Id | None = Field(description="Null for what has no owner.")
    ref: Ref | None = Field(description="Its ref; null for what has no owner.")
    title: Title | None = Field(description="What it is called; null for what has no owner.")
    progress: Progress = Field(description="How its milestones stand.")


GROUPS = "One for each, priorities by position and the rest by id, those without milestones included."
RULES = "The version of the rules that made the figures."
ASK_AGAIN = "Ask again with this instant to get the same figures for ever."


class RollUp(Answer):
    """Progress in total and by group. A milestone counts once in the total, and in full in each of its priorities."""

    strategy_id: Id = Field(description="The strategy.")
    as_at: Day = Field(description="The date of the figures.")
    known_at: Instant = Field(description=ASK_AGAIN)
    rules_version: Literal[1] = Field(description=RULES)
    group_by: GroupBy | Literal["milestone"] = Field(description="What the total is divided by.")
    total: Progress = Field(description="How all the milestones asked about stand.")
    groups: list[GroupProgress] = Field(description=GROUPS)


class TrendPoint(Answer):
    """Progress at one date."""

    as_at: Day = Field(description="The date of the figures.")
    total: Progress = Field(description="How all the milestones asked about stood.")
    groups: list[GroupProgress] = Field(description=GROUPS)


class Trend(Answer):
    """Progress at the end of each period."""

    strategy_id: Id = Field(description="The strategy.")
    known_at: Instant = Field(description=ASK_AGAIN)
    rules_version: Literal[1] = Field(description=RULES)
    group_by: GroupBy = Field(description="What the totals are divided by.")
    points: list[TrendPoint] = Field(description="One for the end of each period, oldest first.")


class Side(Answer):
    """A milestone at one of the two dates."""

    status: MilestoneStatus = Field(description="As last reported.")
    percent_complete: Percent = Field(description="As last reported.")
    weight: Weight = Field(description="What it counted.")
    included: bool = Field(description="Whether it counted at all.")


class MoveReason(StrEnum):
    """What happened to a milestone between two dates; diluted where only the others did."""

    UPDATED = "updated"
    ADDED = "added"
    REMOVED = "removed"
    REWEIGHTED = "reweighted"
    DILUTED = "diluted"


class ProgressChange(Answer):
    """What one milestone did to the figure."""

    milestone: MilestoneName = Field(description="Which milestone.")
    reason: MoveReason = Field(description="What happened to it.")
    from_: Side | None = Field(alias="from", description="How it stood; null where it was not in the plan.")
    to: Side | None = Field(description="How it stands; null where it is not in the plan.")
    effect: float = Field(description="Percentage points; all effects add up to the unrounded delta.")


class ProgressChanges(Answer):
    """Why progress moved between two dates."""

    strategy_id: Id = Field(description="The strategy.")
    from_as_at: Day = Field(description="The earlier date.")
    to_as_at: Day = Field(description="The later date.")
    from_known_at: Instant = Field(description="Whose knowledge the earlier figures are of.")
    known_at: Instant = Field(description=ASK_AGAIN)
    rules_version: Literal[1] = Field(description=RULES)
    from_: Progress = Field(alias="from", description="How it stood at the earlier date.")
    to: Progress = Field(description="How it stood at the later date.")
    delta: float | None = Field(description="Percentage points, not rounded; null where either side has no percentage.")
    changes: list[ProgressChange] = Field(description="What each milestone did, the largest effect first.")
