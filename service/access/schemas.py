"""What the API takes and gives about users, tokens and one's own rights."""

from typing import Annotated
from urllib.parse import parse_qsl

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict
from pydantic_core import PydanticCustomError

from service.access.roles import Role, Scope
from service.access.tokens import DAYS_AT_MOST, DAYS_BY_DEFAULT
from service.core.fields import LIKE_LIST, Email, Flag, Id, Input, Instant, Prose, Title
from service.core.paging import ListQuery, sorted_by
from service.core.schemas import Common, KnownAt, Several, UrlIds, ids_of, patch_of, several


class Grant(Input):
    """A role, and the organisation for which it is held."""

    organisation_id: Id = Field(description="The organisation; its departments are covered too.", examples=[2])
    role: Role = Field(description="What the user is to it.", examples=["contributor"])


Flags = Annotated[bool, Strict()]


class UserCreate(Input):
    """A person or a program that uses the service."""

    name: Title = Field(description="What it is called.", examples=["A. N. Officer"])
    email: Annotated[Email, AfterValidator(str.lower)] | None = Field(
        None, description="Where it is written to; small letters.", examples=["officer@example.org"]
    )
    organisation_id: Id | None = Field(None, description="The organisation that it belongs to.", examples=[2])
    roles: Annotated[list[Grant], Field(max_length=200, json_schema_extra={"uniqueItems": True})] = Field(
        [],
        description="The roles it holds; they add up.",
        examples=[[{"organisation_id": 2, "role": "contributor"}]],
    )
    is_admin: Flags = Field(
        False, description="Whether it is an administrator, for no organisation in particular.", examples=[False]
    )
    is_active: Flags = Field(True, description="Whether it may use the service at all.", examples=[True])


class UserRead(Common, UserCreate):
    """A person or a program that uses the service."""


UserPatch = patch_of("UserPatch", UserCreate)


class UserQuery(ListQuery, KnownAt):
    """Filters of users."""

    email: Several[Email] | None = several("users with these addresses", "officer@example.org")
    organisation_id: UrlIds = ids_of("these organisations")
    role: Several[Role] | None = several("users that hold one of these roles", "manager")
    is_active: Flag | None = Field(None, description="Only users that are active, or that are not.", examples=[True])
    q: Annotated[Prose, Field(max_length=200)] | None = Field(
        None, description="Only users with this in their name or address.", examples=["officer"]
    )
    updated_since: Instant | None = Field(
        None, description="Only users changed at this instant or later.", examples=["2019-01-01T00:00:00Z"]
    )


def _check_feed(address: str) -> str:
    """Return the address of a list that says nothing of its form, which is CSV."""
    if {name for name, _ in parse_qsl(address.partition("?")[2])} & {"format", "bom", "limit", "cursor"}:
        raise PydanticCustomError("feed", "Leave format, bom, limit and cursor out: it is CSV, and all of it.")
    return address


class TokenCreate(Input):
    """A token to call the API with."""

    name: Title = Field(description="What it is for.", examples=["Power BI of the intelligence team"])
    user_id: Id | None = Field(
        None, description="Whose it is: one's own where left out, another's for an administrator.", examples=[1]
    )
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=len(Scope))] | None = Field(
        None,
        description="What it may be used for; all that the token in use may, where left out.",
        examples=[["read"]],
    )
    expires_days: Annotated[int, Strict(), Field(ge=1, le=DAYS_AT_MOST)] = Field(
        DAYS_BY_DEFAULT, description="Days until it expires, 1 to 365.", examples=[90]
    )
    feed: Annotated[str, Field(max_length=2000, pattern=LIKE_LIST), AfterValidator(_check_feed)] | None = Field(
        None,
        description=(
            "Make it the key to this one list and nothing else: whoever has the address in `feed_url` reads the list "
            "as CSV, without signing in, as far as you may see it then."
        ),
        examples=["/v1/milestones?strategy_id=1&overdue=true"],
    )


class TokenRead(BaseModel):
    """A token as it is kept: of its secret only a digest is, which nobody is shown."""

    model_config = ConfigDict(extra="forbid", json_schema_serialization_defaults_required=True)

    id: Id = Field(description="Number of the token.")
    public_id: str = Field(description="The part of it that is no secret.", examples=["0123456789abcdef"])
    user_id: Id = Field(description="Whose it is.")
    name: str = Field(description="What it is for.", examples=["Power BI of the intelligence team"])
    scopes: list[Scope] = Field(description="What it may be used for.")
    created_at: Instant = Field(description="When it was made.")
    created_by: Id | None = Field(description="The user who made it; null for the service itself.")
    expires_at: Instant = Field(description="When it ends.")
    last_used_at: Instant | None = Field(description="When it was last used, to the minute; null where it never was.")
    revoked_at: Instant | None = Field(description="When it was revoked; null where it was not.")
    revoked_by: Id | None = Field(description="The user who revoked it.")
    feed: str | None = Field(description="The one list that it is the key to; null for a token like any other.")


class TokenMade(TokenRead):
    """A new token, shown this once."""

    token: str | None = Field(
        description="The token. It is shown this once: null where the same request is sent again.",
        examples=["trk_0123456789abcdef_…"],
    )
    feed_url: str | None = Field(
        description="Where the list of a feed is to be had, for IMPORTDATA and the like; shown this once too.",
        examples=[None],
    )


@sorted_by("id", "name", "created_at", "expires_at", "last_used_at")
class TokenQuery(ListQuery):
    """Filters of tokens."""

    user_id: UrlIds = ids_of("these users")


class OwnStrategy(BaseModel):
    """What one may do in a strategy beyond reading it."""

    model_config = ConfigDict(extra="forbid")

    id: Id = Field(description="The strategy.")
    can_write: bool = Field(description="Whether one may change its plan, and report on any of its milestones.")
    can_report: bool = Field(
        description="Whether one may report on the milestones for which one of `reports_for` answers."
    )


class OwnToken(BaseModel):
    """The token in use."""

    model_config = ConfigDict(extra="forbid")

    scopes: list[Scope] = Field(description="What it may be used for.")
    expires_at: Instant = Field(description="When it ends.")


class Me(BaseModel):
    """Who one is, and what one may do with the token in use."""

    model_config = ConfigDict(extra="forbid", json_schema_serialization_defaults_required=True)

    user_id: Id = Field(description="One's number; histories and the change feed know one by it.")
    name: str = Field(description="One's name.", examples=["A. N. Officer"])
    roles: list[Grant] = Field(description="The roles one holds.")
    is_admin: bool = Field(description="Whether one is an administrator.")
    acts: list[str] = Field(description="What one may do, in words.", examples=[["read the plan"]])
    strategies: list[OwnStrategy] = Field(description="The strategies one may see.")
    reports_for: list[Id] = Field(description="The organisations for whose milestones one reports as a contributor.")
    token: OwnToken = Field(description="The token in use.")
