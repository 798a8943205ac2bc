"""Who is a part of whom and who partakes in what, for the policy to go by."""

from collections import defaultdict

from sqlalchemy import Connection, String, exists, literal, null, select, union_all

from service.access.models import user_role
from service.access.scope import Partnership
from service.core.history import TWINS
from service.plan.models import organisation, strategy, strategy_organisation

ORGANISATION, PARTNER, ROLE = "organisation", "partner", "role"
_ENDED, _GONE = TWINS[strategy_organisation.name], TWINS[strategy.name]
_NO_REF = null().cast(String)
# One statement for all of it: each row is an organisation with its parent and ref, a strategy with a partner, or an
# organisation for which somebody holds a role.
_PARTNERSHIP = union_all(
    select(literal(ORGANISATION).label("kind"), organisation.c.id, organisation.c.parent_id, organisation.c.ref),
    select(literal(PARTNER), strategy_organisation.c.strategy_id, strategy_organisation.c.organisation_id, _NO_REF),
    select(literal(PARTNER), _ENDED.c.strategy_id, _ENDED.c.organisation_id, _NO_REF).where(
        ~exists().where(strategy.c.id == _ENDED.c.strategy_id),
        exists().where(_GONE.c.id == _ENDED.c.strategy_id, _GONE.c.to_seq == _ENDED.c.to_seq),
    ),
    select(literal(ROLE), user_role.c.organisation_id, user_role.c.organisation_id, _NO_REF),
)


def find_partnership(connection: Connection) -> Partnership:
    """Return the organisations with their departments, and the partners of every strategy.

    A strategy that was deleted stays in sight of those who were its partners then: its past is theirs to look up.
    """
    parents: dict[int, int | None] = {}
    refs: dict[str, int] = {}
    partners: dict[int, set[int]] = defaultdict(set)
    staffed: set[int] = set()
    for kind, first, second, ref in connection.execute(_PARTNERSHIP):
        if kind == ORGANISATION:
            parents[first], refs[ref] = second, first
        elif kind == PARTNER:
            partners[first].add(second)
        else:
            staffed.add(first)
    held = {strategy_id: frozenset(organisations) for strategy_id, organisations in partners.items()}
    return Partnership(parents, refs, held, frozenset(staffed))
