"""Reporting on milestones. Every door calls these."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, bindparam, func, literal, select

from service.access.policy import Actor, is_on_behalf
from service.access.rows import missing
from service.core.errors import Fault, Invalid
from service.core.history import Recorder, Row
from service.core.statements import Statement
from service.plan.boundaries import check_may_report
from service.plan.models import milestone, owner, status_update, workstream
from service.plan.queries import UPDATE_COLUMNS
from service.plan.rules import UNREPORTED, MilestoneStatus, Standing, settle_percent
from service.plan.schemas import StatusUpdateCreate


def record_update(recorder: Recorder, actor: Actor, milestone_id: int, report: StatusUpdateCreate, today: date) -> Row:
    """Record a report on a milestone, and return it as the API shows it.

    Raises:
        NotFound: there is no such milestone that the actor may see.
        Forbidden: the actor may not report on it.
        Invalid: the report is dated in the future, or its percentage does not fit its status.
    """
    effective_on = report.effective_on or today
    found = find_subject(recorder.connection, milestone_id, effective_on)
    there = _check_reporting(recorder.connection, actor, milestone_id, found)
    if effective_on > today:
        raise Invalid(Fault("/effective_on", "A report is true of today or an earlier date, not of one to come."))
    percent = settle_percent(report.status, report.percent_complete, there.standing)
    if isinstance(percent, Fault):
        raise Invalid(percent)
    values = {
        **report.model_dump(),
        "milestone_id": milestone_id,
        "effective_on": effective_on,
        "percent_complete": percent,
        "on_behalf_of": there.answering_id if is_on_behalf(actor, there.answering_id) else None,
    }
    update_id = recorder.append(status_update, values)
    row = {"id": update_id, **values, "recorded_at": recorder.at, "recorded_by": recorder.actor_id}
    return {name: row[name] for name in UPDATE_COLUMNS}


_LATEST = (
    select(status_update.c.id)
    .where(
        status_update.c.milestone_id == milestone.c.id,
        status_update.c.effective_on <= bindparam("effective_on"),
    )
    .order_by(status_update.c.effective_on.desc(), status_update.c.seq.desc(), status_update.c.id.desc())
    .limit(1)
    .correlate(milestone)
    .scalar_subquery()
)


def explain_reporting(connection: Connection, *, actor: Actor, row_id: int) -> None:
    """Say of a milestone who may report on it.

    Raises:
        NotFound: there is no such milestone that the actor may see.
        Forbidden: the actor may not report on it.
    """
    _check_reporting(connection, actor, row_id, find_subject(connection, row_id, date.max))


def _check_reporting(connection: Connection, actor: Actor, milestone_id: int, there: "Subject | None") -> "Subject":
    if there is None or not actor.reach.sight.sees(there.strategy_id):
        raise missing("milestone", milestone_id)
    check_may_report(connection, actor, there.strategy_id, there.answering_id)
    return there


_SUBJECT = Statement(
    select(
        milestone.c.strategy_id,
        func.coalesce(owner.c.organisation_id, workstream.c.lead_organisation_id).label("answering_id"),
        status_update.c.status,
        status_update.c.percent_complete,
    )
    .select_from(milestone)
    .join(workstream, workstream.c.id == milestone.c.workstream_id)
    .outerjoin(owner, owner.c.id == milestone.c.owner_id)
    .outerjoin(status_update, status_update.c.id == _LATEST)
    .where(milestone.c.id == bindparam("milestone_id"))
)


@dataclass(frozen=True)
class Subject:
    """A milestone about to be reported on: where it is, which organisation answers for it, and how it stands."""

    strategy_id: int
    answering_id: int
    standing: Standing


def find_subject(connection: Connection, milestone_id: int, on: date) -> Subject | None:
    """Return a milestone with what the latest report true of a date said; None where there is no such milestone."""
    for strategy_id, answering_id, status, percent in _SUBJECT.rows(
        connection, {"milestone_id": milestone_id, "effective_on": on}
    ):
        standing = UNREPORTED if status is None else Standing(MilestoneStatus(status), percent)
        return Subject(strategy_id, answering_id, standing)
    return None


def has_updates(connection: Connection, milestone_id: int) -> bool:
    """Tell whether progress was ever reported on a milestone."""
    found = select(literal(1)).where(status_update.c.milestone_id == milestone_id).limit(1)
    return connection.execute(found).first() is not None
