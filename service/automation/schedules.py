"""The collection of schedules, and the list of deliveries."""

from collections.abc import Iterable

from service.access.policy import Act
from service.access.resource import Draft, Link, Listing, Resource
from service.automation.models import delivery, report_schedule, report_schedule_owner, report_schedule_silent
from service.automation.schemas import DELIVERY_ORDERS, ScheduleCreate, ScheduleQuery, ScheduleRead
from service.core.errors import Fault
from service.core.schemas import patch_of
from service.plan.boundaries import guard_in_strategy

REF = "quarterly"
SchedulePatch = patch_of("SchedulePatch", ScheduleCreate, frozenset({"strategy_id"}))


def settle_schedule(draft: Draft) -> Iterable[Fault]:
    """Give every schedule the same ref: a strategy has one."""
    draft.values["ref"] = REF
    return ()


SCHEDULES = Resource(
    noun="report schedule",
    table=report_schedule,
    create=ScheduleCreate,
    patch=SchedulePatch,
    read=ScheduleRead,
    query=ScheduleQuery,
    links=(
        Link("owner_ids", report_schedule_owner, ("owner_id",)),
        Link("silent_organisation_ids", report_schedule_silent, ("organisation_id",)),
    ),
    writes=Act.WRITE_REPORTS,
    searched=("ref",),
    sortable=("id", "created_at", "updated_at"),
    settle=settle_schedule,
    guard=guard_in_strategy,
)
DELIVERIES = Listing(
    table=delivery, rows=lambda _: delivery, hidden=frozenset({"key", "body"}), sortable=DELIVERY_ORDERS
)
