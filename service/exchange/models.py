"""Workbooks that came back, kept until they are applied, and for a month at most."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import BigInteger, ForeignKey, LargeBinary, Table
from sqlmodel import Field, SQLModel

from service.core.columns import Instant, Key, text_column

NAME = text_column(300)


class SheetImport(SQLModel, table=True):
    """A file that somebody sent in: what its cells held, what it would change, and when it was applied."""

    __tablename__ = "sheet_import"
    __table__: ClassVar[Table]
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: int | None = Field(default=None, sa_type=Key, primary_key=True)
    user_id: int = Field(
        sa_type=BigInteger, sa_column_args=[ForeignKey("user_account.id", ondelete="CASCADE")], index=True
    )
    strategy_id: int = Field(sa_type=BigInteger)
    file_name: str = Field(sa_type=NAME)
    sha256: str = Field(sa_type=text_column(64))
    sheet: str | None = Field(default=None, sa_type=NAME)
    grids: bytes = Field(sa_type=LargeBinary)
    rows: bytes = Field(sa_type=LargeBinary)
    marks: str = Field(sa_type=text_column(64))
    created_at: datetime = Field(sa_type=Instant, index=True)
    applied_at: datetime | None = Field(default=None, sa_type=Instant)


sheet_import = SheetImport.__table__
