"""The one policy, pure: which roles may do what, and which scope of a token it takes."""

from dataclasses import dataclass
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


class Act(StrEnum):
    """A kind of thing that can be done."""

    READ_DIRECTORY = "read organisations"
    READ_PLAN = "read the plan"
    REPORT_PROGRESS = "report progress"
    WRITE_PLAN = "change the plan"
    WRITE_DIRECTORY = "change organisations"
    READ_METRICS = "read the metrics"


@dataclass(frozen=True)
class Rule:
    """Who may do an act: any one of these roles, with this scope."""

    roles: frozenset[Role]
    scope: Scope


READERS = frozenset({Role.VIEWER, Role.CONTRIBUTOR, Role.MANAGER})
RULES: dict[Act, Rule] = {
    Act.READ_DIRECTORY: Rule(READERS | {Role.ADMIN}, Scope.READ),
    Act.READ_PLAN: Rule(READERS, Scope.READ),
    Act.REPORT_PROGRESS: Rule(frozenset({Role.CONTRIBUTOR, Role.MANAGER}), Scope.UPDATE),
    Act.WRITE_PLAN: Rule(frozenset({Role.MANAGER}), Scope.PLAN),
    Act.WRITE_DIRECTORY: Rule(frozenset({Role.ADMIN}), Scope.ADMIN),
    Act.READ_METRICS: Rule(READERS | {Role.ADMIN}, Scope.READ),
}


@dataclass(frozen=True)
class Actor:
    """Who is asking: a user, the roles held for organisations (None: for no one in particular), and the scopes left."""

    user_id: int
    name: str
    grants: frozenset[tuple[Role, int | None]]
    scopes: frozenset[Scope]

    @property
    def roles(self) -> frozenset[Role]:
        """The roles held for any organisation."""
        return frozenset(role for role, _ in self.grants)


def find_refusal(actor: Actor, act: Act) -> str | None:
    """Return why an actor may not do an act, or None where it may.

    A viewer that tries to report progress reads which roles could.
    """
    rule = RULES[act]
    if not actor.roles & rule.roles:
        able = " or ".join(sorted(role.value for role in rule.roles))
        return f"To {act.value} takes the role {able}. Ask your administrator for it."
    if rule.scope not in actor.scopes:
        return f"This token was made without the scope {rule.scope.value}. Use one that has it."
    return None
