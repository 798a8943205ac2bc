"""Webhooks: which events of the change feed go to which address, each noted once, in the order of the feed."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection, insert, select, update

from service.access.policy import Act, Actor
from service.access.resource import Draft, Resource, View
from service.access.rows import get_row
from service.access.scope import Sight
from service.automation.models import DeliveryKind, webhook, webhook_channel
from service.automation.outbox import note
from service.automation.schemas import WEBHOOK_ORDERS, WebhookCreate, WebhookQuery, WebhookRead
from service.automation.signing import new_secret
from service.core import clock
from service.core.answers import to_json
from service.core.errors import Fault
from service.core.history import Row, ever, newest_seq
from service.core.schemas import patch_of
from service.outcomes.service import INDICATORS, OBSERVATIONS
from service.plan.boundaries import check_may_write, guard_in_strategy
from service.plan.catalogue import DECISIONS, FUNDING_AWARDS, PRIORITIES, STRATEGIES, WORKSTREAMS
from service.plan.events import END_OF_TRANSACTION, list_events, place_of
from service.progress.api import UPDATES
from service.progress.milestones import MILESTONES
from service.reporting.models import ReportStatus, report
from service.reporting.reports import REPORTS

WebhookPatch = patch_of("WebhookPatch", WebhookCreate, frozenset({"strategy_id"}))


def settle_webhook(draft: Draft) -> Iterable[Fault]:
    """Check that an address names a host, and holds nothing that is not sent or would be shown to all who read it."""
    try:
        parts = urlsplit(draft.values["url"])
        is_whole = bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_whole = False
    if not is_whole or "@" in parts.netloc or parts.fragment or not draft.values["url"].isascii():
        yield Fault("/url", "Write an address with a host, in ASCII, without user, password and fragment.")


WEBHOOKS = Resource(
    noun="webhook",
    table=webhook,
    create=WebhookCreate,
    patch=WebhookPatch,
    read=WebhookRead,
    query=WebhookQuery,
    writes=Act.KEEP_WEBHOOKS,
    searched=("ref", "url"),
    sortable=WEBHOOK_ORDERS,
    settle=settle_webhook,
    guard=guard_in_strategy,
)
# What stands in a strategy, and what one row of it is called in the name of an event.
TOLD = {
    STRATEGIES: "strategy",
    PRIORITIES: "priority",
    WORKSTREAMS: "workstream",
    MILESTONES: "milestone",
    UPDATES: "update",
    DECISIONS: "decision",
    FUNDING_AWARDS: "funding_award",
    INDICATORS: "indicator",
    OBSERVATIONS: "observation",
    REPORTS: "report",
}
NOUNS = {listing.name: noun for listing, noun in TOLD.items()}
# What is done to a row in the words of the feed, and in those that names of events are made of.
DEEDS = {"created": "created", "changed": "updated", "deleted": "deleted"}
EVENTS_AT_ONCE = 500
SHOWN = ("seq", "position", "recorded_at", "action", "resource", "resource_id", "version")


def check_keeper(connection: Connection, actor: Actor, webhook_id: int) -> None:
    """Let those who write a strategy keep its webhooks.

    Raises:
        NotFound: there is no such webhook that the actor may see.
        Forbidden: the actor may not change it.
    """
    row = get_row(connection, WEBHOOKS, webhook_id, View(None, clock.today(), actor.reach.sight))
    check_may_write(connection, actor, row["strategy_id"])


def make_secret(connection: Connection, actor: Actor, webhook_id: int, both_for: timedelta, now: datetime) -> Row:
    """Give a webhook a new secret, and return it; for a while, what is posted is signed with the one before too.

    The first secret opens the webhook: from here on it is told of what changes.

    Raises:
        NotFound: there is no such webhook that the actor may see.
        Forbidden: the actor may not change it.
    """
    check_keeper(connection, actor, webhook_id)
    secret, mine = new_secret(), webhook_channel.c.webhook_id == webhook_id
    held = connection.execute(select(webhook_channel.c.secret).where(mine)).scalar_one_or_none()
    if held is None:
        place = {"after_seq": connection.execute(newest_seq()).scalar_one(), "after_position": END_OF_TRANSACTION}
        connection.execute(insert(webhook_channel).values(webhook_id=webhook_id, secret=secret, **place))
        return {"webhook_id": webhook_id, "secret": secret, "previous_until": None}
    until = now + both_for
    changed = {"secret": secret, "previous_secret": held, "previous_until": until}
    connection.execute(update(webhook_channel).where(mine).values(changed))
    return {"webhook_id": webhook_id, "secret": secret, "previous_until": until}


def find_untold(connection: Connection) -> list[int]:
    """Return the webhooks that were not told of everything yet."""
    newest = newest_seq().scalar_subquery()
    found = select(webhook_channel.c.webhook_id).where(webhook_channel.c.after_seq < newest)
    return list(connection.execute(found.order_by(webhook_channel.c.webhook_id)).scalars())


def note_events(connection: Connection, webhook_id: int, public_url: str, now: datetime) -> bool:
    """Note the next events that a webhook is to be told of, and return whether there are more."""
    found = select(webhook, webhook_channel).join(webhook_channel).where(webhook.c.id == webhook_id)
    hook = connection.execute(found).mappings().one_or_none()
    if hook is None:
        return False
    sight = Sight(strategies=frozenset({hook["strategy_id"]}))
    after = (hook["after_seq"], hook["after_position"])
    newest = connection.execute(newest_seq()).scalar_one()
    page = list_events(connection, tuple(TOLD), sight, after, limit=EVENTS_AT_ONCE)
    names = _names(connection, page.items)
    wanted = [
        {
            "key": f"event:{webhook_id}:{event['seq']}.{event['position']}",
            "kind": DeliveryKind.WEBHOOK.value,
            "strategy_id": hook["strategy_id"],
            "webhook_id": webhook_id,
            "event": name,
            "body": _body(name, event, public_url),
        }
        for event, name in zip(page.items, names, strict=True)
        if not hook["events"] or name in hook["events"]
    ]
    note(connection, wanted, now)
    seq, position = (newest, END_OF_TRANSACTION) if page.cursor is None else place_of(page.cursor)
    place = {"after_seq": seq, "after_position": position}
    connection.execute(update(webhook_channel).where(webhook_channel.c.webhook_id == webhook_id).values(place))
    return page.cursor is not None


def find_keys(connection: Connection, webhook_id: int, now: datetime) -> tuple[str, list[str]] | None:
    """Return the address of a webhook and the secrets to sign with; None where it is gone."""
    found = select(webhook.c.url, webhook_channel).join(webhook_channel).where(webhook.c.id == webhook_id)
    row = connection.execute(found).mappings().one_or_none()
    if row is None:
        return None
    is_both = row["previous_until"] is not None and now < row["previous_until"]
    return row["url"], [row["secret"], *([row["previous_secret"]] if is_both else [])]


def _names(connection: Connection, events: list[Row]) -> list[str]:
    """Return what happened in each event: `milestone.updated`, and of reports also `report.published`."""
    stood = _standing(connection, events)
    return [f"{NOUNS[event['resource']]}.{stood.get(_version(event)) or DEEDS[event['action']]}" for event in events]


def _version(event: Row) -> tuple[str, int, int]:
    return event["resource"], event["resource_id"], event["version"]


def _standing(connection: Connection, events: list[Row]) -> Mapping[tuple[str, int, int], str]:
    """Return how the versions of reports stood that were published or withdrawn by these events."""
    wanted = {each["resource_id"] for each in events if each["resource"] == REPORTS.name}
    if not wanted:
        return {}
    rows = ever(report, lambda held: [held.c.id.in_(wanted)])
    found = select(rows.c.id, rows.c.version, rows.c.status).where(rows.c.status != ReportStatus.DRAFT.value)
    return {(REPORTS.name, row.id, row.version): row.status for row in connection.execute(found)}


def _body(name: str, event: Row, public_url: str) -> str:
    """Return what is posted of an event: what changed and where it is to be read, and nothing of what it says."""
    href = f"{public_url}{event['href']}" if event["href"] else None
    data: dict[str, Any] = {**{field: event[field] for field in SHOWN}, "href": href}
    return to_json({"type": name, "timestamp": event["recorded_at"], "data": data}).decode()
