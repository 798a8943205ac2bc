"""Fetching what a report is made of: everything about one strategy, as known at one instant."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from sqlalchemy import Connection, select

from service.access.resource import SEQ, Listing, View
from service.access.rows import get_row, list_rows
from service.access.scope import Sight
from service.core.calendar import Every, Quarter, parse_quarter, period_ends
from service.core.history import Known, Row, ever, stamp
from service.core.paging import ListQuery
from service.outcomes.service import INDICATORS, OBSERVATIONS, compared
from service.plan import models as plan
from service.plan.catalogue import (
    BOARDS,
    DECISIONS,
    FUNDING_AWARDS,
    ORGANISATIONS,
    OWNERS,
    PRIORITIES,
    STRATEGIES,
    WORKSTREAMS,
)
from service.progress import service as progress
from service.progress.milestones import MILESTONES
from service.progress.queries import Question
from service.progress.rules import GroupBy
from service.progress.schemas import MilestoneFilters
from service.reporting.models import ReportStatus
from service.reporting.models import report as report_table
from service.reporting.reports import REPORTS
from service.reporting.rules import Side, Sides

PAGE_ROWS = 1000
TREND_QUARTERS = 8


@dataclass(frozen=True)
class Last:
    """What a report is compared with: the last published one, or the day before the quarter where there is none."""

    report: Row | None
    as_at: date
    known: Known


@dataclass(frozen=True)
class Edition:
    """The edition that a report corrects, why it was withdrawn, and its figures."""

    report: Row
    reason: str | None
    by_priority: dict[str, Any]
    by_workstream: dict[str, Any]


@dataclass(frozen=True)
class Facts:
    """Everything that a report tells, as it comes out of the database."""

    report: Row
    quarter: Quarter
    known: Known
    strategy: Row
    boards: Mapping[int, Row]
    organisations: Mapping[int, Row]
    owners: Mapping[int, Row]
    priorities: list[Row]
    workstreams: list[Row]
    sides: Sides
    reasons: Mapping[int, str | None]
    """Why milestones were rescheduled, by their ids."""
    by_priority: dict[str, Any]
    by_workstream: dict[str, Any]
    trend: dict[str, Any]
    changes: dict[str, Any]
    last: Last
    corrected: "Edition | None"
    decisions: list[Row]
    awards: list[Row]
    indicators: list[Row]
    observations: list[Row]


def fetch_facts(connection: Connection, report: Row, known: Known) -> Facts:
    """Return the facts of a report as known at an instant; of a draft that is now."""
    strategy_id, as_at = report["strategy_id"], report["as_at"]
    quarter = parse_quarter(report["quarter"])
    asking = _Asking(connection, strategy_id)
    strategy = get_row(connection, STRATEGIES, strategy_id, asking.view(known, as_at))
    # The posts of partners are shown to all who read the report.
    asking = replace(asking, organisations=frozenset(strategy["organisation_ids"]))
    view = asking.view(known, as_at)
    last = _last_published(asking, report, quarter, known)
    now = asking.milestones(known, as_at)
    before = asking.milestones(known, quarter.first_day - timedelta(days=1))
    published = before if last.report is None else asking.milestones(last.known, last.as_at)
    in_strategy = {"strategy_id": [strategy_id]}
    observations = [row for row in asking.rows(OBSERVATIONS, view, in_strategy) if row["published_on"] <= as_at]
    return Facts(
        report=report,
        quarter=quarter,
        known=known,
        strategy=strategy,
        boards=_by_id(asking.rows(BOARDS, view)),
        organisations=_by_id(asking.rows(ORGANISATIONS, view)),
        owners=_by_id(asking.rows(OWNERS, view)),
        priorities=sorted(asking.rows(PRIORITIES, view, in_strategy), key=lambda row: (row["position"], row["id"])),
        workstreams=asking.rows(WORKSTREAMS, view, in_strategy),
        sides=Sides(quarter, now, before, published),
        reasons=asking.reasons(known, now),
        by_priority=progress.roll_up(connection, asking.question(known, GroupBy.PRIORITY), as_at),
        by_workstream=progress.roll_up(connection, asking.question(known, GroupBy.WORKSTREAM), as_at),
        trend=progress.trend(connection, asking.question(known, GroupBy.PRIORITY), trend_points(quarter)),
        changes=progress.changes(
            connection,
            (last.as_at, asking.question(last.known, GroupBy.PRIORITY)),
            (as_at, asking.question(known, GroupBy.PRIORITY)),
        ),
        last=last,
        corrected=_corrected(asking, report, known),
        decisions=[row for row in asking.rows(DECISIONS, view, in_strategy) if _is_decided_by(row, as_at)],
        awards=asking.rows(FUNDING_AWARDS, view, in_strategy),
        indicators=asking.rows(INDICATORS, view, in_strategy),
        observations=_newest([compared(row) for row in observations]),
    )


def trend_points(quarter: Quarter) -> list[date]:
    """Return the last days of the eight quarters that end with one."""
    first = quarter.last_day.replace(year=quarter.last_day.year - TREND_QUARTERS // 4)
    return list(period_ends(first + timedelta(days=1), quarter.last_day, Every.QUARTER))


def _is_decided_by(row: Row, as_at: date) -> bool:
    return row["decided_on"] is None or row["decided_on"] <= as_at


def _newest(observations: list[Row]) -> list[Row]:
    """Return the newest value of each indicator, category and area."""
    found: dict[tuple[Any, ...], Row] = {}
    for row in sorted(observations, key=lambda each: (each["published_on"], each["id"])):
        found[row["indicator_id"], row["category"], row["area_id"]] = row
    return sorted(found.values(), key=lambda each: each["id"])


def _by_id(rows: list[Row]) -> dict[int, Row]:
    return {row["id"]: row for row in rows}


def _last_published(asking: "_Asking", report: Row, quarter: Quarter, known: Known) -> Last:
    """Return the last report that was published before this one: of an earlier quarter, or an earlier edition."""
    view = asking.view(known, report["as_at"])
    earlier = [
        row
        for row in asking.rows(REPORTS, view, {"strategy_id": [report["strategy_id"]]})
        if row["known_at"] is not None
        and row["status"] == ReportStatus.PUBLISHED
        and (row["as_at"], row["edition"]) < (report["as_at"], report["edition"])
        and row["id"] != report["id"]
    ]
    if not earlier:
        return Last(None, quarter.first_day - timedelta(days=1), known)
    last = max(earlier, key=lambda row: (row["as_at"], row["edition"]))
    return Last(last, last["as_at"], asking.known_at(last["known_at"]))


def _corrected(asking: "_Asking", report: Row, known: Known) -> Edition | None:
    """Return the edition before this one, where there is one."""
    fixed = {"strategy_id": [report["strategy_id"]], "quarter": [report["quarter"]]}
    earlier = [
        row
        for row in asking.rows(REPORTS, asking.view(known, report["as_at"]), fixed)
        if row["edition"] == report["edition"] - 1 and row["known_at"] is not None
    ]
    if not earlier:
        return None
    then = asking.known_at(earlier[0]["known_at"])
    return Edition(
        earlier[0],
        asking.withdrawal(earlier[0]["id"]),
        *(
            progress.roll_up(asking.connection, asking.question(then, group_by), report["as_at"])
            for group_by in (GroupBy.PRIORITY, GroupBy.WORKSTREAM)
        ),
    )


@dataclass(frozen=True)
class _Asking:
    """Asks about one strategy, whoever it is that reads: a report is the same for all."""

    connection: Connection
    strategy_id: int
    organisations: frozenset[int] = frozenset()

    @property
    def sight(self) -> Sight:
        return Sight(strategies=frozenset({self.strategy_id}), organisations=self.organisations)

    def view(self, known: Known, as_at: date) -> View:
        return View(known.past_seq, as_at, self.sight)

    def question(self, known: Known, group_by: GroupBy) -> Question:
        return Question(self.sight, self.strategy_id, MilestoneFilters(), group_by, known)

    def known_at(self, instant: Any) -> Known:
        found = select(stamp.c.seq, stamp.c.at).where(stamp.c.at <= instant).order_by(stamp.c.seq.desc()).limit(1)
        row = self.connection.execute(found).one()
        return Known(row.seq, row.at, is_now=False)

    def rows(self, listing: Listing, view: View, fixed: Mapping[str, Any] | None = None) -> list[Row]:
        """Return all rows of a list, by their numbers."""
        found: list[Row] = []
        query = ListQuery(limit=PAGE_ROWS)
        while True:
            page = list_rows(self.connection, listing, query, view, fixed)
            found += page.items
            if page.cursor is None:
                return found
            query = query.model_copy(update={"cursor": page.cursor})

    def milestones(self, known: Known, as_at: date) -> Side:
        """Return the milestones in the plan at a date."""
        fixed = {"strategy_id": [self.strategy_id], "as_at": as_at}
        return _by_id(self.rows(MILESTONES, self.view(known, as_at), fixed))

    def withdrawal(self, report_id: int) -> str | None:
        """Return why a report was withdrawn."""
        found = (
            select(stamp.c.reason)
            .join_from(report_table, stamp, stamp.c.seq == report_table.c.from_seq)
            .where(report_table.c.id == report_id)
        )
        return self.connection.execute(found).scalar_one_or_none()

    def reasons(self, known: Known, now: Side) -> dict[int, str | None]:
        """Return why milestones have the due dates that they have, where those were put off."""
        wanted = {
            row["id"]: row["due_on"]
            for row in now.values()
            if row["due_on"] is not None and row["due_on"] > row["baseline_due_on"]
        }
        if not wanted:
            return {}
        held = ever(plan.milestone, lambda rows: [rows.c.strategy_id == self.strategy_id])
        found = (
            select(held.c.id, held.c.due_on, stamp.c.reason)
            .join_from(held, stamp, stamp.c.seq == held.c.from_seq)
            .where(held.c.from_seq <= SEQ)
            .order_by(held.c.id, held.c.version)
        )
        versions: dict[int, list[tuple[date | None, str | None]]] = defaultdict(list)
        for row_id, due_on, reason in self.connection.execute(found, {"known_seq": known.seq}):
            if row_id in wanted:
                versions[row_id].append((due_on, reason))
        return {row_id: _reason(held) for row_id, held in versions.items()}


def _reason(versions: list[tuple[date | None, str | None]]) -> str | None:
    """Return the reason of the change that gave a milestone the due date that its last version has."""
    reason = None
    for (before, _), (after, why) in pairwise(versions):
        if before != after:
            reason = why
    return reason
