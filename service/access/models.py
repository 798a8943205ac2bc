"""Users with the roles they hold, who they are to an issuer of tokens, and their own tokens."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
)
from sqlmodel import Field, SQLModel

from service.access.roles import Role
from service.core.columns import EMAIL_OF_A_PERSON, NAME_OF_A_PERSON, Instant, Key, text_column
from service.core.history import append_only, versioned

NAME = text_column(300)
WORD = text_column(40)


class AccessChange(SQLModel, table=True):
    """When a transaction changed who may do what: what was read of users, roles and tokens before it is void."""

    __tablename__ = "access_change"

    at: datetime = Field(sa_type=Instant, primary_key=True, sa_column_kwargs={"autoincrement": False})


class UserAccount(SQLModel, table=True):
    """A person or a program that acts. All else knows it by its id alone."""

    __tablename__ = "user_account"
    __table__: ClassVar[Table]
    __table_args__ = (
        UniqueConstraint("email"),
        {"sqlite_autoincrement": True, "info": {"resource": "users"}},
    )

    id: int | None = Field(default=None, sa_type=Key, primary_key=True)
    version: int = Field(nullable=False)
    created_at: datetime = Field(sa_type=Instant, nullable=False)
    updated_at: datetime = Field(sa_type=Instant, nullable=False)
    from_seq: int = Field(sa_type=BigInteger, nullable=False)
    name: str = Field(sa_type=NAME, sa_column_kwargs={"info": NAME_OF_A_PERSON})
    email: str | None = Field(default=None, sa_type=NAME, sa_column_kwargs={"info": EMAIL_OF_A_PERSON})
    organisation_id: int | None = Field(
        default=None,
        sa_type=BigInteger,
        sa_column_args=[ForeignKey("organisation.id", ondelete="RESTRICT")],
        index=True,
    )
    is_admin: bool = False
    is_active: bool = True


class UserIdentity(SQLModel, table=True):
    """Who a user is to an issuer of tokens: a tenant and an object of it, never an e-mail address."""

    __tablename__ = "user_identity"
    __table__: ClassVar[Table]
    __table_args__ = (UniqueConstraint("tenant", "object_id"),)

    id: int | None = Field(default=None, sa_type=Key, primary_key=True)
    user_id: int = Field(
        sa_type=BigInteger, sa_column_args=[ForeignKey("user_account.id", ondelete="CASCADE")], index=True
    )
    tenant: str = Field(sa_type=NAME)
    object_id: str = Field(sa_type=NAME)
    created_at: datetime = Field(sa_type=Instant)


class AccessToken(SQLModel, table=True):
    """A token; of its secret only the SHA-256 is kept."""

    __tablename__ = "access_token"
    __table__: ClassVar[Table]
    __table_args__ = (
        UniqueConstraint("public_id"),
        {"sqlite_autoincrement": True, "info": {"resource": "tokens"}},
    )

    id: int | None = Field(default=None, sa_type=Key, primary_key=True)
    public_id: str = Field(sa_type=WORD)
    digest: str = Field(sa_type=text_column(64))
    user_id: int = Field(
        sa_type=BigInteger, sa_column_args=[ForeignKey("user_account.id", ondelete="CASCADE")], index=True
    )
    name: str = Field(sa_type=NAME)
    scopes: list[str] = Field(sa_type=JSON)
    created_at: datetime = Field(sa_type=Instant)
    created_by: int | None = Field(default=None, sa_type=BigInteger)
    expires_at: datetime = Field(sa_type=Instant)
    last_used_at: datetime | None = Field(default=None, sa_type=Instant)
    revoked_at: datetime | None = Field(default=None, sa_type=Instant)
    revoked_by: int | None = Field(default=None, sa_type=BigInteger)
    feed: str | None = Field(default=None, sa_type=text_column(2000))
    """Where it is the key of one list only: the address of that list, to be had below /feeds and nowhere else."""


access_change: Table = append_only(AccessChange.__table__)  # type: ignore[attr-defined]
user_account = versioned(UserAccount.__table__)
user_identity = UserIdentity.__table__
access_token = AccessToken.__table__
user_role = versioned(
    Table(
        "user_role",
        SQLModel.metadata,
        Column("user_id", BigInteger, ForeignKey("user_account.id", ondelete="CASCADE"), nullable=False),
        Column("organisation_id", BigInteger, ForeignKey("organisation.id", ondelete="RESTRICT"), nullable=False),
        Column("role", WORD, nullable=False),
        Column("from_seq", BigInteger, nullable=False),
        CheckConstraint(f"role IN ({', '.join(repr(role.value) for role in Role)})", name="role"),
        PrimaryKeyConstraint("user_id", "organisation_id", "role"),
        Index(None, "organisation_id"),
        info={"owner": "user_id"},
    )
)
