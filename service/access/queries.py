"""Who is asking, and whether what is remembered of callers still holds."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, or_, select, update

from service.access.claims import FederatedIdentity
from service.access.models import access_token, user_account, user_identity, user_role
from service.access.policy import Actor
from service.access.roles import Role, Scope
from service.access.scope import Partnership, reach_of
from service.core.columns import json_list
from service.core.driver import fetch


@dataclass(frozen=True)
class Caller:
    """The actor behind a token, and what the token must still be held against."""

    name: str
    """What requests are counted by: the token's public id, or who the issuer says it is."""
    actor: Actor
    digest: str
    expires_at: datetime
    is_active: bool = True
    feed: str | None = None
    """The one list that the token is a key to; None where it is a token like any other."""

    def until(self, expires_at: datetime) -> "Caller":
        """Return the caller with a token that ends then."""
        return replace(self, expires_at=expires_at)


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
        access_token.c.feed,
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
    return State(*fetch(connection, _NEWEST)[0])


def find_caller(connection: Connection, partnership: Partnership, *, public_id: str) -> Caller | None:
    """Return who a token belongs to; None where there is no such token, it is revoked, or its user is disabled."""
    row = connection.execute(_CALLER, {"public_id": public_id}).one_or_none()
    if row is None or row.revoked_at is not None or not row.is_active:
        return None
    scopes = frozenset(Scope(scope) for scope in row.scopes)
    actor = _actor(row, scopes, (), partnership)
    return Caller(public_id, actor, row.digest, row.expires_at, feed=row.feed)


_FEDERATED = (
    select(*_USER)
    .join_from(user_identity, user_account, user_account.c.id == user_identity.c.user_id)
    .where(user_identity.c.tenant == bindparam("tenant"), user_identity.c.object_id == bindparam("object_id"))
)


def find_federated(connection: Connection, partnership: Partnership, *, identity: FederatedIdentity) -> Caller | None:
    """Return the user that an issuer's token is about, with the roles that it brings; None for one never seen.

    A role for an organisation that is not there gives nothing. What the user may do is all that its roles let it.
    """
    names = {"tenant": identity.tenant, "object_id": identity.object_id}
    row = connection.execute(_FEDERATED, names).one_or_none()
    if row is None:
        return None
    brought = [(role, partnership.refs[ref]) for role, ref in identity.grants if ref in partnership.refs]
    actor = _actor(row, frozenset(Scope), brought, partnership)
    return Caller(f"{identity.tenant} {identity.object_id}", actor, "", identity.expires_at, row.is_active)


def _actor(row: Any, scopes: frozenset[Scope], brought: Iterable[tuple[Role, int]], partnership: Partnership) -> Actor:
    grants: set[tuple[Role, int | None]] = {(Role(role), organisation_id) for role, organisation_id in row.grants}
    grants.update(brought)
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
