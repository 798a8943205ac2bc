"""The progress rules for one milestone, as SQL: the only place where they are said.

A fact is a milestone at a date: the plan as it was known, its latest report, and what follows from the two.
"""

from datetime import date

from sqlalchemy import (
    ColumnElement,
    Date,
    FromClause,
    Integer,
    String,
    and_,
    case,
    cast,
    false,
    func,
    not_,
    null,
    or_,
    select,
    true,
    type_coerce,
)

from service.core.columns import constant, constants, days_between, looked_up
from service.core.history import Narrow, as_known
from service.plan.models import milestone, owner, status_update, workstream
from service.plan.rules import MilestoneStatus
from service.progress.rules import DriverReason, Rag

LEFT_OUT = constants(("proposed", "on_hold", "cancelled"))
NOTHING, ONE, HUNDRED, THOUSAND, WHOLE_BP = (constant(number) for number in (0, 1, 100, 1000, 10_000))
# A part below seven or nine tenths of the planned one, as thousandths of a percent against basis points.
RED_BELOW, AMBER_BELOW = constant(7), constant(9)


def latest_update(
    milestone_id: ColumnElement[int], as_at: ColumnElement[date], seq: ColumnElement[int] | None
) -> ColumnElement[int]:
    """Select the id of the latest report on a milestone that is true of a date and known at a transaction."""
    found = select(status_update.c.id).where(
        status_update.c.milestone_id == milestone_id, status_update.c.effective_on <= as_at
    )
    if seq is not None:
        found = found.where(status_update.c.seq <= seq)
    order = (status_update.c.effective_on.desc(), status_update.c.seq.desc(), status_update.c.id.desc())
    return found.order_by(*order).limit(ONE).correlate_except(status_update).scalar_subquery()


def facts(
    as_at: ColumnElement[date],
    seq: ColumnElement[int] | None,
    *,
    points: FromClause | None = None,
    narrow: Narrow = lambda _: (),
    is_in_plan: bool = True,
) -> FromClause:
    """Return one row for each milestone (and point in time, where several are asked for).

    `narrow` cuts down the milestones where an index can serve it; `is_in_plan` leaves out those that joined the
    plan after the date.
    """
    task = as_known(milestone, seq, narrow)
    stream = as_known(workstream, seq)
    post = as_known(owner, seq)
    report = status_update.alias("latest")
    source = task if points is None else task.join(points, true())
    # The report comes first: SQLite joins in this order, and need not look up the rest where a report rules a row out.
    source = source.outerjoin(report, looked_up(report.c.id, latest_update(task.c.id, as_at, seq)))
    source = source.join(stream, stream.c.id == task.c.workstream_id).outerjoin(post, post.c.id == task.c.owner_id)
    status = func.coalesce(report.c.status, constant(MilestoneStatus.NOT_STARTED.value))
    reported = (
        select(
            *(column for column in task.c if column.name != "from_seq"),
            as_at.label("as_at"),
            stream.c.lead_organisation_id,
            func.coalesce(post.c.organisation_id, stream.c.lead_organisation_id).label("organisation_id"),
            status.label("status"),
            func.coalesce(report.c.percent_complete, NOTHING).label("percent_complete"),
            report.c.forecast_on,
            report.c.confidence,
            # Null where nothing was reported, which the column by itself can never be.
            type_coerce(report.c.effective_on, Date).label("reported_on"),
            and_(status.not_in(LEFT_OUT), stream.c.status.not_in(LEFT_OUT)).label("is_included"),
            planned_bp(as_at, task).label("planned_bp"),
        )
        .select_from(source)
        .where(task.c.agreed_on <= as_at if is_in_plan else true())
        .subquery("reported")
    )
    return _judged(reported)


def planned_bp(as_at: ColumnElement[date], task: FromClause) -> ColumnElement[int]:
    """Return the planned part in basis points: 0 before the start, 10000 from the due date on, null without one.

    A milestone from 1 to 31 January is at floor(10000 × 15 ÷ 30) = 5000 on the 16th.
    """
    start, due = task.c.start_on, task.c.due_on
    gone, whole = days_between(start, as_at), days_between(start, due)
    return case(
        (due.is_(None), null()),
        (as_at >= due, WHOLE_BP),
        (or_(start.is_(None), as_at < start), NOTHING),
        # The product of four digits and the days of a millennium is more than PostgreSQL's INTEGER holds.
        else_=cast(WHOLE_BP * gone // whole, Integer),
    )


def _judged(reported: FromClause) -> FromClause:
    """Add rag, reason and shortfall to reported milestones."""
    fact = reported.c
    is_complete = fact.status == constant(MilestoneStatus.COMPLETE.value)
    is_overdue = and_(fact.is_included, not_(is_complete), func.coalesce(fact.as_at > fact.due_on, false()))
    earned, planned = fact.percent_complete * THOUSAND, fact.planned_bp
    # Nothing is behind a plan of nothing: what is earned is never below zero.
    is_far_behind, is_behind = earned < RED_BELOW * planned, earned < AMBER_BELOW * planned
    is_forecast_late = fact.forecast_on > fact.due_on
    rag = case(
        (not_(fact.is_included), constant(Rag.NOT_APPLICABLE.value)),
        (is_complete, constant(Rag.COMPLETE.value)),
        (fact.due_on.is_(None), constant(Rag.UNSCHEDULED.value)),
        (fact.as_at > fact.due_on, constant(Rag.RED.value)),
        (is_far_behind, constant(Rag.RED.value)),
        (or_(is_forecast_late, is_behind), constant(Rag.AMBER.value)),
        (planned == NOTHING, constant(Rag.NOT_DUE.value)),
        else_=constant(Rag.GREEN.value),
    )
    reason = case(
        (fact.as_at > fact.due_on, constant(DriverReason.OVERDUE.value)),
        (is_behind, constant(DriverReason.BEHIND_PLAN.value)),
        else_=constant(DriverReason.FORECAST_LATE.value),
    )
    behind_by = planned - HUNDRED * fact.percent_complete
    return select(
        *fact,
        cast(rag, String).label("rag"),
        is_overdue.label("overdue"),
        cast(reason, String).label("reason"),
        case((behind_by > NOTHING, behind_by), else_=NOTHING).cast(Integer).label("shortfall"),
    ).subquery("fact")
