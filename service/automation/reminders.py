"""Reminding owners of what is due, overdue or was not reported on: one mail a week at most."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, exists, not_, or_, select

from service.access.resource import AS_AT, Lens
from service.access.scope import Breadth
from service.automation.models import DeliveryKind, delivery, report_schedule, report_schedule_silent
from service.automation.outbox import note
from service.core.calendar import quarter_of
from service.core.history import Row
from service.plan.models import owner, strategy
from service.progress.facts import facts
from service.reporting.rules import in_words

SOON = timedelta(days=14)
# Who was reminded at the end of last week waits for the next one: a week is six days and a bit.
SPARED = timedelta(days=6)
COMPLETE = "complete"
REASONS = ("Overdue", "Due in the next 14 days", "Not reported on this quarter")


def week_of(day: date) -> str:
    """Return the week that a day is in: `2018-W50`."""
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02}"


def note_reminders(connection: Connection, today: date, now: datetime) -> int:
    """Note who is to be reminded this week, once, and return how many are."""
    week = week_of(today)
    done = {"key": f"reminders:{week}", "kind": DeliveryKind.REMINDER.value, "next_at": None, "done_at": now}
    if not note(connection, [done], now):
        return 0
    lately = select(delivery.c.owner_id).where(
        delivery.c.kind == DeliveryKind.REMINDER.value, delivery.c.created_at > now - SPARED
    )
    spared = set(connection.execute(lately).scalars())
    strategies: dict[int, int] = {}
    for row in find_reasons(connection, today):
        if row["owner_id"] in spared:
            continue
        strategies[row["owner_id"]] = min(row["strategy_id"], strategies.get(row["owner_id"], row["strategy_id"]))
    wanted = [
        {
            "key": f"reminder:{owner_id}:{week}",
            "kind": DeliveryKind.REMINDER.value,
            "strategy_id": strategy_id,
            "owner_id": owner_id,
        }
        for owner_id, strategy_id in strategies.items()
    ]
    return note(connection, wanted, now)


def is_noted(connection: Connection, today: date) -> bool:
    """Tell whether this week's reminders were noted."""
    key = f"reminders:{week_of(today)}"
    return connection.execute(select(delivery.c.id).where(delivery.c.key == key)).first() is not None


def find_reasons(connection: Connection, today: date, owner_id: int | None = None) -> list[Row]:
    """Return the milestones that somebody is to be reminded of, with the owner, who has an address."""
    seq = Lens(is_past=False, breadth=Breadth.ALL).seq
    task = facts(AS_AT, seq, narrow=lambda rows: [rows.c.owner_id == owner_id] if owner_id is not None else [])
    found = (
        select(
            task.c.id,
            task.c.ref,
            task.c.title,
            task.c.due_on,
            task.c.due_precision,
            task.c.overdue,
            task.c.reported_on,
            task.c.owner_id,
            task.c.strategy_id,
            strategy.c.title.label("strategy_title"),
        )
        .join_from(task, owner, owner.c.id == task.c.owner_id)
        .join(strategy, strategy.c.id == task.c.strategy_id)
        .where(
            owner.c.email.is_not(None),
            task.c.is_included,
            task.c.status != COMPLETE,
            or_(task.c.overdue, *_reasons(task, today)),
            not_(_is_silent(task)),
        )
        .order_by(task.c.strategy_id, task.c.due_on.is_(None), task.c.due_on, task.c.ref, task.c.id)
    )
    return [dict(row) for row in connection.execute(found, {"as_at": today}).mappings()]


def _reasons(task: Any, today: date) -> Sequence[ColumnElement[bool]]:
    is_soon = and_(task.c.due_on >= today, task.c.due_on <= today + SOON)
    is_unreported = or_(task.c.reported_on.is_(None), task.c.reported_on < quarter_of(today).first_day)
    return is_soon, is_unreported


def _is_silent(task: Any) -> ColumnElement[bool]:
    """Return the condition that a strategy, or the partner that a post belongs to, turned reminders off."""
    schedule = report_schedule.c
    mine = schedule.strategy_id == task.c.strategy_id
    quiet = exists().where(
        mine,
        report_schedule_silent.c.report_schedule_id == schedule.id,
        report_schedule_silent.c.organisation_id == owner.c.organisation_id,
    )
    return or_(exists().where(mine, not_(schedule.sends_reminders)), quiet)


def write_reminder(rows: Sequence[Row], today: date, address: str) -> str:
    """Return the text of a reminder: what there is to do, by reason, with where to do it."""
    groups: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        groups[_reason(row, today)].append(_line(row, address))
    listed = ["\n".join([f"{reason}:", *groups[reason]]) for reason in REASONS if groups[reason]]
    last = "Report on each of them, also where nothing has changed. One mail a week is sent at most.\n"
    return "\n\n".join(["These milestones need you.", *listed, last])


def _reason(row: Row, today: date) -> str:
    if row["overdue"]:
        return REASONS[0]
    is_soon = row["due_on"] is not None and today <= row["due_on"] <= today + SOON
    return REASONS[1] if is_soon else REASONS[2]


def _line(row: Row, address: str) -> str:
    due = "" if row["due_on"] is None else f", due {in_words(row['due_on'], row['due_precision'])}"
    link = f"\n    {address}/v1/milestones/{row['id']}" if address else ""
    return f"  - {row['ref']} {row['title']}{due} ({row['strategy_title']}){link}"
