"""Who is asking, in one statement; it brings the number of the newest transaction along."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Table, bindparam, select

from service.access.models import AccessToken, UserAccount, UserRole
from service.access.policy import Actor, Role, Scope
from service.access.tokens import Credentials
from service.core.columns import json_list
from service.core.errors import Unauthenticated
from service.core.history import newest_seq

user_account: Table = UserAccount.__table__  # type: ignore[attr-defined]
user_role: Table = UserRole.__table__  # type: ignore[attr-defined]
access_token: Table = AccessToken.__table__  # type: ignore[attr-defined]

REFUSED = "This takes a token that holds: send `Authorization: Bearer trk_…`, or Basic with the token as password."
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="tracker", Basic realm="tracker", charset="UTF-8"'}
# Compared where no token has the id, so that a wrong id takes as long as a wrong secret.
NO_DIGEST = "0" * 64


@dataclass(frozen=True)
class Caller:
    """The actor behind a request, and the newest transaction there was when its rights were read."""

    actor: Actor
    newest_seq: int


def unauthenticated() -> Unauthenticated:
    """Return the one error for every kind of credentials that do not hold."""
    return Unauthenticated(REFUSED, headers=CHALLENGE)


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
        newest_seq().scalar_subquery().label("newest_seq"),
    )
    .join_from(access_token, user_account, user_account.c.id == access_token.c.user_id)
    .where(access_token.c.public_id == bindparam("public_id"))
)


def identify(connection: Connection, credentials: Credentials | None, now: datetime) -> Caller:
    """Return who holds these credentials, with their rights as they are now.

    Raises:
        Unauthenticated: there are none, or they are wrong, expired or revoked, or their user is disabled.
    """
    if credentials is None:
        raise unauthenticated()
    row = connection.execute(_CALLER, {"public_id": credentials.public_id}).one_or_none()
    holds = credentials.hold_for(row.digest if row else NO_DIGEST)
    if row is None or not holds or row.revoked_at is not None or row.expires_at <= now or not row.is_active:
        raise unauthenticated()
    actor = Actor(
        user_id=row.id,
        name=row.name,
        grants=frozenset((Role(role), organisation_id) for role, organisation_id in row.grants),
        scopes=frozenset(Scope(scope) for scope in row.scopes),
    )
    return Caller(actor, row.newest_seq)
