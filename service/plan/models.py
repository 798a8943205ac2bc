"""The tables of the plan. Each has a history twin; status updates are only ever added."""

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
)
from sqlmodel import Field, SQLModel

from service.core.calendar import Precision
from service.core.columns import EMAIL_OF_A_PERSON, NAME_OF_A_PERSON, Key, Money, text_column
from service.core.history import append_only, versioned
from service.core.models import PlanRow, plan_table
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

TITLE = text_column(300)
WORD = text_column(40)
PROSE = text_column(10_000)


def reference(target: str, *, nullable: bool = False) -> Any:
    """Return a column that refers to the id of another table."""
    key = ForeignKey(f"{target}.id", ondelete="RESTRICT")
    return Field(default=None, sa_column_args=[key], sa_type=BigInteger, nullable=nullable, index=True)


def words(kind: Any, *, nullable: bool = False, **more: Any) -> Any:
    """Return a text column of one of the widths above."""
    return Field(default=None, sa_type=kind, nullable=nullable, sa_column_kwargs=more)


def one_of(column: str, values: type[StrEnum]) -> CheckConstraint:
    """Return the constraint that a column holds one of the values of an enumeration."""
    listed = ", ".join(f"'{value.value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def link_table(name: str, owner: str, other: str, *more: Column[Any] | CheckConstraint) -> Table:
    """Return the versioned table of links from one table to another, e.g. workstreams to priorities."""
    columns = [
        Column(f"{end}_id", BigInteger, ForeignKey(f"{end}.id", ondelete="RESTRICT"), nullable=False)
        for end in (owner, other)
    ]
    return versioned(
        Table(
            name,
            SQLModel.metadata,
            *columns,
            *more,
            Column("from_seq", BigInteger, nullable=False),
            PrimaryKeyConstraint(*(column.name for column in (*columns, *more) if isinstance(column, Column))),
            Index(None, f"{other}_id"),
            info={"owner": f"{owner}_id"},
        )
    )


class Organisation(PlanRow, table=True):
    """A partner, or a department of one."""

    __table_args__ = plan_table("organisations", UniqueConstraint("ref"), one_of("kind", OrganisationKind))

    name: str = words(TITLE)
    kind: str = words(WORD)
    parent_id: int | None = reference("organisation", nullable=True)


class Owner(PlanRow, table=True):
    """A post that answers for work."""

    __table_args__ = plan_table("owners", UniqueConstraint("ref"))

    post: str = words(TITLE)
    organisation_id: int = reference("organisation")
    holder_name: str | None = words(TITLE, nullable=True, info=NAME_OF_A_PERSON)
    email: str | None = words(TITLE, nullable=True, info=EMAIL_OF_A_PERSON)


class Board(PlanRow, table=True):
    """A governance body."""

    __table_args__ = plan_table("boards", UniqueConstraint("ref"))

    name: str = words(TITLE)
    parent_id: int | None = reference("board", nullable=True)


class Area(PlanRow, table=True):
    """A place."""

    __table_args__ = plan_table("areas", UniqueConstraint("ref"))

    name: str = words(TITLE)
    kind: str = words(WORD)
    parent_id: int | None = reference("area", nullable=True)


class Strategy(PlanRow, table=True):
    """A plan with its priorities."""

    __table_args__ = plan_table("strategies", UniqueConstraint("ref"))

    title: str = words(TITLE)
    starts_on: date
    ends_on: date | None = None


class Priority(PlanRow, table=True):
    """One of the joint priorities of a strategy."""

    __table_args__ = plan_table("priorities", UniqueConstraint("strategy_id", "ref"))

    strategy_id: int = reference("strategy")
    title: str = words(TITLE)
    description: str = words(PROSE)
    position: int


class Workstream(PlanRow, table=True):
    """A programme of work that serves one or more priorities."""

    __table_args__ = plan_table(
        "workstreams",
        UniqueConstraint("strategy_id", "ref"),
        UniqueConstraint("strategy_id", "id"),
        one_of("status", WorkstreamStatus),
    )

    strategy_id: int = reference("strategy")
    title: str = words(TITLE)
    description: str = words(PROSE)
    heading: str = words(TITLE)
    status: str = words(WORD)
    lead_organisation_id: int = reference("organisation")
    owner_id: int | None = reference("owner", nullable=True)
    starts_on: date | None = None
    ends_on: date | None = None


class Milestone(PlanRow, table=True):
    """Something to be done. Its strategy stands here too: its ref is unique there, and a scope finds it at once."""

    __table_args__ = plan_table(
        "milestones",
        UniqueConstraint("strategy_id", "ref"),
        ForeignKeyConstraint(
            ["strategy_id", "workstream_id"], ["workstream.strategy_id", "workstream.id"], ondelete="RESTRICT"
        ),
        Index(None, "workstream_id"),
        Index(None, "strategy_id", "id"),
        one_of("kind", MilestoneKind),
        one_of("due_precision", Precision),
        CheckConstraint("weight BETWEEN 1 AND 1000", name="weight"),
    )

    strategy_id: int = Field(sa_type=BigInteger)
    workstream_id: int = Field(sa_type=BigInteger)
    kind: str = words(WORD)
    title: str = words(TITLE)
    description: str = words(PROSE)
    owner_id: int | None = reference("owner", nullable=True)
    weight: int
    agreed_on: date
    start_on: date | None = None
    due_on: date | None = None
    due_precision: str = words(WORD)
    baseline_due_on: date | None = None


class StatusUpdate(SQLModel, table=True):
    """One report on one milestone. A milestone that was retired keeps its reports, so nothing refers to its row."""

    __tablename__ = "status_update"
    __table_args__ = (
        Index("ix_status_update_latest", "milestone_id", "effective_on", "seq", "id"),
        Index(None, "seq"),
        one_of("status", MilestoneStatus),
        one_of("confidence", Confidence),
        CheckConstraint("percent_complete BETWEEN 0 AND 100", name="percent_complete"),
        {"sqlite_autoincrement": True, "info": {"resource": "updates"}},
    )

    id: int | None = Field(default=None, sa_type=Key, primary_key=True)
    milestone_id: int = Field(sa_type=BigInteger)
    effective_on: date
    status: str = words(WORD)
    percent_complete: int
    forecast_on: date | None = None
    confidence: str | None = words(WORD, nullable=True)
    narrative: str | None = words(PROSE, nullable=True)
    evidence: list[dict[str, str]] = Field(sa_type=JSON)
    on_behalf_of: int | None = Field(default=None, sa_type=BigInteger)
    seq: int = Field(sa_type=BigInteger)


class Decision(PlanRow, table=True):
    """What a board decided or is asked to decide."""

    __table_args__ = plan_table(
        "decisions",
        UniqueConstraint("board_id", "ref"),
        one_of("precision", Precision),
        one_of("kind", DecisionKind),
        one_of("outcome", Outcome),
    )

    board_id: int = reference("board")
    decided_on: date | None = None
    precision: str = words(WORD)
    kind: str = words(WORD)
    text: str = words(PROSE)
    outcome: str = words(WORD)


class FundingAward(PlanRow, table=True):
    """Money for a workstream."""

    __tablename__ = "funding_award"
    __table_args__ = plan_table(
        "funding-awards",
        UniqueConstraint("workstream_id", "ref"),
        one_of("status", AwardStatus),
        CheckConstraint("amount >= 0", name="amount"),
    )

    workstream_id: int = reference("workstream")
    funder_id: int = reference("organisation")
    amount: Decimal | None = Field(default=None, sa_type=Money)
    status: str = words(WORD)
    starts_on: date | None = None
    ends_on: date | None = None


organisation, owner, board, area, strategy, priority, workstream, milestone, decision, funding_award = (
    versioned(model.__table__)
    for model in (
        Organisation,
        Owner,
        Board,
        Area,
        Strategy,
        Priority,
        Workstream,
        Milestone,
        Decision,
        FundingAward,
    )
)
status_update: Table = append_only(StatusUpdate.__table__)  # type: ignore[attr-defined]

strategy_board = link_table("strategy_board", "strategy", "board")
strategy_organisation = link_table("strategy_organisation", "strategy", "organisation")
workstream_priority = link_table("workstream_priority", "workstream", "priority")
workstream_area = link_table("workstream_area", "workstream", "area")
workstream_partner = link_table(
    "workstream_partner",
    "workstream",
    "organisation",
    Column("role", WORD, nullable=False),
    one_of("role", PartnerRole),
)
decision_priority = link_table("decision_priority", "decision", "priority")
decision_workstream = link_table("decision_workstream", "decision", "workstream")
