"""How far roles reach: over departments and partners, and no further."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.access.roles import READERS, Role
from service.access.scope import EVERYTHING, Breadth, Partnership, Reach, Sight, reach_of

COUNTY, HEALTH, SAFETY, TEAM, CITY, POLICE, NEW = 1, 2, 3, 4, 5, 6, 7
PARENTS = {COUNTY: None, HEALTH: COUNTY, SAFETY: COUNTY, TEAM: HEALTH, CITY: None, POLICE: None, NEW: None}
REFS = {"county": COUNTY, "health": HEALTH, "safety": SAFETY, "team": TEAM, "city": CITY, "police": POLICE, "new": NEW}
OF_COUNTY, OF_HEALTH, OF_CITY, OF_BOTH = 10, 11, 12, 13
PARTNERS = {
    OF_COUNTY: frozenset({COUNTY}),
    OF_HEALTH: frozenset({HEALTH}),
    OF_CITY: frozenset({CITY}),
    OF_BOTH: frozenset({HEALTH, CITY}),
}
PARTNERSHIP = Partnership(PARENTS, REFS, PARTNERS, frozenset({COUNTY, CITY, POLICE}))


def reach(*grants: tuple[Role, int | None]) -> Reach:
    return reach_of(grants, PARTNERSHIP)


@pytest.mark.parametrize("role", sorted(READERS))
@pytest.mark.parametrize(
    ("organisation", "seen"),
    [
        (COUNTY, {OF_COUNTY, OF_HEALTH, OF_BOTH}),
        (HEALTH, {OF_COUNTY, OF_HEALTH, OF_BOTH}),
        (TEAM, {OF_COUNTY, OF_HEALTH, OF_BOTH}),
        # Its council is a partner; the department beside it is somebody else.
        (SAFETY, {OF_COUNTY}),
        (CITY, {OF_CITY, OF_BOTH}),
        (POLICE, set()),
    ],
)
def test_a_strategy_is_seen_where_the_family_is_a_partner(role: Role, organisation: int, seen: set[int]) -> None:
    assert reach((role, organisation)).sight.strategies == seen


def test_an_administrator_sees_no_strategy() -> None:
    assert reach((Role.ADMIN, COUNTY), (Role.ADMIN, None)).sight.strategies == frozenset()


def test_only_a_manager_writes() -> None:
    assert reach((Role.VIEWER, COUNTY), (Role.CONTRIBUTOR, CITY)).managed == frozenset()
    assert reach((Role.MANAGER, CITY)).managed == {OF_CITY, OF_BOTH}


def test_a_contributor_answers_for_departments_and_not_for_the_council_above() -> None:
    assert reach((Role.CONTRIBUTOR, COUNTY)).answering == {COUNTY, HEALTH, SAFETY, TEAM}
    assert reach((Role.CONTRIBUTOR, HEALTH)).answering == {HEALTH, TEAM}
    assert reach((Role.MANAGER, HEALTH)).answering == frozenset()


def test_a_managers_own_organisations_need_nobody_on_their_behalf() -> None:
    assert reach((Role.MANAGER, HEALTH)).own == {HEALTH, TEAM}


def test_roles_add_up_without_lending_each_other_a_place() -> None:
    both = reach((Role.VIEWER, COUNTY), (Role.MANAGER, CITY))
    assert both.sight.strategies == set(PARTNERS)
    assert both.managed == {OF_CITY, OF_BOTH}


def test_the_owners_of_partners_are_known_and_kept() -> None:
    city = reach((Role.MANAGER, CITY))
    assert city.sight.organisations == {CITY, HEALTH, TEAM, NEW}
    assert city.keeping == {CITY, HEALTH, TEAM, NEW}
    assert reach((Role.VIEWER, POLICE)).sight.organisations == {POLICE, NEW}


def test_an_organisation_is_vacant_until_somebody_acts_for_it_or_for_one_above() -> None:
    assert PARTNERSHIP.vacant == {NEW}


def test_a_loop_of_parents_ends() -> None:
    looped = Partnership({1: 2, 2: 1}, {}, {5: frozenset({2})})
    assert reach_of([(Role.VIEWER, 1)], looped).sight.strategies == {5}


def test_a_statement_is_as_wide_as_what_is_seen() -> None:
    breadths = [sight.breadth for sight in (EVERYTHING, Sight(), Sight(frozenset({1})), Sight(frozenset({1, 2})))]
    assert breadths == [Breadth.ALL, Breadth.SOME, Breadth.ONE, Breadth.SOME]


def test_two_sights_share_a_key_only_where_they_see_the_same() -> None:
    sights = [EVERYTHING, Sight(), Sight(frozenset({1, 2})), Sight(frozenset({12})), Sight(frozenset({1}))]
    assert len({sight.key for sight in sights}) == len(sights)


ORGANISATIONS = st.integers(1, 6)
GRANTS = st.lists(st.tuples(st.sampled_from(Role), ORGANISATIONS), max_size=4)


@st.composite
def partnerships(draw: st.DrawFn) -> Partnership:
    """A forest of six organisations, and up to four strategies."""
    parents = {each: draw(st.none() | st.integers(1, each - 1)) if each > 1 else None for each in range(1, 7)}
    partners = draw(st.dictionaries(st.integers(10, 13), st.frozensets(ORGANISATIONS, min_size=1), max_size=4))
    return Partnership(parents, {}, partners)


def line_of(partnership: Partnership, organisation: int) -> set[int]:
    """Return an organisation and all above it, step by step."""
    above = partnership.parents[organisation]
    return {organisation} | (line_of(partnership, above) if above is not None else set())


@given(partnerships(), GRANTS)
def test_what_is_seen_is_what_one_by_one_says(partnership: Partnership, grants: list[tuple[Role, int]]) -> None:
    def is_related(held: int, partner: int) -> bool:
        return held in line_of(partnership, partner) or partner in line_of(partnership, held)

    def reached(roles: Iterable[Role]) -> set[int]:
        held = [organisation for role, organisation in grants if role in frozenset(roles)]
        return {
            strategy
            for strategy, partners in partnership.partners.items()
            if any(is_related(each, partner) for each in held for partner in partners)
        }

    found = reach_of(grants, partnership)
    assert found.sight.strategies == reached(READERS)
    assert found.managed == reached([Role.MANAGER]) <= found.sight.strategies
    assert found.reported == reached([Role.CONTRIBUTOR]) <= found.sight.strategies
    answering = {organisation for role, organisation in grants if role is Role.CONTRIBUTOR}
    assert found.answering == {each for each in partnership.parents if line_of(partnership, each) & answering}


@given(partnerships(), GRANTS, GRANTS)
def test_more_roles_never_reach_less(
    partnership: Partnership, first: list[tuple[Role, int]], second: list[tuple[Role, int]]
) -> None:
    one, both = reach_of(first, partnership), reach_of([*first, *second], partnership)
    assert one.sight.strategies <= both.sight.strategies
    assert one.managed <= both.managed
    assert one.answering <= both.answering
    assert one.sight.organisations <= both.sight.organisations
