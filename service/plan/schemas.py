"""What the API takes and gives for each noun of the plan. Input is strict: unknown fields are refused."""

from typing import Annotated

from pydantic import ConfigDict, Field, Strict

from service.core.calendar import Precision
from service.core.fields import Amount, Day, Email, Id, Input, Instant, Prose, Ref, Title, Url
from service.core.paging import ListQuery, sorted_by
from service.core.schemas import Common, Ids, KnownAt, Several, UrlIds, ids_of, patch_of, several
from service.plan.rules import (
    AwardStatus,
    Confidence,
    DecisionKind,
    MilestoneKind,
    MilestoneStatus,
    OrganisationKind,
    Outcome,
    PartnerRole,
    WorkstreamStatus,
)


class OrganisationCreate(Input):
    """A partner, or a department of one."""

    ref: Ref = Field(description="Short stable code.", examples=["lcc-public-health"])
    name: Title = Field(description="Its name.", examples=["Public Health"])
    kind: OrganisationKind = Field(description="What it is.", examples=["department"])
    parent_id: Id | None = Field(None, description="The organisation that it is a department of.", examples=[1])


class OwnerCreate(Input):
    """A post that answers for work: a post, not a person."""

    ref: Ref = Field(description="Short stable code.", examples=["director-public-health"])
    post: Title = Field(description="The post.", examples=["Director of Public Health"])
    organisation_id: Id = Field(description="The organisation that the post belongs to.", examples=[2])
    holder_name: Title | None = Field(None, description="Who holds the post.", examples=["A. N. Other"])
    email: Email | None = Field(None, description="Where the post is written to.", examples=["director@example.org"])


class BoardCreate(Input):
    """A governance body."""

    ref: Ref = Field(description="Short stable code.", examples=["upb"])
    name: Title = Field(description="Its name.", examples=["Unified Prevention Board"])
    parent_id: Id | None = Field(None, description="The board that it reports to.", examples=[2])


class AreaCreate(Input):
    """A place."""

    ref: Ref = Field(description="Short stable code.", examples=["leicestershire"])
    name: Title = Field(description="Its name.", examples=["Leicestershire"])
    kind: Title = Field(description="What sort of place it is.", examples=["county"])
    parent_id: Id | None = Field(None, description="The area that it is a part of.", examples=[1])


class StrategyCreate(Input):
    """A plan with its priorities; the container of everything below it. Whoever makes one is a partner in any case."""

    ref: Ref = Field(description="Short stable code.", examples=["joint-priorities"])
    title: Title = Field(description="Its title.", examples=["Joint community safety and health priorities"])
    starts_on: Day = Field(description="First day.", examples=["2017-12-01"])
    ends_on: Day | None = Field(None, description="Last day, where one is set.", examples=["2021-03-31"])
    board_ids: Ids = Field([], description="The boards that own it.", examples=[[1, 2]])
    organisation_ids: Ids = Field([], description="The partners.", examples=[[1, 2, 9]])


class PriorityCreate(Input):
    """One of the joint priorities of a strategy."""

    strategy_id: Id = Field(description="The strategy.", examples=[1])
    ref: Ref = Field(description="Short stable code, unique in the strategy.", examples=["drug-misuse"])
    title: Title = Field(description="Its title.", examples=["Drug misuse"])
    description: Prose = Field("", description="More about it.", examples=["As the board report describes it."])
    position: Annotated[int, Strict(), Field(ge=1, le=10_000)] | None = Field(
        None, description="Where it stands among the priorities; after the last where left out.", examples=[1]
    )


class Partner(Input):
    """A partner of a workstream and what it does there."""

    organisation_id: Id = Field(description="The partner.", examples=[10])
    role: PartnerRole = Field(description="What it does.", examples=["provider"])


class WorkstreamCreate(Input):
    """A programme of work; it serves one or more priorities of its strategy."""

    strategy_id: Id = Field(description="The strategy.", examples=[1])
    ref: Ref = Field(description="Short stable code, unique in the strategy.", examples=["hope-project"])
    title: Title = Field(description="Its title.", examples=["The Hope Project"])
    description: Prose = Field("", description="More about it.", examples=["As the board report describes it."])
    heading: Annotated[Prose, Field(max_length=300)] = Field(
        "", description="The heading that board papers put it under.", examples=["Domestic abuse and sexual violence"]
    )
    status: WorkstreamStatus = Field(WorkstreamStatus.ACTIVE, description="Where it stands.", examples=["active"])
    priority_ids: Annotated[Ids, Field(min_length=1)] = Field(description="The priorities it serves.", examples=[[4]])
    lead_organisation_id: Id = Field(
        description="Who leads it, and answers where a milestone has no owner.", examples=[2]
    )
    owner_id: Id | None = Field(None, description="The post that answers for it.", examples=[1])
    partners: Annotated[list[Partner], Field(max_length=200, json_schema_extra={"uniqueItems": True})] = Field(
        [], description="The other partners.", examples=[[{"organisation_id": 9, "role": "contributor"}]]
    )
    area_ids: Ids = Field([], description="The places it is for.", examples=[[1]])
    starts_on: Day | None = Field(None, description="First day.", examples=["2019-01-01"])
    ends_on: Day | None = Field(None, description="Last day.", examples=["2020-03-31"])


class MilestoneCreate(Input):
    """Something to be done, on which progress is reported."""

    workstream_id: Id = Field(description="The workstream; it may later move within its strategy.", examples=[6])
    ref: Ref = Field(description="Short stable code, unique in the strategy.", examples=["HOPE-3"])
    kind: MilestoneKind = Field(
        MilestoneKind.MILESTONE, description="What sort of thing it is.", examples=["milestone"]
    )
    title: Title = Field(description="Its title.", examples=["Implementation starts"])
    description: Prose = Field("", description="More about it.", examples=["As the board report describes it."])
    owner_id: Id | None = Field(None, description="The post that answers for it.", examples=[1])
    weight: Annotated[int, Strict(), Field(ge=1, le=1000)] = Field(
        1, description="What it counts, 1 to 1000.", examples=[1]
    )
    agreed_on: Day | None = Field(
        None, description="Date it joined the plan; today where left out.", examples=["2017-12-01"]
    )
    start_on: Day | None = Field(None, description="When work starts.", examples=["2019-01-01"])
    due_on: Day | None = Field(None, description="Last day of the period in which it is due.", examples=["2019-01-31"])
    due_precision: Precision = Field(Precision.DAY, description="How exactly `due_on` is meant.", examples=["month"])


class DecisionCreate(Input):
    """What a board decided or is asked to decide."""

    board_id: Id = Field(description="The board.", examples=[1])
    ref: Ref = Field(description="Short stable code, unique among the board's.", examples=["lscsb-2017-12"])
    decided_on: Day | None = Field(
        None, description="Last day of the period in which it was decided.", examples=["2017-12-31"]
    )
    precision: Precision = Field(Precision.DAY, description="How exactly `decided_on` is meant.", examples=["month"])
    kind: DecisionKind = Field(description="What the board is asked for or has done.", examples=["endorse"])
    text: Annotated[Prose, Field(min_length=1)] = Field(
        description="The decision in words.", examples=["The five priority areas endorsed"]
    )
    outcome: Outcome = Field(Outcome.PENDING, description="What became of it.", examples=["agreed"])
    priority_ids: Ids = Field([], description="The priorities it is about.", examples=[[1, 2]])
    workstream_ids: Ids = Field([], description="The workstreams it is about.", examples=[[3]])


class FundingAwardCreate(Input):
    """Money for a workstream."""

    workstream_id: Id = Field(description="The workstream.", examples=[6])
    ref: Ref = Field(description="Short stable code, unique in the workstream.", examples=["hope-mhclg"])
    funder_id: Id = Field(description="The organisation that gives it.", examples=[12])
    amount: Amount | None = Field(None, description="Pounds, with at most two decimals.", examples=["882373.00"])
    status: AwardStatus = Field(description="Where the money stands.", examples=["approved"])
    starts_on: Day | None = Field(None, description="First day.", examples=["2019-01-01"])
    ends_on: Day | None = Field(None, description="Last day.", examples=["2020-03-31"])


class Evidence(Input):
    """Where the proof of a report can be read."""

    title: Title = Field(description="What it is.", examples=["Cabinet minutes"])
    url: Url = Field(description="Its address.", examples=["https://example.org/minutes"])


class StatusUpdateCreate(Input):
    """One report on one milestone; it is never edited. To correct it, report again for the same date."""

    effective_on: Day | None = Field(
        None, description="The date it is true of; today where left out.", examples=["2018-12-10"]
    )
    status: MilestoneStatus = Field(description="Where the milestone stands.", examples=["in_progress"])
    percent_complete: Annotated[int, Strict(), Field(ge=0, le=100)] | None = Field(
        None, description="0 to 99 in progress; the last figure is carried forward where left out.", examples=[40]
    )
    forecast_on: Day | None = Field(None, description="When it will be done, as things look.", examples=["2019-02-28"])
    confidence: Confidence | None = Field(None, description="The owner's own judgement.", examples=["green"])
    narrative: Prose | None = Field(None, description="What happened.", examples=["The practitioner is in post."])
    evidence: Annotated[list[Evidence], Field(max_length=20)] = Field(
        [],
        description="Where the proof is.",
        examples=[[{"title": "Cabinet minutes", "url": "https://example.org/minutes"}]],
    )


class OrganisationRead(Common, OrganisationCreate):
    """A partner, or a department of one."""


class OwnerRead(Common, OwnerCreate):
    """A post that answers for work."""


class BoardRead(Common, BoardCreate):
    """A governance body."""


class AreaRead(Common, AreaCreate):
    """A place."""


class StrategyRead(Common, StrategyCreate):
    """A plan with its priorities."""


class PriorityRead(Common, PriorityCreate):
    """One of the joint priorities."""


class WorkstreamRead(Common, WorkstreamCreate):
    """A programme of work."""


class DecisionRead(Common, DecisionCreate):
    """What a board decided or is asked to decide."""


class FundingAwardRead(Common, FundingAwardCreate):
    """Money for a workstream."""


class StatusUpdateRead(StatusUpdateCreate):
    """One report on one milestone."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    id: Id = Field(description="Number of the report.")
    milestone_id: Id = Field(description="The milestone.")
    recorded_at: Instant = Field(description="When the service learned it.")
    recorded_by: Id | None = Field(description="The user who reported it; null for the service itself.")
    on_behalf_of: Id | None = Field(
        description="The organisation that answers for the milestone, where somebody else reported for it; else null."
    )


IN_STRATEGY = frozenset({"strategy_id"})
OrganisationPatch = patch_of("OrganisationPatch", OrganisationCreate)
OwnerPatch = patch_of("OwnerPatch", OwnerCreate)
BoardPatch = patch_of("BoardPatch", BoardCreate)
AreaPatch = patch_of("AreaPatch", AreaCreate)
StrategyPatch = patch_of("StrategyPatch", StrategyCreate)
PriorityPatch = patch_of("PriorityPatch", PriorityCreate, IN_STRATEGY)
WorkstreamPatch = patch_of("WorkstreamPatch", WorkstreamCreate, IN_STRATEGY)
MilestonePatch = patch_of("MilestonePatch", MilestoneCreate)
DecisionPatch = patch_of("DecisionPatch", DecisionCreate)
FundingAwardPatch = patch_of("FundingAwardPatch", FundingAwardCreate)


class PlanQuery(ListQuery, KnownAt):
    """What every list of the plan takes."""

    ref: Several[Ref] | None = several("rows with these refs", "HOPE-3")
    q: Annotated[Prose, Field(max_length=200)] | None = Field(
        None,
        description="Only rows with this text in what they are called or described by; small or capital alike.",
        examples=["refuge"],
    )
    updated_since: Instant | None = Field(
        None, description="Only rows changed at this instant or later.", examples=["2019-01-01T00:00:00Z"]
    )


class OrganisationQuery(PlanQuery):
    """Filters of organisations."""

    parent_id: UrlIds = ids_of("these organisations")
    kind: Several[OrganisationKind] | None = several("rows of these kinds", "council")


class OwnerQuery(PlanQuery):
    """Filters of owners."""

    organisation_id: UrlIds = ids_of("these organisations")


class BoardQuery(PlanQuery):
    """Filters of boards."""

    parent_id: UrlIds = ids_of("these boards")


class AreaQuery(PlanQuery):
    """Filters of areas."""

    parent_id: UrlIds = ids_of("these areas")


class StrategyQuery(PlanQuery):
    """Filters of strategies."""

    board_id: UrlIds = ids_of("these boards")
    organisation_id: UrlIds = ids_of("these partners")


class PriorityQuery(PlanQuery):
    """Filters of priorities."""

    strategy_id: UrlIds = ids_of("these strategies")


class WorkstreamQuery(PlanQuery):
    """Filters of workstreams."""

    strategy_id: UrlIds = ids_of("these strategies")
    priority_id: UrlIds = ids_of("these priorities")
    organisation_id: UrlIds = ids_of("these organisations, as lead or as another partner")
    lead_organisation_id: UrlIds = ids_of("these leading organisations")
    owner_id: UrlIds = ids_of("these owners")
    area_id: UrlIds = ids_of("these areas")
    status: Several[WorkstreamStatus] | None = several("rows with these statuses", "active")


class DecisionQuery(PlanQuery):
    """Filters of decisions."""

    strategy_id: UrlIds = ids_of("these strategies: by their boards, or about their priorities or workstreams")
    board_id: UrlIds = ids_of("these boards")
    priority_id: UrlIds = ids_of("these priorities")
    workstream_id: UrlIds = ids_of("these workstreams")
    kind: Several[DecisionKind] | None = several("rows of these kinds", "endorse")
    outcome: Several[Outcome] | None = several("rows with these outcomes", "pending")


class FundingAwardQuery(PlanQuery):
    """Filters of funding awards."""

    strategy_id: UrlIds = ids_of("these strategies")
    workstream_id: UrlIds = ids_of("these workstreams")
    funder_id: UrlIds = ids_of("these funders")
    status: Several[AwardStatus] | None = several("rows with these statuses", "approved")


UPDATE_ORDERS = ("id", "effective_on", "recorded_at")


@sorted_by(*UPDATE_ORDERS)
class StatusUpdateQuery(ListQuery):
    """Filters of status updates."""

    strategy_id: UrlIds = ids_of("these strategies")
    priority_id: UrlIds = ids_of("these priorities")
    workstream_id: UrlIds = ids_of("these workstreams")
    organisation_id: UrlIds = ids_of("milestones for which these organisations answer")
    owner_id: UrlIds = ids_of("milestones of these owners")
    milestone_id: UrlIds = ids_of("these milestones")
    status: Several[MilestoneStatus] | None = several("rows with these statuses", "in_progress")
    effective_after: Day | None = Field(
        None, description="Only reports true of this date or later.", examples=["2018-10-01"]
    )
    effective_before: Day | None = Field(
        None, description="Only reports true of an earlier date.", examples=["2019-01-01"]
    )
    recorded_since: Instant | None = Field(
        None, description="Only reports recorded at this instant or later.", examples=["2019-01-01T00:00:00Z"]
    )
    known_at: Instant | None = Field(
        None, description="Only reports that were known at this instant.", examples=["2019-01-15T09:30:00Z"]
    )
