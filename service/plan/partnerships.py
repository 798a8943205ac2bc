"""Who is a part of whom and who partakes in what, for the policy to go by."""

from collections import defaultdict

from sqlalchemy import Connection, exists, select, union_all

from service.access.models import user_role
from service.access.scope import Partnership
from service.core.history import TWINS
from service.plan.models import organisation, strategy, strategy_organisation


def find_partnership(connection: Connection) -> Partnership:
    """Return the organisations with their departments, and the partners of every strategy.

    A strategy that was deleted stays in sight of those who were its partners then: its past is theirs to look up.
    """
    ended, gone = TWINS[strategy_organisation.name], TWINS[strategy.name]
    is_deleted = ~exists().where(strategy.c.id == ended.c.strategy_id)
    at_the_end = exists().where(gone.c.id == ended.c.strategy_id, gone.c.to_seq == ended.c.to_seq)
    links = union_all(
        select(strategy_organisation.c.strategy_id, strategy_organisation.c.organisation_id),
        select(ended.c.strategy_id, ended.c.organisation_id).where(is_deleted, at_the_end),
    )
    partners: dict[int, set[int]] = defaultdict(set)
    for strategy_id, organisation_id in connection.execute(links):
        partners[strategy_id].add(organisation_id)
    rows = connection.execute(select(organisation.c.id, organisation.c.ref, organisation.c.parent_id)).all()
    return Partnership(
        parents={row.id: row.parent_id for row in rows},
        refs={row.ref: row.id for row in rows},
        staffed=frozenset(connection.execute(select(user_role.c.organisation_id)).scalars()),
        partners={strategy_id: frozenset(held) for strategy_id, held in partners.items()},
    )
