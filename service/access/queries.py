"""Who is asking, and whether what is remembered of callers still holds."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, select

from service.access.models import access_token, user_account, user_role
from service.access.policy import Actor, Role, Scope
from service.core.columns import json_list


@dataclass(frozen=True)
class Caller:
    """The actor behind a token, and what the token must still be held against."""

    actor: Actor
    digest: str
    expires_at: datetime


_GRANTS = (
    select(json_list(user_role.c.role, user_role.c.organisation_id))
    .where(user_role.c.user_id == user_account.c.id)
    .correlate(user_account)
    .scalar_subquery()
)
_CALLER = (
    select(
        access_token.c.digest,
        access_token.c.scopes,
        access_token.c.expires_at,
        access_token.c.revoked_at,
        user_account.c.id,
        user_account.c.name,
        user_account.c.is_active,
        _GRANTS.label("grants"),
    )
    .join_from(access_token, user_account, user_account.c.id == access_token.c.user_id)
    .where(access_token.c.public_id == bindparam("public_id"))
)


# Asked at every request, so it stands as it is sent: building it would take longer than running it.
_NEWEST = "SELECT coalesce((SELECT max(at) FROM stamp), 0), coalesce((SELECT max(at) FROM access_change), 0)"


@dataclass(frozen=True)
class State:
    """The state of a database, by which what is remembered of it is held.

    Both are instants in microseconds since 1970, 0 where there is none. An instant is never stamped twice, whereas a
    number can come again when a backup is put back.
    """

    newest: int
    """The newest transaction of all."""
    of_access: int
    """The newest transaction that changed who may do what."""


def find_state(connection: Connection) -> State:
    """Return the state that a database is in."""
    return State(*connection.exec_driver_sql(_NEWEST).one())


def find_caller(connection: Connection, public_id: str) -> Caller | None:
    """Return who a token belongs to; None where there is no such token, it is revoked, or its user is disabled."""
    row = connection.execute(_CALLER, {"public_id": public_id}).one_or_none()
    if row is None or row.revoked_at is not None or not row.is_active:
        return None
    actor = Actor(
        user_id=row.id,
        name=row.name,
        grants=frozenset((Role(role), organisation_id) for role, organisation_id in row.grants),
        scopes=frozenset(Scope(scope) for scope in row.scopes),
    )
    return Caller(actor, row.digest, row.expires_at)
