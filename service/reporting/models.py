"""The tables of reports. A report has a history; the files of a published one are only ever added."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    CheckConstraint,
    ColumnElement,
    FromClause,
    LargeBinary,
    Table,
    UniqueConstraint,
)
from sqlmodel import Field, SQLModel

from service.access.resource import Lens, is_within, seen_by
from service.core.columns import Instant, Key, text_column
from service.core.history import append_only, versioned
from service.core.models import PlanRow, plan_table
from service.plan.boundaries import in_strategy
from service.plan.models import PROSE, WORD, one_of, reference, words

DIGEST = text_column(64)


class ReportStatus(StrEnum):
    """Where a report stands."""

    DRAFT = "draft"
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"


class Report(PlanRow, table=True):
    """The report on a strategy and quarter; a corrected edition is another one."""

    __table_args__ = plan_table(
        "reports",
        UniqueConstraint("strategy_id", "ref"),
        UniqueConstraint("strategy_id", "quarter", "edition"),
        one_of("status", ReportStatus),
        CheckConstraint("edition >= 1", name="edition"),
        CheckConstraint("(status = 'draft') = (known_at IS NULL)", name="known_at"),
    )

    strategy_id: int = reference("strategy")
    quarter: str = words(WORD)
    edition: int
    as_at: date
    status: str = words(WORD)
    known_at: datetime | None = Field(default=None, sa_type=Instant, nullable=True)
    summary: str = words(PROSE)
    commentary: list[dict[str, Any]] = Field(sa_type=JSON)


class ReportFile(SQLModel, table=True):
    """One file of a published report, as it was published."""

    __tablename__ = "report_file"
    __table__: ClassVar[Table]
    __table_args__ = (UniqueConstraint("report_id", "name"), {"sqlite_autoincrement": True})

    id: int | None = Field(default=None, sa_type=Key, primary_key=True)
    report_id: int = reference("report")
    name: str = words(WORD)
    sha256: str = words(DIGEST)
    content: bytes = Field(sa_type=LargeBinary)


def of_report(rows: FromClause, _seq: ColumnElement[int] | None, lens: Lens) -> ColumnElement[bool]:
    """Show the files of reports that may be seen."""
    (condition,) = is_within(rows.c.report_id, report, lens)
    return condition


report: Table = seen_by(versioned(Report.__table__), in_strategy)
report_file: Table = seen_by(append_only(ReportFile.__table__), of_report)
