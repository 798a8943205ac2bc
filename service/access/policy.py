"""The one policy, pure: which roles may do what and where, and which scope of a token it takes."""

from dataclasses import dataclass
from enum import StrEnum

from service.access.roles import ADMINS, PLANNERS, READERS, REPORTERS, Role, Scope
from service.access.scope import EVERYTHING, NOWHERE, Reach


class Act(StrEnum):
    """A kind of thing that can be done."""

    READ_DIRECTORY = "read organisations"
    READ_PLAN = "read the plan"
    REPORT_PROGRESS = "report progress"
    WRITE_PLAN = "change the plan"
    WRITE_DIRECTORY = "change organisations"
    READ_USERS = "read users"
    WRITE_USERS = "change users"
    KEEP_TOKENS = "keep tokens of one's own"
    READ_OWN = "read one's own rights"
    READ_EVENTS = "read the change feed"
    READ_METRICS = "read the metrics"
    IMPORT = "import a workbook"
    WRITE_REPORTS = "make and publish reports"
    KEEP_WEBHOOKS = "keep webhooks"


@dataclass(frozen=True)
class Rule:
    """Who may do an act: any one of these roles (None: everybody), with this scope (None: any).

    `where` says what a role must be held for, where that matters.
    """

    roles: frozenset[Role] | None
    scope: Scope | None
    where: str = ""


RULES: dict[Act, Rule] = {
    Act.READ_DIRECTORY: Rule(READERS | ADMINS, Scope.READ),
    Act.READ_PLAN: Rule(READERS, Scope.READ),
    Act.REPORT_PROGRESS: Rule(REPORTERS, Scope.UPDATE, ", held for the organisation that answers for it"),
    Act.WRITE_PLAN: Rule(PLANNERS, Scope.PLAN, ", held for a partner of the strategy"),
    Act.WRITE_REPORTS: Rule(PLANNERS, Scope.REPORT, ", held for a partner of the strategy"),
    Act.KEEP_WEBHOOKS: Rule(PLANNERS, Scope.PLAN, ", held for a partner of the strategy"),
    Act.WRITE_DIRECTORY: Rule(ADMINS, Scope.ADMIN),
    Act.READ_USERS: Rule(ADMINS, Scope.ADMIN),
    Act.WRITE_USERS: Rule(ADMINS, Scope.ADMIN),
    Act.KEEP_TOKENS: Rule(None, None),
    Act.READ_OWN: Rule(None, None),
    Act.READ_EVENTS: Rule(READERS | ADMINS, Scope.READ),
    Act.READ_METRICS: Rule(READERS | ADMINS, Scope.READ),
    # What each line does takes its own act besides.
    Act.IMPORT: Rule(REPORTERS, Scope.READ),
}


@dataclass(frozen=True)
class Actor:
    """Who is asking: a user with roles held for organisations (None: for no one in particular), cut down to scopes."""

    user_id: int
    """0 for the service itself, which is no user."""
    name: str
    grants: frozenset[tuple[Role, int | None]]
    scopes: frozenset[Scope]
    reach: Reach = NOWHERE

    @property
    def roles(self) -> frozenset[Role]:
        """The roles held for any organisation."""
        return frozenset(role for role, _ in self.grants)


# What acts where nobody asked: a plan file is loaded, a report falls due.
SERVICE = Actor(0, "The service", frozenset(), frozenset(), Reach(sight=EVERYTHING))


def find_refusal(actor: Actor, act: Act) -> str | None:
    """Return why an actor may not do an act anywhere, or None where there may be a place for it.

    A viewer that tries to report progress reads which roles could.
    """
    rule = RULES[act]
    if actor is SERVICE:
        return None
    if rule.roles is not None and lacks_role(actor, act):
        return f"To {act.value} takes the role {named(rule.roles)}{rule.where}. Ask your administrator for it."
    if rule.scope is not None and rule.scope not in actor.scopes:
        return f"This token was made without the scope {rule.scope.value}. Use one that has it."
    return None


def lacks_role(actor: Actor, act: Act) -> bool:
    """Tell whether an actor has none of the roles that an act takes."""
    roles = RULES[act].roles
    return roles is not None and not actor.roles & roles


def named(roles: frozenset[Role]) -> str:
    """Return roles in words: contributor or manager."""
    return " or ".join(sorted(role.value for role in roles))


def may_write(actor: Actor, strategy_id: int) -> bool:
    """Tell whether an actor may change the plan of a strategy."""
    return actor is SERVICE or strategy_id in actor.reach.managed


def may_report(actor: Actor, strategy_id: int, answering_id: int) -> bool:
    """Tell whether an actor may report on a milestone of a strategy, for which an organisation answers.

    A manager may on any milestone of its strategies, a contributor on those that its organisation, or a department
    of it, answers for.
    """
    if may_write(actor, strategy_id):
        return True
    return strategy_id in actor.reach.reported and answering_id in actor.reach.answering


def is_on_behalf(actor: Actor, answering_id: int) -> bool:
    """Tell whether a report is made on behalf of the organisation that answers: it is none of the actor's own."""
    return actor is not SERVICE and answering_id not in actor.reach.own
