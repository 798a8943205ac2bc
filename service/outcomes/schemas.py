"""What the API takes and gives about indicators and observations."""

from typing import Annotated

from pydantic import ConfigDict, Field, Strict

from service.core.fields import LARGEST_ID, Day, Id, Input, Instant, Number, Prose, Ref, Title
from service.core.paging import ListQuery, sorted_by
from service.core.schemas import Common, Ids, KnownAt, Several, UrlIds, ids_of, patch_of, several
from service.outcomes.rules import Judgement, Polarity
from service.plan.schemas import PlanQuery

Count = Annotated[int, Strict(), Field(ge=0, le=LARGEST_ID)]


class IndicatorCreate(Input):
    """An outcome measure."""

    strategy_id: Id = Field(description="The strategy.", examples=[1])
    ref: Ref = Field(description="Short stable code, unique in the strategy.", examples=["cj-completion"])
    title: Title = Field(
        description="Its title.", examples=["Successful completion of treatment, criminal justice clients"]
    )
    unit: Title = Field(description="What the values are in.", examples=["percent"])
    polarity: Polarity = Field(description="Which way is better.", examples=["high_good"])
    comparator: Title | None = Field(None, description="What it is compared with.", examples=["National"])
    priority_ids: Ids = Field([], description="The priorities it tells about.", examples=[[1, 2]])
    workstream_id: Id | None = Field(None, description="The workstream it tells about.", examples=[1])


class IndicatorRead(Common, IndicatorCreate):
    """An outcome measure."""


IndicatorPatch = patch_of("IndicatorPatch", IndicatorCreate, frozenset({"strategy_id"}))


class IndicatorQuery(PlanQuery):
    """Filters of indicators."""

    strategy_id: UrlIds = ids_of("these strategies")
    priority_id: UrlIds = ids_of("these priorities")
    workstream_id: UrlIds = ids_of("these workstreams")


class ObservationCreate(Input):
    """One value of an indicator; it is never edited. To correct it, add another."""

    category: Title | None = Field(None, description="Which part of the people it is about.", examples=["Opiate"])
    area_id: Id | None = Field(None, description="The place it is about.", examples=[2])
    period_start: Day | None = Field(None, description="First day of its period.", examples=["2017-04-01"])
    period_end: Day | None = Field(None, description="Last day of its period.", examples=["2018-03-31"])
    published_on: Day = Field(description="When it was published.", examples=["2018-12-10"])
    value: Number = Field(description="The local value.", examples=[3.8])
    numerator: Count | None = Field(None, description="Count behind the value.", examples=[65])
    denominator: Annotated[Count, Field(ge=1)] | None = Field(
        None, description="What the count is out of.", examples=[100]
    )
    comparator_value: Number | None = Field(None, description="The comparator's value.", examples=[4.0])
    commentary: Prose | None = Field(
        None, description="What to make of it.", examples=["Many have entrenched, long-term use."]
    )


class ObservationRead(ObservationCreate):
    """One value of an indicator, and how it compares."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    id: Id = Field(description="Number of the observation.")
    indicator_id: Id = Field(description="The indicator.")
    lower: float | None = Field(description="Lower bound of the 95 % Wilson interval; null without counts.")
    upper: float | None = Field(description="Upper bound of it.")
    difference: float | None = Field(description="Value less comparator, in the unit.")
    judgement: Judgement = Field(description="How it compares; not_testable without counts.")
    recorded_at: Instant = Field(description="When the service learned it.")
    recorded_by: Id | None = Field(description="The user who recorded it; null for the service itself.")


OBSERVATION_ORDERS = ("id", "published_on", "period_end", "category")


@sorted_by(*OBSERVATION_ORDERS)
class ObservationQuery(ListQuery, KnownAt):
    """Filters of observations."""

    category: Several[Title] | None = several("values of these categories", "Opiate")
    area_id: UrlIds = ids_of("these areas")


@sorted_by(*OBSERVATION_ORDERS)
class AllObservationsQuery(ObservationQuery):
    """Filters of observations across indicators."""

    strategy_id: UrlIds = ids_of("these strategies")
    indicator_id: UrlIds = ids_of("these indicators")
