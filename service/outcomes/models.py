"""Indicators, with a history, and observations, which are only ever added."""

from datetime import date

from sqlalchemy import BigInteger, CheckConstraint, Float, Index, Table, UniqueConstraint
from sqlmodel import Field, SQLModel

from service.core.columns import Key
from service.core.history import append_only, versioned
from service.core.models import PlanRow, plan_table
from service.outcomes.rules import Polarity
from service.plan.models import PROSE, TITLE, WORD, link_table, one_of, reference, words


class Indicator(PlanRow, table=True):
    """An outcome measure."""

    __table_args__ = plan_table("indicators", UniqueConstraint("strategy_id", "ref"), one_of("polarity", Polarity))

    strategy_id: int = reference("strategy")
    workstream_id: int | None = reference("workstream", nullable=True)
    title: str = words(TITLE)
    unit: str = words(TITLE)
    polarity: str = words(WORD)
    comparator: str | None = words(TITLE, nullable=True)


class Observation(SQLModel, table=True):
    """One value of an indicator. An indicator that was retired keeps its values, so nothing refers to its row."""

    __table_args__ = (
        Index(None, "indicator_id"),
        Index(None, "seq"),
        CheckConstraint("numerator >= 0 AND denominator > 0 AND numerator <= denominator", name="counts"),
        {"sqlite_autoincrement": True, "info": {"resource": "observations"}},
    )

    id: int | None = Field(default=None, sa_type=Key, primary_key=True)
    indicator_id: int = Field(sa_type=BigInteger)
    category: str | None = words(TITLE, nullable=True)
    area_id: int | None = Field(default=None, sa_type=BigInteger)
    period_start: date | None = None
    period_end: date | None = None
    published_on: date
    value: float = Field(sa_type=Float(53))
    numerator: int | None = Field(default=None, sa_type=BigInteger)
    denominator: int | None = Field(default=None, sa_type=BigInteger)
    comparator_value: float | None = Field(default=None, sa_type=Float(53))
    commentary: str | None = words(PROSE, nullable=True)
    seq: int = Field(sa_type=BigInteger)


indicator: Table = versioned(Indicator.__table__)
observation: Table = append_only(Observation.__table__)  # type: ignore[attr-defined]
indicator_priority = link_table("indicator_priority", "indicator", "priority")
