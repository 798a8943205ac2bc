"""Making users and tokens, and telling every process that rights have changed."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from sqlalchemy import Connection, exists, func, insert, or_, select, update

from service.access.claims import FederatedIdentity
from service.access.models import access_change, access_token, user_account, user_identity, user_role
from service.access.policy import Act, Actor, find_refusal
from service.access.roles import Role, Scope
from service.access.tokens import DAYS_AT_MOST, make_token
from service.core.errors import Fault, Forbidden, Invalid, NotFound
from service.core.history import Recorder, Row


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

    Without an organisation the user can only be an administrator.

    Raises:
        Invalid: the life of the token is not from 1 to 365 days, or a role is held for no organisation.
    """
    if organisation_id is None and set(roles) != {Role.ADMIN}:
        raise Invalid(Fault("/organisation", "Only an administrator can do without an organisation: name one."))
    note_access_change(recorder)
    is_admin = organisation_id is None
    values = {"name": name, "email": None, "organisation_id": organisation_id, "is_admin": is_admin, "is_active": True}
    user_id = recorder.add(user_account, values)["id"]
    if organisation_id is not None:
        held = [{"user_id": user_id, "organisation_id": organisation_id, "role": role.value} for role in set(roles)]
        recorder.link_many(user_role, held)
    return add_token(recorder, user_id, name=name, scopes=scopes, days=days)[0]


def add_token(
    recorder: Recorder, user_id: int, *, name: str, scopes: Iterable[Scope], days: int, feed: str | None = None
) -> tuple[str, int]:
    """Make a token for a user, and return it with its number.

    Raises:
        Invalid: its life is not from 1 to 365 days.
    """
    if not 1 <= days <= DAYS_AT_MOST:
        raise Invalid(Fault("/expires_days", f"A token lives from 1 to {DAYS_AT_MOST} days."))
    token, public_id, digest = make_token()
    values = {
        "public_id": public_id,
        "digest": digest,
        "user_id": user_id,
        "name": name,
        "scopes": sorted(scope.value for scope in set(scopes)),
        "created_at": recorder.at,
        "created_by": recorder.actor_id,
        "expires_at": recorder.at + timedelta(days=days),
        "feed": feed,
    }
    made = recorder.connection.execute(insert(access_token).values(values).returning(access_token.c.id))
    return token, int(made.scalar_one())


def make_own_token(
    recorder: Recorder,
    actor: Actor,
    *,
    name: str,
    user_id: int | None,
    scopes: Iterable[Scope] | None,
    days: int,
    feed: str | None = None,
) -> tuple[str, int]:
    """Make a token within the actor's rights, or for somebody else as an administrator; return it with its number.

    Raises:
        Forbidden: it would do more than the token in use, or is for somebody else.
        Invalid: there is no such user.
    """
    wanted = frozenset(actor.scopes if scopes is None else scopes)
    if user_id is None or user_id == actor.user_id:
        beyond = wanted - actor.scopes
        if beyond:
            lacking = ", ".join(sorted(scope.value for scope in beyond))
            raise Forbidden(f"The token in use has not the scope {lacking} itself. Leave it out, or use one that has.")
        return add_token(recorder, actor.user_id, name=name, scopes=wanted, days=days, feed=feed)
    refusal = find_refusal(actor, Act.WRITE_USERS)
    if refusal:
        raise Forbidden(refusal)
    there = recorder.connection.execute(select(user_account.c.id).where(user_account.c.id == user_id)).first()
    if there is None:
        raise Invalid(Fault("/user_id", f"There is no user {user_id}."))
    return add_token(recorder, user_id, name=name, scopes=wanted, days=days, feed=feed)


def welcome(recorder: Recorder, identity: FederatedIdentity) -> None:
    """Make a user of whom an issuer's token is about, unless there is one; it has the roles that its tokens bring.

    Another user may have the same address already, who is somebody else for all that: then it is left out.
    """
    connection = recorder.connection
    known = select(user_identity.c.id).where(
        user_identity.c.tenant == identity.tenant, user_identity.c.object_id == identity.object_id
    )
    if connection.execute(known).first() is not None:
        return
    email = identity.email and identity.email.lower()
    taken = connection.execute(select(user_account.c.id).where(user_account.c.email == email)).first()
    recorder.reason = "Came for the first time with a token of the issuer"
    values = {
        "name": identity.name,
        "email": None if taken else email,
        "organisation_id": None,
        "is_admin": False,
        "is_active": True,
    }
    user_id = recorder.add(user_account, values)["id"]
    who = {"user_id": user_id, "tenant": identity.tenant, "object_id": identity.object_id, "created_at": recorder.at}
    connection.execute(insert(user_identity).values(who))
    note_access_change(recorder)


def revoke_token(recorder: Recorder, actor: Actor, token_id: int) -> None:
    """Let a token hold no longer, from the next request on in every process; one that is revoked stays so.

    Raises:
        NotFound: there is no such token that the actor may see.
    """
    this = access_token.c.id == token_id
    holder = recorder.connection.execute(select(access_token.c.user_id).where(this)).scalar_one_or_none()
    if holder is None or not (holder == actor.user_id or keeps_all_tokens(actor)):
        raise missing_token(token_id)
    is_held = access_token.c.revoked_at.is_(None)
    revoked = {"revoked_at": recorder.at, "revoked_by": recorder.actor_id}
    recorder.connection.execute(update(access_token).where(this, is_held).values(revoked))
    note_access_change(recorder)


def keeps_all_tokens(actor: Actor) -> bool:
    """Tell whether an actor sees and revokes the tokens of all."""
    return find_refusal(actor, Act.READ_USERS) is None


def missing_token(token_id: int) -> NotFound:
    """Return the error of a token that is not there, or that the actor may not see."""
    return NotFound(f"There is no token {token_id}, or you may not see it.")


def note_access_change(recorder: Recorder) -> None:
    """Note that a transaction changes who may do what, so that every process reads its callers afresh."""
    noted = recorder.connection.execute(select(access_change.c.at).where(access_change.c.at == recorder.at)).first()
    if noted is None:
        recorder.connection.execute(insert(access_change).values(at=recorder.at))


def is_last_administrator(connection: Connection, user_id: int) -> bool:
    """Tell whether a user is an administrator, and nobody else is."""
    rows = user_account.c
    holds = exists().where(user_role.c.user_id == rows.id, user_role.c.role == Role.ADMIN.value)
    found = select(rows.id).where(rows.is_active, or_(rows.is_admin, holds)).limit(2)
    return [row.id for row in connection.execute(found)] == [user_id]


def is_without_users(connection: Connection) -> bool:
    """Tell whether nobody can use the service yet."""
    return connection.execute(select(func.count()).select_from(user_account)).scalar_one() == 0


def held_by(actor: Actor) -> Row:
    """Return the filter of the tokens that an actor may see."""
    return {} if keeps_all_tokens(actor) else {"held_by": [actor.user_id]}
