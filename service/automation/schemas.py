"""What the API takes and gives about schedules, webhooks and deliveries."""

from typing import Annotated

from pydantic import Field, StrictBool, StrictInt, StringConstraints

from service.automation.models import DeliveryKind
from service.core.fields import LIKE_EVENT, Id, Input, Instant, Ref, Url
from service.core.paging import ListQuery, sorted_by
from service.core.schemas import Common, Ids, KnownAt, Several, UrlIds, ids_of, several
from service.plan.schemas import PlanQuery
from service.progress.schemas import Answer

EventType = Annotated[str, StringConstraints(pattern=LIKE_EVENT, max_length=40)]
MOST_EVENTS = 40
WEBHOOK_ORDERS = ("id", "ref", "created_at", "updated_at")
DELIVERY_ORDERS = ("id", "created_at", "next_at")


class ScheduleCreate(Input):
    """What happens by itself when a quarter of a strategy ends. Without one, a draft is made, and no more."""

    strategy_id: Id = Field(description="The strategy.", examples=[1])
    makes_drafts: StrictBool = Field(
        True, description="Whether a draft is made on the first day after the quarter.", examples=[True]
    )
    publishes_after_days: Annotated[StrictInt, Field(ge=1, le=92)] | None = Field(
        None,
        description="Publish the draft by itself so many days after the quarter; null leaves it to a manager.",
        examples=[21],
    )
    owner_ids: Ids = Field(
        [],
        description="The posts that get a published report by e-mail, as far as they have an address.",
        examples=[[1]],
    )
    to_folder: StrictBool = Field(
        False, description="Whether a published report is written to the folder of deliveries.", examples=[False]
    )
    sends_reminders: StrictBool = Field(
        True, description="Whether owners are reminded of what is due, by e-mail once a week at most.", examples=[True]
    )
    silent_organisation_ids: Ids = Field([], description="The partners whose posts are not reminded.", examples=[[]])


class ScheduleRead(Common, ScheduleCreate):
    """What happens by itself when a quarter of a strategy ends."""

    ref: Ref = Field(description="Always `quarterly`: a strategy has one schedule.")


@sorted_by("id", "created_at", "updated_at")
class ScheduleQuery(ListQuery, KnownAt):
    """Filters of schedules."""

    strategy_id: UrlIds = ids_of("these strategies")


class DeliveryRead(Answer):
    """Something that is brought to somebody, or was."""

    id: Id = Field(description="Number of the delivery; it stands in what is sent, to tell doubles.")
    kind: DeliveryKind = Field(description="How it is brought.")
    strategy_id: Id = Field(description="The strategy.")
    report_id: Id | None = Field(description="The report; null where it brings none.")
    owner_id: Id | None = Field(description="The post that it goes to; null where it goes to none.")
    webhook_id: Id | None = Field(description="The webhook that it goes to; null where it goes to none.")
    event: str | None = Field(description="The event that a webhook is told of.")
    attempts: int = Field(ge=0, description="How often it was tried.")
    created_at: Instant = Field(description="Since when it is due.")
    next_at: Instant | None = Field(description="When it is tried next; null once it is done or given up.")
    done_at: Instant | None = Field(description="When it was done; null while it is not.")
    error: str | None = Field(description="What was in the way the last time.")


@sorted_by(*DELIVERY_ORDERS)
class DeliveryQuery(ListQuery):
    """Filters of deliveries."""

    strategy_id: UrlIds = ids_of("these strategies")
    report_id: UrlIds = ids_of("these reports")
    webhook_id: UrlIds = ids_of("these webhooks")
    kind: Several[DeliveryKind] | None = several("deliveries of these kinds", "mail")


class WebhookCreate(Input):
    """An address that is told of changes to a strategy. It is told nothing until its secret is made."""

    strategy_id: Id = Field(description="The strategy.", examples=[1])
    ref: Ref = Field(description="A short name, unique in the strategy.", examples=["intranet"])
    url: Url = Field(
        description=(
            "Where events are posted to. https, and an address on the internet; others take the setting "
            "`TRACKER_WEBHOOK_NETWORKS`."
        ),
        examples=["https://intranet.example.org/tracker"],
    )
    events: Annotated[list[EventType], Field(max_length=MOST_EVENTS)] = Field(
        [],
        description="What it is told of, such as `milestone.updated`; everything where the list is empty.",
        examples=[["update.created", "report.published"]],
    )


class WebhookRead(Common, WebhookCreate):
    """An address that is told of changes to a strategy."""


@sorted_by(*WEBHOOK_ORDERS)
class WebhookQuery(PlanQuery):
    """Filters of webhooks."""

    strategy_id: UrlIds = ids_of("these strategies")


class SecretCreate(Input):
    """How a secret takes the place of the one before."""

    keep_previous_hours: Annotated[StrictInt, Field(ge=0, le=168)] = Field(
        24,
        description=(
            "How long what is posted is signed with the secret before this one as well, so that nothing is refused "
            "meanwhile; 0 where it has become known to others."
        ),
        examples=[24],
    )


class WebhookSecret(Answer):
    """The secret that what is posted to a webhook is signed with, shown this once."""

    webhook_id: Id = Field(description="The webhook.")
    secret: str | None = Field(
        description="The secret, as Standard Webhooks has it: null where the same request is sent again.",
        examples=["whsec_…"],
    )
    previous_until: Instant | None = Field(
        description="Until when what is posted is signed with the secret before this one as well; null for the first."
    )
