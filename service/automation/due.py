"""Doing everything that is due: at any time, any number of times, on any number of machines at once.

Each step looks again within its own change whether it is still to be done, so that whoever comes second finds it done,
and whoever dies half-way leaves what was done and nothing else.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, exists, false, func, not_, or_, select, true

from service.access.policy import SERVICE
from service.access.writing import create_row
from service.automation.bringing import Bringer
from service.automation.models import DeliveryKind, delivery, report_schedule, report_schedule_owner
from service.automation.outbox import bring_all, has_due, note
from service.automation.reminders import is_noted, note_reminders
from service.automation.webhooks import find_untold, note_events
from service.core import clock
from service.core.calendar import Quarter, quarter_of
from service.core.columns import days_between
from service.core.db import Database
from service.core.errors import TrackerError
from service.core.history import Recorder, Row
from service.plan.models import owner, strategy
from service.reporting.models import ReportStatus, report, report_file
from service.reporting.reports import REPORTS
from service.reporting.schemas import ReportCreate
from service.reporting.service import files_of, get_report, publish
from service.settings import Settings


@dataclass(frozen=True)
class Done:
    """What was done."""

    drafts: int = 0
    published: int = 0
    delivered: int = 0

    def __str__(self) -> str:
        return f"{self.drafts} drafts made, {self.published} reports published, {self.delivered} deliveries brought."


@dataclass(frozen=True)
class _Due:
    """What is to be done: the strategies that lack a draft, the drafts to publish, and whether there is more."""

    strategies: list[int]
    drafts: list[int]
    unmade: list[int]
    unnoted: list[int]
    untold: list[int]
    reminds: bool
    brings: bool


def last_ended(today: date) -> Quarter:
    """Return the quarter that ended last: on 1 January 2019 that is 2018-19-Q3, and on 31 December still Q2."""
    return quarter_of(quarter_of(today).first_day - timedelta(days=1))


async def run_due(database: Database, settings: Settings) -> Done:
    """Do everything that is due, and return what was done."""
    work = _Work(database, settings, clock.today())
    due = await work.find()
    drafts = await work.make_drafts(due)
    if drafts:
        # One may be due to be published at once.
        due = await work.find()
    published = await work.publish(due)
    if published:
        due = await work.find()
    is_noted = await work.note(due)
    brought = await work.bring() if is_noted or due.brings else 0
    return Done(drafts, published, brought)


class _Work:
    """One round of doing what is due, and its steps."""

    def __init__(self, database: Database, settings: Settings, today: date) -> None:
        self._database = database
        self._settings = settings
        self._today = today
        self._quarter = last_ended(today)
        self._bringer = Bringer(database, settings)

    async def find(self) -> _Due:
        """Return what is due: the same few statements, however much there is."""
        return await self._database.snapshot(
            lambda connection: _find_due(connection, self._settings, self._bringer, self._quarter, self._today)
        )

    async def make_drafts(self, due: _Due) -> int:
        """Make the drafts that lack, and return how many were made."""
        acts = [_drafting(each, self._quarter, self._today) for each in due.strategies]
        return sum([await self._database.write(act) for act in acts])

    async def publish(self, due: _Due) -> int:
        """Publish the drafts whose day has come, make the files of all that have none, and return how many it was."""
        published = [each for each in due.drafts if await self._database.write(_publishing(each))]
        for report_id in dict.fromkeys([*published, *due.unmade]):
            await files_of(self._database, await self._database.snapshot(_getting(report_id)))
        return len(published)

    async def note(self, due: _Due) -> bool:
        """Note what is to be brought, and return whether there was anything to look at."""
        for report_id in due.unnoted:
            await self._database.write(_noting(report_id, self._settings))
        for webhook_id in due.untold:
            while await self._database.write(_telling(webhook_id, self._settings)):
                pass
        if due.reminds:
            await self._database.write(lambda connection: note_reminders(connection, self._today, clock.now()))
        return bool(due.unnoted or due.untold or due.reminds)

    async def bring(self) -> int:
        """Bring what waits, and return how much was brought."""
        return await bring_all(self._database, self._bringer.kinds, self._bringer.bring, clock.now)


def _find_due(connection: Connection, settings: Settings, bringer: Bringer, quarter: Quarter, today: date) -> _Due:
    schedule = report_schedule.c
    mine = schedule.strategy_id == strategy.c.id
    lacking = (
        select(strategy.c.id)
        .where(
            strategy.c.starts_on <= quarter.last_day,
            or_(strategy.c.ends_on.is_(None), strategy.c.ends_on >= quarter.first_day),
            not_(exists().where(report.c.strategy_id == strategy.c.id, report.c.quarter == quarter.name)),
            not_(exists().where(mine, not_(schedule.makes_drafts))),
        )
        .order_by(strategy.c.id)
    )
    waiting = (
        select(report.c.id)
        .join_from(report, report_schedule, schedule.strategy_id == report.c.strategy_id)
        .where(
            report.c.status == ReportStatus.DRAFT.value,
            schedule.publishes_after_days <= func.coalesce(days_between(report.c.as_at, today), 0),
        )
        .order_by(report.c.id)
    )
    is_out = report.c.status == ReportStatus.PUBLISHED.value
    unmade = select(report.c.id).where(is_out, not_(exists().where(report_file.c.report_id == report.c.id)))
    unnoted = (
        select(report.c.id)
        .join_from(report, report_schedule, schedule.strategy_id == report.c.strategy_id)
        .where(is_out, _has_target(settings), not_(exists().where(delivery.c.report_id == report.c.id)))
        # What was published before its schedule was made is not sent round afterwards.
        .where(report.c.known_at >= schedule.created_at)
    )
    strategies, drafts, made, noted = (
        list(connection.execute(found).scalars()) for found in (lacking, waiting, unmade, unnoted)
    )
    return _Due(
        strategies,
        drafts,
        made,
        noted,
        find_untold(connection),
        reminds=bool(settings.smtp_url) and not is_noted(connection, today),
        brings=has_due(connection, bringer.kinds, clock.now()),
    )


def _has_target(settings: Settings) -> ColumnElement[bool]:
    """Return the condition that a schedule names somewhere to bring a report to, and this service can."""
    links = report_schedule_owner.c
    to_posts = exists().where(
        links.report_schedule_id == report_schedule.c.id, owner.c.id == links.owner_id, owner.c.email.is_not(None)
    )
    return or_(
        and_(true() if settings.delivery_dir else false(), report_schedule.c.to_folder),
        and_(true() if settings.smtp_url else false(), to_posts),
    )


def _drafting(strategy_id: int, quarter: Quarter, today: date) -> Any:
    def act(connection: Connection) -> bool:
        mine = (report.c.strategy_id == strategy_id, report.c.quarter == quarter.name)
        if connection.execute(select(report.c.id).where(*mine)).first() is not None:
            return False
        recorder = Recorder(connection, None, clock.now(), "The quarter ended.")
        create_row(recorder, SERVICE, REPORTS, ReportCreate(strategy_id=strategy_id, quarter=quarter.name), today)
        return True

    return act


def _publishing(report_id: int) -> Any:
    def act(connection: Connection) -> bool:
        recorder = Recorder(connection, None, clock.now(), "Published on the day that was set.")
        try:
            publish(recorder, SERVICE, report_id, lambda _: None)
        except TrackerError:
            return False
        return True

    return act


def _getting(report_id: int) -> Any:
    return lambda connection: get_report(connection, SERVICE, report_id)


def _noting(report_id: int, settings: Settings) -> Any:
    def act(connection: Connection) -> int:
        row = get_report(connection, SERVICE, report_id)
        return note(connection, _targets(connection, row, settings), clock.now())

    return act


def _telling(webhook_id: int, settings: Settings) -> Any:
    return lambda connection: note_events(connection, webhook_id, settings.public_url, clock.now())


def _targets(connection: Connection, row: Row, settings: Settings) -> Iterable[Row]:
    """Yield where a published report is to be brought."""
    mine = select(report_schedule).where(report_schedule.c.strategy_id == row["strategy_id"])
    schedule = connection.execute(mine).mappings().one_or_none()
    if schedule is None or row["status"] != ReportStatus.PUBLISHED:
        return
    about = {"strategy_id": row["strategy_id"], "report_id": row["id"]}
    if schedule["to_folder"] and settings.delivery_dir:
        yield {"key": f"report:{row['id']}:folder", "kind": DeliveryKind.FOLDER.value, **about}
    if not settings.smtp_url:
        return
    links = report_schedule_owner.c
    found = (
        select(links.owner_id)
        .join_from(report_schedule_owner, owner, owner.c.id == links.owner_id)
        .where(links.report_schedule_id == schedule["id"], owner.c.email.is_not(None))
        .order_by(links.owner_id)
    )
    for owner_id in connection.execute(found).scalars():
        key = f"report:{row['id']}:mail:{owner_id}"
        yield {"key": key, "kind": DeliveryKind.MAIL.value, "owner_id": owner_id, **about}
