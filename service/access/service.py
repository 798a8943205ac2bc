"""Making users and their tokens."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import Connection, func, insert, select

from service.access.models import access_change, access_token, user_account, user_role
from service.access.policy import Role, Scope
from service.access.tokens import DAYS_AT_MOST, make_token
from service.core.errors import Fault, Invalid
from service.core.history import Recorder


def create_token(
    recorder: Recorder,
    *,
    name: str,
    roles: Sequence[Role],
    organisation_id: int | None,
    scopes: Sequence[Scope],
    days: int,
) -> str:
    """Make a user with these roles and a token for it, and return the token: it is shown this once.

    Raises:
        Invalid: the life of the token is not from 1 to 365 days.
    """
    if not 1 <= days <= DAYS_AT_MOST:
        raise Invalid(Fault("/expires_days", f"A token lives from 1 to {DAYS_AT_MOST} days."))
    connection, now = recorder.connection, recorder.at
    note_access_change(recorder)
    user_id = connection.execute(
        insert(user_account).values(name=name, is_active=True, created_at=now).returning(user_account.c.id)
    ).scalar_one()
    grants = [{"user_id": user_id, "role": role.value, "organisation_id": organisation_id} for role in set(roles)]
    connection.execute(insert(user_role), grants)
    token, public_id, digest = make_token()
    connection.execute(
        insert(access_token).values(
            public_id=public_id,
            digest=digest,
            user_id=user_id,
            scopes=sorted(scope.value for scope in set(scopes)),
            created_at=now,
            expires_at=now + timedelta(days=days),
        )
    )
    return token


def note_access_change(recorder: Recorder) -> None:
    """Note that a transaction changes who may do what, so that every process reads its callers afresh."""
    recorder.connection.execute(insert(access_change).values(at=recorder.at))


def is_without_users(connection: Connection) -> bool:
    """Tell whether nobody can use the service yet."""
    return connection.execute(select(func.count()).select_from(user_account)).scalar_one() == 0
