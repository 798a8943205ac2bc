"""The collection of reports: drafts of a quarter, one edition after another."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Table, select

from service.access.policy import Act, Actor
from service.access.resource import Draft, Resource
from service.core.calendar import parse_quarter
from service.core.errors import Conflict, Fault
from service.core.history import Row
from service.core.schemas import patch_of
from service.plan import models as plan
from service.plan.boundaries import check_may_write
from service.reporting.models import ReportStatus, report
from service.reporting.schemas import REPORT_ORDERS, ReportCreate, ReportQuery, ReportRead

SUBJECTS: tuple[tuple[str, Table], ...] = (("priority_id", plan.priority), ("workstream_id", plan.workstream))
ReportPatch = patch_of("ReportPatch", ReportCreate, frozenset({"strategy_id", "quarter"}))


def settle_report(draft: Draft) -> Iterable[Fault]:
    """Fill in what follows from strategy and quarter, and check that what is commented on is in the strategy.

    Raises:
        Conflict: the quarter has a report that was not withdrawn.
    """
    values = draft.values
    if draft.before is None:
        # Who may not write here is told so before anything of the quarter.
        guard_report(draft.connection, draft.actor, {"strategy_id": values["strategy_id"]})
        try:
            quarter = parse_quarter(values["quarter"])
        except ValueError:
            yield Fault("/quarter", "There is no such quarter: the second year follows the first, as in 2018-19-Q3.")
            return
        if quarter.last_day >= draft.today:
            told = f"{quarter.name} ends on {quarter.last_day}: its report can be made from the day after."
            yield Fault("/quarter", told)
            return
        edition = _next_edition(draft)
        values["edition"], values["as_at"] = edition, quarter.last_day
        values["ref"] = quarter.name if edition == 1 else f"{quarter.name}-{edition}"
        values["status"], values["known_at"] = ReportStatus.DRAFT.value, None
    if "commentary" in draft.asked:
        yield from _comment_faults(draft)


def _next_edition(draft: Draft) -> int:
    held = report.c
    mine = (held.strategy_id == draft.values["strategy_id"], held.quarter == draft.values["quarter"])
    found = select(held.edition, held.status, held.id).where(*mine).order_by(held.edition.desc()).limit(1)
    last = draft.connection.execute(found).one_or_none()
    if last is None:
        return 1
    if last.status != ReportStatus.WITHDRAWN:
        raise Conflict(
            f"This quarter has a {last.status} report: number {last.id}. "
            "To correct a published one, withdraw it with a reason, and make the next edition."
        )
    return int(last.edition) + 1


def _comment_faults(draft: Draft) -> Iterable[Fault]:
    comments: list[dict[str, Any]] = draft.values["commentary"]
    seen: set[tuple[str, int]] = set()
    for name, table in SUBJECTS:
        wanted = {each[name] for each in comments if each[name] is not None}
        found = select(table.c.id).where(table.c.id.in_(wanted), table.c.strategy_id == draft.values["strategy_id"])
        there = set(draft.connection.execute(found).scalars()) if wanted else set()
        for place, comment in enumerate(comments):
            subject = comment[name]
            if subject is None:
                continue
            noun = name.removesuffix("_id")
            if subject not in there:
                yield Fault(f"/commentary/{place}/{name}", f"There is no {noun} {subject} in this strategy.")
            if (name, subject) in seen:
                yield Fault(f"/commentary/{place}", f"This {noun} is commented on above: put both texts into one.")
            seen.add((name, subject))


def guard_report(connection: Connection, actor: Actor, values: Row) -> None:
    """Let those who write a strategy write its drafts; what was published stays as it is.

    Raises:
        Forbidden: the actor writes the plan of none of its partners.
        Conflict: the report is no draft.
    """
    check_may_write(connection, actor, values["strategy_id"])
    if values.get("status", ReportStatus.DRAFT) != ReportStatus.DRAFT:
        raise Conflict(f"This report is {values['status']}: nothing in it can change.")


REPORTS = Resource(
    noun="report",
    table=report,
    create=ReportCreate,
    patch=ReportPatch,
    read=ReportRead,
    query=ReportQuery,
    writes=Act.WRITE_REPORTS,
    searched=("ref", "summary"),
    sortable=REPORT_ORDERS,
    settle=settle_report,
    guard=guard_report,
)
