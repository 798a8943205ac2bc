"""How far an actor reaches: which strategies it sees and writes, and for which organisations it acts. Pure.

An organisation stands for its departments: a role held for a council reaches what its departments partake in and
answer for, and a role held for a department reaches the strategies in which its council is a partner.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Any

from service.access.roles import READERS, Role

Ids = frozenset[int]
NONE: Ids = frozenset()


class Breadth(Enum):
    """How many strategies a statement must look through; the statement of each is another one."""

    ALL = "all"
    ONE = "one"
    SOME = "some"


@dataclass(frozen=True)
class Partnership:
    """Who is a part of whom, and who partakes in what."""

    parents: Mapping[int, int | None]
    """The organisation that each one is a department of."""
    refs: Mapping[str, int]
    """The organisations by their refs."""
    partners: Mapping[int, Ids]
    """The partners of each strategy; of one that was deleted, those it had at the end."""
    staffed: Ids = NONE
    """The organisations for which somebody holds a role."""

    def with_departments(self, organisations: Iterable[int]) -> Ids:
        """Return organisations with all that stand below them."""
        found = set(organisations)
        grew = bool(found)
        while grew:
            below = {child for child, parent in self.parents.items() if parent in found}
            grew = not below <= found
            found |= below
        return frozenset(found)

    def with_parents(self, organisations: Iterable[int]) -> Ids:
        """Return organisations with all that stand above them."""
        found: set[int] = set()
        for organisation in organisations:
            step: int | None = organisation
            while step is not None and step not in found:
                found.add(step)
                step = self.parents.get(step)
        return frozenset(found)

    @cached_property
    def vacant(self) -> Ids:
        """The organisations that nobody acts for, neither by a role held for them nor for one above them."""
        return frozenset(self.parents) - self.with_departments(self.staffed)

    def strategies_of(self, family: Ids) -> Ids:
        """Return the strategies in which one of these organisations is a partner."""
        return frozenset(strategy for strategy, partners in self.partners.items() if partners & family)


@dataclass(frozen=True)
class Sight:
    """What may be seen: some strategies, and the people of some organisations. The service itself sees all."""

    strategies: Ids = NONE
    organisations: Ids = NONE
    is_everything: bool = False

    @property
    def breadth(self) -> Breadth:
        """What sort of statement it takes."""
        if self.is_everything:
            return Breadth.ALL
        return Breadth.ONE if len(self.strategies) == 1 else Breadth.SOME

    def sees(self, strategy_id: int) -> bool:
        """Tell whether a strategy may be seen."""
        return self.is_everything or strategy_id in self.strategies

    @cached_property
    def parameters(self) -> dict[str, Any]:
        """The values of a statement's parameters."""
        strategies = sorted(self.strategies)
        return {
            "strategy_in_sight": strategies[0] if len(strategies) == 1 else None,
            "strategies_in_sight": tuple(strategies),
            "written_strategies_in_sight": f",{','.join(map(str, strategies))},",
            "organisations_in_sight": tuple(sorted(self.organisations)),
        }

    @cached_property
    def key(self) -> tuple[str, str]:
        """Texts that two sights share only where they see the same."""
        if self.is_everything:
            return "everything", "everyone"
        strategies, organisations = (",".join(map(str, sorted(each))) for each in (self.strategies, self.organisations))
        return strategies, organisations


EVERYTHING = Sight(is_everything=True)


@dataclass(frozen=True)
class Reach:
    """Where an actor's roles hold."""

    sight: Sight = field(default_factory=Sight)
    managed: Ids = NONE
    """The strategies whose plan it writes."""
    reported: Ids = NONE
    """The strategies in which it reports on what its organisations answer for."""
    answering: Ids = NONE
    """The organisations for which it reports as a contributor."""
    own: Ids = NONE
    """The organisations for which it reports in any role; for any other it does so on their behalf."""
    managing: Ids = NONE
    """The organisations of which one must be a partner in a strategy that it writes."""
    keeping: Ids = NONE
    """The organisations whose owners it keeps: its own, the partners of the strategies that it writes, and those that
    nobody acts for yet."""


NOWHERE = Reach()


def reach_of(grants: Iterable[tuple[Role, int | None]], partnership: Partnership) -> Reach:
    """Return where these roles hold, each held for an organisation.

    A manager for the county council, which is the parent of Public Health, writes the strategies in which either of
    them is a partner. A contributor for Public Health sees the same strategies, and reports on what Public Health
    answers for, not on what the council's other departments do.
    """
    held = [(role, organisation) for role, organisation in grants if organisation is not None]

    def holding(roles: Iterable[Role]) -> Ids:
        wanted = frozenset(roles)
        return partnership.with_departments(organisation for role, organisation in held if role in wanted)

    def family(roles: Iterable[Role]) -> Ids:
        wanted = frozenset(roles)
        above = partnership.with_parents(organisation for role, organisation in held if role in wanted)
        return holding(wanted) | above

    seen = partnership.strategies_of(family(READERS))
    managing = family([Role.MANAGER])
    managed = partnership.strategies_of(managing)

    def known_in(strategies: Ids) -> Ids:
        partners: Iterable[int] = (each for strategy in strategies for each in partnership.partners[strategy])
        return partnership.with_departments(partners)

    return Reach(
        sight=Sight(seen, holding(READERS) | known_in(seen) | partnership.vacant),
        managed=managed,
        reported=partnership.strategies_of(family([Role.CONTRIBUTOR])),
        answering=holding([Role.CONTRIBUTOR]),
        own=holding([Role.CONTRIBUTOR, Role.MANAGER]),
        managing=managing,
        keeping=holding([Role.MANAGER]) | known_in(managed) | partnership.vacant,
    )
