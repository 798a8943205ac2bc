"""Who may do what."""

import pytest

from service.access.policy import SERVICE, Act, Actor, find_refusal, is_on_behalf, may_report, may_write
from service.access.roles import Role, Scope
from service.access.scope import Reach

# As section 5 of the design says: who may, and with which scope (None: whoever it is, with any).
ALLOWED: dict[Act, tuple[str, Scope | None]] = {
    Act.READ_DIRECTORY: ("viewer contributor manager admin", Scope.READ),
    Act.READ_PLAN: ("viewer contributor manager", Scope.READ),
    Act.REPORT_PROGRESS: ("contributor manager", Scope.UPDATE),
    Act.WRITE_PLAN: ("manager", Scope.PLAN),
    Act.WRITE_DIRECTORY: ("admin", Scope.ADMIN),
    Act.READ_USERS: ("admin", Scope.ADMIN),
    Act.WRITE_USERS: ("admin", Scope.ADMIN),
    Act.KEEP_TOKENS: ("viewer contributor manager admin", None),
    Act.READ_OWN: ("viewer contributor manager admin", None),
    Act.READ_EVENTS: ("viewer contributor manager admin", Scope.READ),
    Act.READ_METRICS: ("viewer contributor manager admin", Scope.READ),
    Act.IMPORT: ("contributor manager", Scope.READ),
    Act.WRITE_REPORTS: ("manager", Scope.REPORT),
    Act.KEEP_WEBHOOKS: ("manager", Scope.PLAN),
}


def actor(*roles: Role, scopes: tuple[Scope, ...] = tuple(Scope)) -> Actor:
    return Actor(1, "Tester", frozenset((role, 7) for role in roles), frozenset(scopes))


def test_every_act_is_decided_on() -> None:
    assert set(ALLOWED) == set(Act)


@pytest.mark.parametrize("act", Act)
@pytest.mark.parametrize("role", Role)
def test_a_role_may_do_what_it_is_there_for_and_nothing_else(role: Role, act: Act) -> None:
    roles, _ = ALLOWED[act]
    assert (find_refusal(actor(role), act) is None) == (role.value in roles.split())


@pytest.mark.parametrize("act", Act)
@pytest.mark.parametrize("scope", Scope)
def test_a_token_does_no_more_than_its_scopes(scope: Scope, act: Act) -> None:
    may = find_refusal(actor(*Role, scopes=(scope,)), act) is None
    assert may == (ALLOWED[act][1] in (scope, None))


@pytest.mark.parametrize("act", Act)
def test_who_has_no_role_may_do_nothing_but_see_to_itself(act: Act) -> None:
    assert (find_refusal(actor(), act) is None) == (act in (Act.KEEP_TOKENS, Act.READ_OWN))


@pytest.mark.parametrize("act", Act)
def test_roles_add_up(act: Act) -> None:
    assert find_refusal(actor(*Role), act) is None


def test_a_refusal_says_which_role_it_takes() -> None:
    assert find_refusal(actor(Role.VIEWER), Act.REPORT_PROGRESS) == (
        "To report progress takes the role contributor or manager, held for the organisation that answers for it. "
        "Ask your administrator for it."
    )


def test_a_refusal_says_which_scope_is_missing() -> None:
    assert find_refusal(actor(Role.MANAGER, scopes=(Scope.READ,)), Act.WRITE_PLAN) == (
        "This token was made without the scope plan. Use one that has it."
    )


MANAGED, REPORTED, SEEN = 1, 2, 3
OWN, OTHER = 7, 8


def reaching() -> Actor:
    """An actor that writes one strategy, reports in another for its own organisation, and reads a third."""
    reach = Reach(
        managed=frozenset({MANAGED}),
        reported=frozenset({MANAGED, REPORTED}),
        answering=frozenset({OWN}),
        own=frozenset({OWN}),
    )
    return Actor(1, "Tester", frozenset(), frozenset(Scope), reach)


def test_a_plan_is_written_by_those_who_manage_its_strategy() -> None:
    assert [may_write(reaching(), strategy) for strategy in (MANAGED, REPORTED, SEEN)] == [True, False, False]


@pytest.mark.parametrize(
    ("strategy", "answering", "may"),
    [
        (MANAGED, OWN, True),
        (MANAGED, OTHER, True),
        (REPORTED, OWN, True),
        (REPORTED, OTHER, False),
        (SEEN, OWN, False),
        (SEEN, OTHER, False),
    ],
)
def test_who_answers_reports_and_a_manager_on_anything(strategy: int, answering: int, may: bool) -> None:
    assert may_report(reaching(), strategy, answering) == may


def test_a_report_for_others_is_on_their_behalf() -> None:
    assert [is_on_behalf(reaching(), answering) for answering in (OWN, OTHER)] == [False, True]


def test_the_service_itself_may_write_and_report_for_nobody_else() -> None:
    assert may_write(SERVICE, SEEN)
    assert may_report(SERVICE, SEEN, OTHER)
    assert not is_on_behalf(SERVICE, OTHER)
