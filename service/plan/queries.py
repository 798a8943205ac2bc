"""Reading reports on milestones."""

from sqlalchemy import FromClause, select

from service.access.resource import Lens
from service.core.history import as_known, stamp
from service.plan.models import milestone, status_update

UPDATE_COLUMNS = (
    "id",
    "milestone_id",
    "effective_on",
    "status",
    "percent_complete",
    "forecast_on",
    "confidence",
    "narrative",
    "evidence",
    "on_behalf_of",
    "recorded_at",
    "recorded_by",
)


def updates_as_known(lens: Lens) -> FromClause:
    """Return the status updates of milestones that are known, each with its strategy, workstream and stamp."""
    reported_on = as_known(milestone, lens.seq)
    rows = (
        select(
            *(status_update.c[name] for name in UPDATE_COLUMNS if name in status_update.c),
            stamp.c.at.label("recorded_at"),
            stamp.c.actor_id.label("recorded_by"),
            reported_on.c.strategy_id,
            reported_on.c.workstream_id,
            status_update.c.seq,
        )
        .join(stamp, stamp.c.seq == status_update.c.seq)
        .join(reported_on, reported_on.c.id == status_update.c.milestone_id)
    )
    if lens.seq is not None:
        rows = rows.where(status_update.c.seq <= lens.seq)
    return rows.subquery("update_known")
