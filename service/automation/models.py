"""The tables of what happens by itself: schedules, webhooks, and what is to be brought to somebody."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from sqlalchemy import JSON, BigInteger, CheckConstraint, ColumnElement, ForeignKey, FromClause, Table, UniqueConstraint
from sqlmodel import Field, SQLModel

from service.access.resource import Lens, seen_by
from service.core.columns import Instant, Key, text_column
from service.core.history import versioned
from service.core.models import PlanRow, plan_table
from service.plan.boundaries import in_strategy
from service.plan.models import TITLE, WORD, link_table, one_of, reference, words

DELIVERY_KEY = text_column(100)
ADDRESS = text_column(2000)
SECRET = text_column(100)
EVENT_BODY = text_column(2000)


class DeliveryKind(StrEnum):
    """How something is brought."""

    FOLDER = "folder"
    MAIL = "mail"
    REMINDER = "reminder"
    WEBHOOK = "webhook"


class ReportSchedule(PlanRow, table=True):
    """What happens by itself when a quarter of a strategy ends."""

    __tablename__ = "report_schedule"
    __table_args__ = plan_table(
        "report-schedules",
        UniqueConstraint("strategy_id", "ref"),
        CheckConstraint("publishes_after_days BETWEEN 1 AND 92", name="publishes_after_days"),
    )

    strategy_id: int = reference("strategy")
    makes_drafts: bool
    publishes_after_days: int | None = None
    to_folder: bool
    sends_reminders: bool


class Webhook(PlanRow, table=True):
    """An address of somebody's software that is told of changes to a strategy."""

    __table_args__ = plan_table("webhooks", UniqueConstraint("strategy_id", "ref"))

    strategy_id: int = reference("strategy")
    url: str = words(ADDRESS)
    events: list[str] = Field(sa_type=JSON)


class WebhookChannel(SQLModel, table=True):
    """What stands behind a webhook and is in no history: its secrets, and how far it was told of the change feed."""

    __tablename__ = "webhook_channel"
    __table__: ClassVar[Table]

    webhook_id: int = Field(
        sa_type=BigInteger, sa_column_args=[ForeignKey("webhook.id", ondelete="CASCADE")], primary_key=True
    )
    secret: str = words(SECRET)
    previous_secret: str | None = words(SECRET, nullable=True)
    previous_until: datetime | None = Field(default=None, sa_type=Instant, nullable=True)
    after_seq: int = Field(sa_type=BigInteger)
    after_position: int


class Delivery(SQLModel, table=True):
    """Something to be brought to somebody: kept until it is there, or until it was tried often enough."""

    __table__: ClassVar[Table]
    __table_args__ = (
        UniqueConstraint("key"),
        one_of("kind", DeliveryKind),
        CheckConstraint("attempts >= 0", name="attempts"),
        {"sqlite_autoincrement": True},
    )

    id: int | None = Field(default=None, sa_type=Key, primary_key=True)
    key: str = words(DELIVERY_KEY)
    kind: str = words(WORD)
    strategy_id: int | None = reference("strategy", nullable=True)
    report_id: int | None = reference("report", nullable=True)
    owner_id: int | None = Field(default=None, sa_type=BigInteger, nullable=True)
    webhook_id: int | None = Field(default=None, sa_type=BigInteger, nullable=True, index=True)
    event: str | None = words(WORD, nullable=True)
    body: str | None = words(EVENT_BODY, nullable=True)
    attempts: int = 0
    created_at: datetime = Field(sa_type=Instant)
    next_at: datetime | None = Field(default=None, sa_type=Instant, nullable=True, index=True)
    done_at: datetime | None = Field(default=None, sa_type=Instant, nullable=True)
    error: str | None = words(TITLE, nullable=True)


def delivery_seen(rows: FromClause, _seq: ColumnElement[int] | None, lens: Lens) -> ColumnElement[bool]:
    """Show the deliveries of a strategy that may be seen."""
    return lens.shows(rows.c.strategy_id)


report_schedule: Table = seen_by(versioned(ReportSchedule.__table__), in_strategy)
report_schedule_owner = link_table("report_schedule_owner", "report_schedule", "owner")
report_schedule_silent = link_table("report_schedule_silent", "report_schedule", "organisation")
delivery: Table = seen_by(Delivery.__table__, delivery_seen)
webhook: Table = seen_by(versioned(Webhook.__table__), in_strategy)
webhook_channel = WebhookChannel.__table__
