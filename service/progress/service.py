"""The questions about progress: how do we stand, how did we get here, why did it move."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from sqlalchemy import Connection, select

from service.access.rows import missing
from service.core.calendar import Every, period_ends
from service.core.errors import Fault, Invalid
from service.core.history import as_known
from service.plan.models import strategy
from service.progress.queries import CELL_COLUMN, Cell, Group, Question, fetch_cells, fetch_groups, fetch_members
from service.progress.rules import RULES_VERSION, GroupBy, Member, add_up, effect_of, progress_of, reason_of

MOST_POINTS = 120
Figures = dict[str, Any]


def roll_up(connection: Connection, question: Question, as_at: date) -> Figures:
    """Answer how a strategy stands at a date, in total and by group (by milestone where `group_by` is None).

    Raises:
        NotFound: the strategy was not known.
    """
    check_strategy(connection, question)
    cells = fetch_cells(connection, question, [as_at])[as_at]
    return {
        "strategy_id": question.strategy_id,
        "as_at": as_at,
        "known_at": question.known.at,
        "rules_version": RULES_VERSION,
        "group_by": question.group_by.value if question.group_by else "milestone",
        **_arranged(cells, fetch_groups(connection, question), question.group_by),
    }


def trend(connection: Connection, question: Question, points: Sequence[date]) -> Figures:
    """Answer how a strategy stood at each of some dates.

    Raises:
        NotFound: the strategy was not known.
    """
    (found,) = trends(connection, question, points, (question.group_by,))
    return found


def trends(
    connection: Connection, question: Question, points: Sequence[date], divisions: Sequence[GroupBy | None]
) -> list[Figures]:
    """Answer how a strategy stood at each of some dates, once for each way to divide it.

    Raises:
        NotFound: the strategy was not known.
    """
    check_strategy(connection, question)
    asked = [replace(question, group_by=group_by) for group_by in divisions]
    # What is divided by priority and what by workstream are the same sums, put together in another way.
    by_column = {CELL_COLUMN[each.group_by]: each for each in asked}
    sums = {column: fetch_cells(connection, each, points) for column, each in by_column.items()}
    return [_trend(connection, each, points, sums[CELL_COLUMN[each.group_by]]) for each in asked]


def _trend(
    connection: Connection, question: Question, points: Sequence[date], cells: Mapping[date, Mapping[int, Cell]]
) -> Figures:
    groups = fetch_groups(connection, question)
    return {
        "strategy_id": question.strategy_id,
        "known_at": question.known.at,
        "rules_version": RULES_VERSION,
        "group_by": question.group_by,
        "points": [{"as_at": point, **_arranged(cells[point], groups, question.group_by)} for point in points],
    }


def trend_points(first: date, last: date, every: Every) -> list[date]:
    """Return the last day of each period that ends in first–last, and the last day of all.

    From 1 October 2018 to 15 January 2019 by quarter: 31 December 2018 and 15 January 2019.
    """
    _check_order(first, last)
    points = list(period_ends(first, last, every))
    if not points or points[-1] != last:
        points.append(last)
    if len(points) > MOST_POINTS:
        raise Invalid(Fault("/query/to", f"That is {len(points)} points; ask for at most {MOST_POINTS} at a time."))
    return points


def changes(connection: Connection, first: tuple[date, Question], last: tuple[date, Question]) -> Figures:
    """Answer what moved the figure between two dates, milestone by milestone; the effects add up.

    Raises:
        NotFound: the strategy was not known.
        Invalid: the dates are the wrong way round.
    """
    _check_order(first[0], last[0])
    check_strategy(connection, last[1])
    before, sums_before = _side(connection, *first)
    after, sums_after = _side(connection, *last)
    weights = sums_before.sums.weight, sums_after.sums.weight
    has_both = all(weights)
    delta = sums_after.sums.earned * weights[0] - sums_before.sums.earned * weights[1]
    return {
        "strategy_id": last[1].strategy_id,
        "from_as_at": first[0],
        "to_as_at": last[0],
        "from_known_at": first[1].known.at,
        "known_at": last[1].known.at,
        "rules_version": RULES_VERSION,
        "from": progress_of(sums_before.sums, sums_before.drivers),
        "to": progress_of(sums_after.sums, sums_after.drivers),
        "delta": delta / (weights[0] * weights[1]) if has_both else None,
        "changes": _moved(before, after, *weights),
    }


def check_strategy(connection: Connection, question: Question) -> None:
    """Raise NotFound unless the strategy was known and may be seen."""
    rows = as_known(strategy, question.seq)
    wanted = select(rows.c.id).where(rows.c.id == question.strategy_id)
    is_seen = question.sight.sees(question.strategy_id)
    if not is_seen or connection.execute(wanted, question.parameters).first() is None:
        raise missing("strategy", question.strategy_id)


def _check_order(first: date, last: date) -> None:
    if last < first:
        raise Invalid(Fault("/query/to", "`to` is before `from`: turn them round."))


def _side(connection: Connection, as_at: date, question: Question) -> tuple[Mapping[int, Member], Cell]:
    members = fetch_members(connection, question, as_at)
    return members, _together(fetch_cells(connection, question, [as_at])[as_at].values())


def _moved(before: Mapping[int, Member], after: Mapping[int, Member], *weights: int) -> list[Figures]:
    """Return the milestones that moved the figure, the largest effect first."""
    found: list[tuple[float, str, int, Figures]] = []
    for row_id in before.keys() | after.keys():
        was, is_now = before.get(row_id), after.get(row_id)
        effect = effect_of(was, is_now, *weights)
        reason = reason_of(was, is_now, effect)
        member = is_now or was
        if reason is None or member is None:
            continue
        entry = {
            "milestone": {
                "id": member.id,
                "ref": member.ref,
                "title": member.title,
                "workstream_id": member.workstream_id,
            },
            "reason": reason,
            "from": _shown_side(was),
            "to": _shown_side(is_now),
            "effect": effect,
        }
        found.append((-abs(effect), member.ref, row_id, entry))
    return [entry for *_, entry in sorted(found, key=lambda each: each[:3])]


def _shown_side(member: Member | None) -> Figures | None:
    if member is None:
        return None
    return {
        "status": member.status,
        "percent_complete": member.percent_complete,
        "weight": member.weight,
        "included": member.is_included,
    }


def _arranged(cells: Mapping[int, Cell], groups: Sequence[Group], group_by: GroupBy | None) -> Figures:
    """Return the total and the groups; what nobody owns, and what has no milestone alone, only where it is there."""
    total = _together(cells.values())
    shown = [
        {"id": group.id, "ref": group.ref, "title": group.title, "progress": _progress(group, cells)}
        for group in groups
        if not (group.id is None or group_by is None) or any(key in cells for key in group.cells)
    ]
    return {"total": progress_of(total.sums, total.drivers), "groups": shown}


def _progress(group: Group, cells: Mapping[int, Cell]) -> Figures:
    together = _together(cells[key] for key in group.cells if key in cells)
    return progress_of(together.sums, together.drivers)


def _together(cells: Iterable[Cell]) -> Cell:
    held = list(cells)
    return Cell(add_up(cell.sums for cell in held), [driver for cell in held for driver in cell.drivers])
