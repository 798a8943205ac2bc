"""The boundary of each noun: whose eyes its rows are for, and who may write them.

A strategy is the boundary of who may see what stands in it. Organisations, boards and areas are known to all; an
owner is known where its organisation is a partner, or where it answers for something.
"""

from collections.abc import Iterable

from sqlalchemy import ColumnElement, Connection, FromClause, Table, and_, exists, func, not_, or_, select

from service.access.policy import Actor, may_report, may_write
from service.access.resource import ORGANISATIONS, Lens, is_within, seen_by, to_all
from service.core.columns import is_among
from service.core.errors import Fault, Forbidden, Invalid
from service.core.history import Row, as_known
from service.plan import models

Seq = ColumnElement[int] | None
MOST_NAMED = 5


def strategy_itself(rows: FromClause, _seq: Seq, lens: Lens) -> ColumnElement[bool]:
    """Show the strategies in which the actor's organisations partake."""
    return lens.shows(rows.c.id)


def in_strategy(rows: FromClause, _seq: Seq, lens: Lens) -> ColumnElement[bool]:
    """Show what stands in a strategy that may be seen."""
    return lens.shows(rows.c.strategy_id)


def of_workstream(rows: FromClause, _seq: Seq, lens: Lens) -> ColumnElement[bool]:
    """Show what belongs to a workstream that may be seen."""
    return and_(*is_within(rows.c.workstream_id, models.workstream, lens))


def of_milestone(rows: FromClause, _seq: Seq, lens: Lens) -> ColumnElement[bool]:
    """Show what is about a milestone that may be seen."""
    if "strategy_id" in rows.c:
        # It is never null. By itself it would have SQLite read through all milestones ahead of each page, to know
        # (by a Bloom filter) which ones need not be looked up.
        return lens.shows(func.coalesce(rows.c.strategy_id, rows.c.milestone_id))
    return and_(*is_within(rows.c.milestone_id, models.milestone, lens))


def decision_seen(rows: FromClause, seq: Seq, lens: Lens) -> ColumnElement[bool]:
    """Show the decisions about something that may be seen; one about nothing by name, where its board's strategy is."""

    def about(links: Table, subject: Table, *, is_any: bool = False) -> ColumnElement[bool]:
        known = as_known(links, seq, lambda each: [each.c.decision_id == rows.c.id])
        seen = [] if is_any else is_within(known.c[f"{subject.name}_id"], subject, lens)
        return exists(select(known.c.decision_id).where(*seen))

    subjects = ((models.decision_priority, models.priority), (models.decision_workstream, models.workstream))
    is_about_any = or_(*(about(*subject, is_any=True) for subject in subjects))
    boards = as_known(models.strategy_board, seq, lambda each: [each.c.board_id == rows.c.board_id])
    of_board = exists(select(boards.c.board_id).where(lens.shows(boards.c.strategy_id)))
    return or_(*(about(*subject) for subject in subjects), and_(not_(is_about_any), of_board))


def owner_seen(rows: FromClause, seq: Seq, lens: Lens) -> ColumnElement[bool]:
    """Show the owners of partners, and those who answer for something that may be seen."""

    def answers_for(table: FromClause) -> ColumnElement[bool]:
        return exists(select(table.c.id).where(table.c.owner_id == rows.c.id, lens.shows(table.c.strategy_id)))

    return or_(
        is_among(rows.c.organisation_id, ORGANISATIONS),
        answers_for(as_known(models.workstream, seq, lambda known: [known.c.owner_id == rows.c.id])),
        answers_for(as_known(models.milestone, seq, lambda known: [known.c.owner_id == rows.c.id])),
    )


for table, condition in (
    (models.organisation, to_all),
    (models.board, to_all),
    (models.area, to_all),
    (models.owner, owner_seen),
    (models.strategy, strategy_itself),
    (models.priority, in_strategy),
    (models.workstream, in_strategy),
    (models.milestone, in_strategy),
    (models.status_update, of_milestone),
    (models.decision, decision_seen),
    (models.funding_award, of_workstream),
):
    seen_by(table, condition)


def guard_strategy(connection: Connection, actor: Actor, values: Row) -> None:
    """Let those who write a strategy change it, and keep them among its partners.

    Raises:
        Forbidden: the actor writes the plan of none of its partners.
        Invalid: nobody would be a partner for whom the actor writes.
    """
    if "id" in values:
        check_may_write(connection, actor, values["id"])
    if may_write_everywhere(actor) or actor.reach.managing & set(values["organisation_ids"]):
        return
    lost = "Keep a partner for which you hold the role manager: without one you would lose sight of the strategy."
    raise Invalid(Fault("/organisation_ids", lost))


def guard_in_strategy(connection: Connection, actor: Actor, values: Row) -> None:
    """Let those who write a strategy write what stands in it."""
    check_may_write(connection, actor, values["strategy_id"])


def guard_in_workstream(connection: Connection, actor: Actor, values: Row) -> None:
    """Let those who write a strategy write what belongs to its workstreams."""
    stream = models.workstream.c
    found = select(stream.strategy_id).where(stream.id == values["workstream_id"])
    check_may_write(connection, actor, connection.execute(found).scalar_one())


def guard_owner(connection: Connection, actor: Actor, values: Row) -> None:
    """Let managers keep the owners of their own organisations and of their partners."""
    if may_write_everywhere(actor) or values["organisation_id"] in actor.reach.keeping:
        return
    raise Forbidden(
        f"To keep the owners of {_names(connection, [values['organisation_id']])} takes the role manager, "
        "held for it or for a partner of a strategy that it is in. Ask your administrator for it."
    )


def guard_decision(connection: Connection, actor: Actor, values: Row) -> None:
    """Let those who write a strategy write the decisions about it.

    Raises:
        Forbidden: it is about a strategy that the actor does not write.
        Invalid: it is about nothing that the actor may see.
    """
    about: set[int] = set()
    for table, ids in ((models.priority, values["priority_ids"]), (models.workstream, values["workstream_ids"])):
        found = select(table.c.strategy_id).where(table.c.id.in_(ids))
        about |= set(connection.execute(found).scalars()) if ids else set()
    if about:
        for strategy_id in sorted(about):
            check_may_write(connection, actor, strategy_id)
        return
    boards = models.strategy_board.c
    found = select(boards.strategy_id).where(boards.board_id == values["board_id"])
    of_board = sorted(set(connection.execute(found).scalars()))
    if may_write_everywhere(actor) or any(may_write(actor, strategy_id) for strategy_id in of_board):
        return
    seen = [strategy_id for strategy_id in of_board if actor.reach.sight.sees(strategy_id)]
    if seen:
        check_may_write(connection, actor, seen[0])
    raise Invalid(
        Fault("/board_id", "Name a priority or a workstream that it is about, or a board of one of your strategies.")
    )


def may_write_everywhere(actor: Actor) -> bool:
    """Tell whether this is the service itself."""
    return actor.reach.sight.is_everything


def check_may_write(connection: Connection, actor: Actor, strategy_id: int) -> None:
    """Raise Forbidden, saying who could, unless the actor writes the plan of a strategy."""
    if not may_write(actor, strategy_id):
        raise Forbidden(
            f"To change this takes the role manager, held for a partner of its strategy "
            f"({_partners(connection, strategy_id)}). Ask your administrator for it."
        )


def check_may_report(connection: Connection, actor: Actor, strategy_id: int, answering_id: int) -> None:
    """Raise Forbidden, saying who could, unless the actor may report on what an organisation answers for."""
    if not may_report(actor, strategy_id, answering_id):
        raise Forbidden(
            f"To report on this milestone takes the role contributor, held for {_names(connection, [answering_id])}, "
            f"or manager, held for a partner of its strategy ({_partners(connection, strategy_id)}). "
            "Ask your administrator for it."
        )


def _partners(connection: Connection, strategy_id: int) -> str:
    links = models.strategy_organisation.c
    found = select(links.organisation_id).where(links.strategy_id == strategy_id)
    return _names(connection, connection.execute(found.order_by(links.organisation_id)).scalars().all())


def _names(connection: Connection, organisation_ids: Iterable[int]) -> str:
    """Return the names of organisations in words, the first few of them."""
    rows, wanted = models.organisation.c, list(organisation_ids)
    found = select(rows.name).where(rows.id.in_(wanted)).order_by(rows.id).limit(MOST_NAMED)
    names = ", ".join(connection.execute(found).scalars())
    hidden = len(wanted) - MOST_NAMED
    return f"{names} and {hidden} more" if hidden > 0 else names
