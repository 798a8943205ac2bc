"""Reporting on milestones. Every door calls these."""

from datetime import date

from sqlalchemy import Connection, bindparam, literal, select

from service.access.rows import missing
from service.core.errors import Fault, Invalid
from service.core.history import Recorder, Row
from service.plan.models import milestone, status_update
from service.plan.queries import UPDATE_COLUMNS
from service.plan.rules import UNREPORTED, MilestoneStatus, Standing, settle_percent
from service.plan.schemas import StatusUpdateCreate


def record_update(recorder: Recorder, milestone_id: int, report: StatusUpdateCreate, today: date) -> Row:
    """Record a report on a milestone, and return it as the API shows it.

    Raises:
        NotFound: there is no such milestone.
        Invalid: the report is dated in the future, or its percentage does not fit its status.
    """
    effective_on = report.effective_on or today
    if effective_on > today:
        raise Invalid(Fault("/effective_on", "A report is true of today or an earlier date, not of one to come."))
    before = find_standing(recorder.connection, milestone_id, effective_on)
    if before is None:
        raise missing("milestone", milestone_id)
    percent = settle_percent(report.status, report.percent_complete, before)
    if isinstance(percent, Fault):
        raise Invalid(percent)
    values = {
        **report.model_dump(),
        "milestone_id": milestone_id,
        "effective_on": effective_on,
        "percent_complete": percent,
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
_STANDING = (
    select(status_update.c.status, status_update.c.percent_complete)
    .select_from(milestone)
    .outerjoin(status_update, status_update.c.id == _LATEST)
    .where(milestone.c.id == bindparam("milestone_id"))
)


def find_standing(connection: Connection, milestone_id: int, on: date) -> Standing | None:
    """Return what the latest report true of a date said; None where there is no such milestone."""
    row = connection.execute(_STANDING, {"milestone_id": milestone_id, "effective_on": on}).one_or_none()
    if row is None:
        return None
    return UNREPORTED if row.status is None else Standing(MilestoneStatus(row.status), row.percent_complete)


def has_updates(connection: Connection, milestone_id: int) -> bool:
    """Tell whether progress was ever reported on a milestone."""
    found = select(literal(1)).where(status_update.c.milestone_id == milestone_id).limit(1)
    return connection.execute(found).first() is not None
