"""The roles that users hold for organisations, and the scopes that tokens have."""

from enum import StrEnum


class Role(StrEnum):
    """What a user is to an organisation; roles add up."""

    VIEWER = "viewer"
    CONTRIBUTOR = "contributor"
    MANAGER = "manager"
    ADMIN = "admin"


class Scope(StrEnum):
    """What a token may be used for, at most."""

    READ = "read"
    UPDATE = "update"
    PLAN = "plan"
    REPORT = "report"
    ADMIN = "admin"


READERS = frozenset({Role.VIEWER, Role.CONTRIBUTOR, Role.MANAGER})
REPORTERS = frozenset({Role.CONTRIBUTOR, Role.MANAGER})
PLANNERS = frozenset({Role.MANAGER})
ADMINS = frozenset({Role.ADMIN})
