"""Who is asking, and whether what is remembered of callers still holds."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, or_, select, update

from service.access.models import access_token, user_account, user_role
from service.access.policy import Actor
from service.access.roles import Role, Scope
from service.access.scope import Partnership, reach_of
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
_USER = (
    user_account.c.id,
    user_account.c.name,
    user_account.c.is_admin,
    user_account.c.is_active,
    _GRANTS.label("grants"),
)
_CALLER = (
    select(
        access_token.c.digest,
        access_token.c.scopes,
        access_token.c.expires_at,
        access_token.c.revoked_at,
        *_USER,
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


def find_caller(connection: Connection, public_id: str, partnership: Partnership) -> Caller | None:
    """Return who a token belongs to; None where there is no such token, it is revoked, or its user is disabled."""
    row = connection.execute(_CALLER, {"public_id": public_id}).one_or_none()
    if row is None or row.revoked_at is not None or not row.is_active:
        return None
    scopes = frozenset(Scope(scope) for scope in row.scopes)
    return Caller(_actor(row, scopes, partnership), row.digest, row.expires_at)


def _actor(row: Any, scopes: frozenset[Scope], partnership: Partnership) -> Actor:
    grants = {(Role(role), organisation_id) for role, organisation_id in row.grants}
    if row.is_admin:
        grants.add((Role.ADMIN, None))
    return Actor(row.id, row.name, frozenset(grants), scopes, reach_of(grants, partnership))


def note_uses(connection: Connection, uses: Iterable[tuple[str, datetime]]) -> None:
    """Keep when tokens were last used; never an earlier time than is kept already."""
    used_at = bindparam("used_at", type_=access_token.c.last_used_at.type)
    is_later = or_(access_token.c.last_used_at.is_(None), access_token.c.last_used_at < used_at)
    statement = update(access_token).where(and_(access_token.c.public_id == bindparam("used"), is_later))
    connection.execute(
        statement.values(last_used_at=used_at),
        [{"used": public_id, "used_at": at} for public_id, at in uses],
    )
