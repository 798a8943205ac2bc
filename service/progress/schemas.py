"""What the API takes and gives about milestones and progress."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from service.core.calendar import Every
from service.core.fields import Day, Flag, Id, IdInUrl, Input, Instant, Prose, Ref
from service.plan.rules import Confidence, MilestoneKind, MilestoneStatus
from service.plan.schemas import Common, KnownAt, MilestoneCreate, PlanQuery, UrlIds, ids_of
from service.progress.rules import DriverReason, GroupBy, Rag


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
    kind: Annotated[list[MilestoneKind], Field(max_length=50)] | None = Field(None, description="Only these kinds.")
    status: Annotated[list[MilestoneStatus], Field(max_length=50)] | None = Field(
        None, description="Only these statuses."
    )
    rag: Annotated[list[Rag], Field(max_length=50)] | None = Field(None, description="Only these rags.")
    overdue: Flag | None = Field(None, description="Only those that are overdue, or are not.")
    due_after: Day | None = Field(None, description="Only those due on this date or later.")
    due_before: Day | None = Field(None, description="Only those due on an earlier date.")
    updated_since: Instant | None = Field(None, description="Only those changed in the plan at this instant or later.")
    ref: Annotated[list[Ref], Field(max_length=100)] | None = Field(None, description="Only those with these refs.")
    q: Annotated[Prose, Field(max_length=200)] | None = Field(
        None, description="Only those with this text in their ref, title or description."
    )


class MilestoneQuery(PlanQuery, MilestoneFilters):
    """Filters of milestones."""

    strategy_id: UrlIds = ids_of("these strategies")
    as_at: Day | None = Field(
        None,
        description="The plan and the reports true of this date; today, with work agreed for later, where left out.",
    )


class Clocks(KnownAt):
    """The two clocks of a question."""

    as_at: Day | None = Field(None, description="The date asked about; today where left out.", examples=["2018-12-10"])


class ChildProgressQuery(Clocks, MilestoneFilters):
    """A question about one priority or workstream."""


class ProgressQuery(ChildProgressQuery):
    """A question about a strategy."""

    strategy_id: IdInUrl = Field(description="The strategy.", examples=[1])
    group_by: GroupBy = Field(GroupBy.PRIORITY, description="What to divide by.")


class TrendQuery(MilestoneFilters, KnownAt):
    """A question about progress over time."""

    strategy_id: IdInUrl = Field(description="The strategy.", examples=[1])
    group_by: GroupBy = Field(GroupBy.PRIORITY, description="What to divide by.")
    from_: Day = Field(alias="from", description="First day of the time asked about.", examples=["2018-01-01"])
    to: Day = Field(description="Last day of it.", examples=["2018-12-10"])
    every: Every = Field(Every.QUARTER, description="One point for the last day of each of these.")


class ChangesQuery(MilestoneFilters, KnownAt):
    """A question about what moved a figure."""

    strategy_id: IdInUrl = Field(description="The strategy.", examples=[1])
    from_: Day = Field(alias="from", description="The earlier date.", examples=["2018-01-01"])
    to: Day = Field(description="The later date.", examples=["2018-12-10"])
    from_known_at: Instant | None = Field(
        None, description="What was known for the earlier date, if other than `known_at`: as a report published then."
    )


class MilestoneCounts(Answer):
    """How many milestones; the last four count included ones only."""

    total: int = Field(description="Every milestone in the plan at the date; the six statuses add up to it.")
    included: int = Field(description="Those that count.")
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


class Receipt(Answer):
    """The exact integers behind the figures."""

    weight: int = Field(description="Σ weight of the included milestones.")
    earned: int = Field(description="Σ weight × percent complete of them.")
    scheduled_weight: int = Field(description="Σ weight of those with a due date.")
    scheduled_earned: int = Field(description="Σ weight × percent complete of those.")
    planned: int = Field(description="Σ weight × planned basis points of those.")


class DriverRead(Answer):
    """A red or amber milestone."""

    ref: str
    id: Id
    title: str
    workstream_id: Id
    rag: Literal[Rag.RED, Rag.AMBER]
    reason: DriverReason
    weight: int
    percent_complete: int
    planned_bp: int = Field(description="Planned part in basis points, 0 to 10000.")
    shortfall: int = Field(description="planned_bp less 100 × percent_complete, at least 0.")


class Progress(Answer):
    """How a set of milestones stands, with its receipt."""

    percent_complete: float | None = Field(description="Earned of the weight, in percent; null where nothing counts.")
    planned_percent: float | None = Field(
        description="Planned of the weight with a due date; null where there is none."
    )
    schedule_performance_index: float | None = Field(description="Earned against planned; 1 is on plan.")
    rag: Rag
    milestones: MilestoneCounts
    receipt: Receipt
    drivers: Annotated[list[DriverRead], Field(max_length=10)]


class GroupProgress(Answer):
    """One group of a roll-up."""

    id: Id | None = Field(description="Null for what has no owner.")
    ref: str | None
    title: str | None
    progress: Progress


class RollUp(Answer):
    """Progress in total and by group. A milestone counts once in the total, and in full in each of its priorities."""

    strategy_id: Id
    as_at: Day
    known_at: Instant = Field(description="Ask again with this instant to get the same figures for ever.")
    rules_version: Literal[1]
    group_by: GroupBy | Literal["milestone"]
    total: Progress
    groups: list[GroupProgress]


class TrendPoint(Answer):
    """Progress at one date."""

    as_at: Day
    total: Progress
    groups: list[GroupProgress]


class Trend(Answer):
    """Progress at the end of each period."""

    strategy_id: Id
    known_at: Instant
    rules_version: Literal[1]
    group_by: GroupBy
    points: list[TrendPoint]


class Side(Answer):
    """A milestone at one of the two dates."""

    status: MilestoneStatus
    percent_complete: int
    weight: int
    included: bool


class MilestoneName(Answer):
    """Which milestone."""

    id: Id
    ref: str
    title: str
    workstream_id: Id


class ProgressChange(Answer):
    """What one milestone did to the figure."""

    milestone: MilestoneName
    reason: Literal["updated", "added", "removed", "reweighted", "diluted"]
    from_: Side | None = Field(alias="from", description="Null where it was not in the plan.")
    to: Side | None = Field(description="Null where it is not in the plan.")
    effect: float = Field(description="Percentage points; all effects add up to the unrounded delta.")


class ProgressChanges(Answer):
    """Why progress moved between two dates."""

    strategy_id: Id
    from_as_at: Day
    to_as_at: Day
    from_known_at: Instant
    known_at: Instant
    rules_version: Literal[1]
    from_: Progress = Field(alias="from")
    to: Progress
    delta: float | None = Field(description="Percentage points, not rounded; null where either side has no percentage.")
    changes: list[ProgressChange]
