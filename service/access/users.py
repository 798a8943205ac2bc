"""The collection of users, and the list of tokens."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, FromClause, and_, exists, literal, or_, true

from service.access.models import access_token, user_account, user_role
from service.access.policy import Act
from service.access.resource import Draft, Lens, Link, Listing, Resource, seen_by, to_all
from service.access.roles import Role
from service.access.schemas import UserCreate, UserPatch, UserQuery, UserRead
from service.access.service import is_last_administrator
from service.core.errors import Fault
from service.core.history import Row, as_known

USER_ROLES = Link("roles", user_role, ("organisation_id", "role"))
# They are an administrator's, whom the rule of the act lets in; and one's own tokens one's own.
seen_by(user_account, to_all)
seen_by(access_token, to_all)


def holding(rows: FromClause, roles: Any, lens: Lens) -> ColumnElement[bool]:
    """Keep the users that hold one of these roles."""
    links = as_known(user_role, lens.seq)
    return or_(
        exists().where(links.c.user_id == rows.c.id, links.c.role.in_(roles)),
        and_(rows.c.is_admin.is_(true()), literal(Role.ADMIN.value).in_(roles)),
    )


def settle_user(draft: Draft) -> Iterable[Fault]:
    """Keep one administrator at least: without one nobody could let anybody in."""
    before, after = draft.before, draft.values
    if before is None or not _is_administrator(before) or _is_administrator(after):
        return
    if is_last_administrator(draft.connection, before["id"]):
        field = "is_active" if not after["is_active"] else "is_admin" if before["is_admin"] else "roles"
        yield Fault(f"/{field}", "This is the last administrator: make another one first.")


def _is_administrator(user: Row) -> bool:
    return user["is_active"] and (user["is_admin"] or any(each["role"] == Role.ADMIN for each in user["roles"]))


USERS = Resource(
    noun="user",
    table=user_account,
    create=UserCreate,
    patch=UserPatch,
    read=UserRead,
    query=UserQuery,
    reads=Act.READ_USERS,
    writes=Act.WRITE_USERS,
    links=(USER_ROLES,),
    searched=("name", "email"),
    sortable=("id", "name", "email", "created_at", "updated_at"),
    conditions={"role": holding},
    settle=settle_user,
    changes_access=True,
)
TOKENS = Listing(
    table=access_token,
    reads=Act.KEEP_TOKENS,
    hidden=frozenset({"digest"}),
    sortable=("id", "name", "created_at", "expires_at", "last_used_at"),
    conditions={"held_by": lambda rows, ids, _: rows.c.user_id.in_(ids)},
)
