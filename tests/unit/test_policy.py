"""Who may do what."""

import pytest

from service.access.policy import Act, Actor, Role, Scope, find_refusal

# As section 5 of the design says: who may, and with which scope.
ALLOWED = {
    Act.READ_DIRECTORY: ("viewer contributor manager admin", Scope.READ),
    Act.READ_PLAN: ("viewer contributor manager", Scope.READ),
    Act.REPORT_PROGRESS: ("contributor manager", Scope.UPDATE),
    Act.WRITE_PLAN: ("manager", Scope.PLAN),
    Act.WRITE_DIRECTORY: ("admin", Scope.ADMIN),
    Act.READ_METRICS: ("viewer contributor manager admin", Scope.READ),
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
    assert may == (scope is ALLOWED[act][1])


@pytest.mark.parametrize("act", Act)
def test_who_has_no_role_may_do_nothing(act: Act) -> None:
    assert find_refusal(actor(), act) is not None


@pytest.mark.parametrize("act", Act)
def test_roles_add_up(act: Act) -> None:
    assert find_refusal(actor(*Role), act) is None


def test_a_refusal_says_which_role_it_takes() -> None:
    assert find_refusal(actor(Role.VIEWER), Act.REPORT_PROGRESS) == (
        "To report progress takes the role contributor or manager. Ask your administrator for it."
    )


def test_a_refusal_says_which_scope_is_missing() -> None:
    assert find_refusal(actor(Role.MANAGER, scopes=(Scope.READ,)), Act.WRITE_PLAN) == (
        "This token was made without the scope plan. Use one that has it."
    )
