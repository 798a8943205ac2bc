"""What every table of the plan has."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, Table
from sqlmodel import Field, SQLModel

from service.core.columns import Instant, Key, text_column


class PlanRow(SQLModel):
    """The common columns: an id that is never used again, a ref, and the version with its interval's start."""

    __table__: ClassVar[Table]

    id: int | None = Field(default=None, sa_type=Key, primary_key=True)
    ref: str = Field(sa_type=text_column(40))
    version: int = Field(nullable=False)
    created_at: datetime = Field(sa_type=Instant, nullable=False)
    updated_at: datetime = Field(sa_type=Instant, nullable=False)
    from_seq: int = Field(sa_type=BigInteger, nullable=False)


def plan_table(resource: str, *constraints: Any) -> tuple[Any, ...]:
    """Return the table arguments of a plan table: its constraints, its name in the API, and ids never reused."""
    return (*constraints, {"sqlite_autoincrement": True, "info": {"resource": resource}})
