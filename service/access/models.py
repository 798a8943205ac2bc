"""Users, the roles they hold, and their tokens."""

from datetime import datetime

from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKey, Table, UniqueConstraint
from sqlmodel import Field, SQLModel

from service.core.columns import Instant, Key, text_column
from service.core.history import append_only


class AccessChange(SQLModel, table=True):
    """When a transaction changed who may do what: what was read of users, roles and tokens before it is void."""

    __tablename__ = "access_change"

    at: datetime = Field(sa_type=Instant, primary_key=True, sa_column_kwargs={"autoincrement": False})


class UserAccount(SQLModel, table=True):
    """A person or a program that acts."""

    __tablename__ = "user_account"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: int | None = Field(default=None, sa_type=Key, primary_key=True)
    name: str = Field(sa_type=text_column(300))
    is_active: bool = True
    created_at: datetime = Field(sa_type=Instant)


class UserRole(SQLModel, table=True):
    """A role that a user holds for an organisation, or for none where the organisation is null."""

    __tablename__ = "user_role"
    __table_args__ = (
        CheckConstraint("role IN ('viewer', 'contributor', 'manager', 'admin')", name="role"),
        UniqueConstraint("user_id", "role", "organisation_id"),
    )

    id: int | None = Field(default=None, sa_type=Key, primary_key=True)
    user_id: int = Field(sa_type=BigInteger, sa_column_args=[ForeignKey("user_account.id", ondelete="CASCADE")])
    role: str = Field(sa_type=text_column(40))
    organisation_id: int | None = Field(
        default=None,
        sa_type=BigInteger,
        sa_column_args=[ForeignKey("organisation.id", ondelete="RESTRICT")],
        index=True,
    )


class AccessToken(SQLModel, table=True):
    """A token; of its secret only the SHA-256 is kept."""

    __tablename__ = "access_token"
    __table_args__ = (UniqueConstraint("public_id"), {"sqlite_autoincrement": True})

    id: int | None = Field(default=None, sa_type=Key, primary_key=True)
    public_id: str = Field(sa_type=text_column(40))
    digest: str = Field(sa_type=text_column(64))
    user_id: int = Field(
        sa_type=BigInteger, sa_column_args=[ForeignKey("user_account.id", ondelete="CASCADE")], index=True
    )
    scopes: list[str] = Field(sa_type=JSON)
    created_at: datetime = Field(sa_type=Instant)
    expires_at: datetime = Field(sa_type=Instant)
    revoked_at: datetime | None = Field(default=None, sa_type=Instant)


access_change: Table = append_only(AccessChange.__table__)  # type: ignore[attr-defined]
user_account: Table = UserAccount.__table__  # type: ignore[attr-defined]
user_role: Table = UserRole.__table__  # type: ignore[attr-defined]
access_token: Table = AccessToken.__table__  # type: ignore[attr-defined]
