"""Publishing, withdrawing, proving and restating reports."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, insert, select

from service.access.policy import Actor
from service.access.resource import View
from service.access.rows import get_row
from service.access.scope import EVERYTHING
from service.access.writing import Unchanged
from service.core import clock
from service.core.db import Database
from service.core.errors import Conflict
from service.core.history import Known, Recorder, Row, find_known, stamp
from service.plan.boundaries import check_may_write
from service.plan.models import milestone, status_update
from service.progress import service as progress
from service.progress.queries import Question
from service.progress.rules import GroupBy
from service.progress.schemas import MilestoneFilters
from service.reporting.content import arrange, restated
from service.reporting.filenames import digest
from service.reporting.models import ReportStatus, report, report_file
from service.reporting.press import FEW, pack, press, render
from service.reporting.queries import fetch_facts
from service.reporting.reports import REPORTS
from service.reporting.rules import Content

NOT_PUBLISHED = "This report is a draft: publish it first."
Files = dict[str, bytes]
# The files of the draft that was looked at last, by what they are made of.
_LAST_DRAFT: dict[str, Files] = {}


def publish(recorder: Recorder, actor: Actor, report_id: int, unchanged: Unchanged) -> Row:
    """Publish a draft: from this very transaction on nothing in it changes.

    Raises:
        NotFound: there is no such report that the actor may see.
        Forbidden: the actor may not publish it.
        Conflict: it is no draft.
    """
    row = get_to_write(recorder.connection, actor, report_id)
    if row["status"] != ReportStatus.DRAFT:
        raise Conflict(f"This report is {row['status']} already.")
    unchanged(row)
    recorder.alter(report, report_id, {"status": ReportStatus.PUBLISHED.value, "known_at": recorder.at})
    return get_report(recorder.connection, actor, report_id)


def withdraw(recorder: Recorder, actor: Actor, report_id: int, reason: str) -> Row:
    """Withdraw a published report: it is kept, and marked.

    Raises:
        NotFound: there is no such report that the actor may see.
        Forbidden: the actor may not withdraw it.
        Conflict: it is not published.
    """
    row = get_to_write(recorder.connection, actor, report_id)
    if row["status"] != ReportStatus.PUBLISHED:
        is_draft = row["status"] == ReportStatus.DRAFT
        raise Conflict("This report is a draft: delete it." if is_draft else "This report is withdrawn already.")
    recorder.reason = reason
    recorder.alter(report, report_id, {"status": ReportStatus.WITHDRAWN.value})
    return get_report(recorder.connection, actor, report_id)


def get_to_write(connection: Connection, actor: Actor, report_id: int) -> Row:
    """Return a report that an actor may publish and withdraw.

    Raises:
        NotFound: there is no such report that the actor may see.
        Forbidden: the actor may not write it.
    """
    row = get_report(connection, actor, report_id)
    check_may_write(connection, actor, row["strategy_id"])
    return row


def get_report(connection: Connection, actor: Actor, report_id: int) -> Row:
    """Return a report as an actor sees it.

    Raises:
        NotFound: there is no such report that the actor may see.
    """
    return get_row(connection, REPORTS, report_id, View(None, clock.today(), actor.reach.sight))


def content_of(connection: Connection, row: Row) -> tuple[Content, Known]:
    """Return the content of a report: of a draft as known now, of any other as known when it was published."""
    known = find_known(connection, row["known_at"], clock.now())
    if row["known_at"] is not None:
        # As it stood when it was published, whatever became of it.
        row = get_row(connection, REPORTS, row["id"], View(known.past_seq, row["as_at"], EVERYTHING))
    return arrange(fetch_facts(connection, row, known)), known


async def render_report(database: Database, row: Row) -> Files:
    """Return the files of a report, made anew from the history."""
    return await _render(database, *await database.snapshot(lambda connection: _packed(connection, row)))


def _packed(connection: Connection, row: Row) -> tuple[bytes, bool]:
    """Return the content of a report, packed where nobody waits for that, and whether it is a large one."""
    content, known = content_of(connection, row)
    return pack(content, known.seq), len(content["milestones"]) > FEW


async def _render(database: Database, packed: bytes, is_large: bool) -> Files:
    return await (press(packed) if is_large else database.aside(lambda: render(packed)))


async def _render_draft(database: Database, row: Row) -> Files:
    """Return the files of a draft as it stands; whoever looks at one takes file after file, so the last are kept."""
    packed, is_large = await database.snapshot(lambda connection: _packed(connection, row))
    key = digest(packed)
    files = _LAST_DRAFT.get(key)
    if files is None:
        files = await _render(database, packed, is_large)
        _LAST_DRAFT.clear()
        _LAST_DRAFT[key] = files
    return files


async def files_of(database: Database, row: Row) -> Files:
    """Return the files of a report; of a published one as they were published.

    They are made and kept where they were not yet: when publishing was cut short, say.
    """
    if row["known_at"] is None:
        return await _render_draft(database, row)
    held = await database.snapshot(lambda connection: find_files(connection, row["id"]))
    if held:
        return held
    made = await render_report(database, row)
    return await database.write(lambda connection: _keep_files(connection, row["id"], made))


def find_files(connection: Connection, report_id: int) -> Files:
    """Return the files that are kept of a report; none where there are none yet."""
    found = select(report_file.c.name, report_file.c.content).where(report_file.c.report_id == report_id)
    return {name: bytes(content) for name, content in connection.execute(found.order_by(report_file.c.id))}


def _keep_files(connection: Connection, report_id: int, files: Mapping[str, bytes]) -> Files:
    """Keep the files of a report, all of them at once; those that are kept already stay."""
    held = find_files(connection, report_id)
    if held:
        return held
    rows = [
        {"report_id": report_id, "name": name, "sha256": digest(content), "content": content}
        for name, content in files.items()
    ]
    connection.execute(insert(report_file), rows)
    return dict(files)


async def verify(database: Database, row: Row) -> dict[str, Any]:
    """Return whether the files of a published report come out of the history as they were published.

    Raises:
        Conflict: it is a draft.
    """
    if row["known_at"] is None:
        raise Conflict(NOT_PUBLISHED)
    held, made = await files_of(database, row), await render_report(database, row)
    files = [
        {
            "name": name,
            "sha256": digest(content),
            "rendered_sha256": digest(made.get(name, b"")),
            "identical": made.get(name) == content,
        }
        for name, content in held.items()
    ]
    is_identical = all(each["identical"] for each in files) and made.keys() == held.keys()
    return {
        "result": "identical" if is_identical else "different",
        "known_at": row["known_at"],
        "files": files,
    }


def restate(connection: Connection, row: Row) -> dict[str, Any]:
    """Return what is known now about the quarter of a published report, beside what was published.

    Raises:
        Conflict: it is a draft.
    """
    if row["known_at"] is None:
        raise Conflict(NOT_PUBLISHED)
    then, now = (find_known(connection, at, clock.now()) for at in (row["known_at"], None))
    published, restatement = (
        (_roll_up(connection, row, known, GroupBy.PRIORITY), _roll_up(connection, row, known, GroupBy.WORKSTREAM))
        for known in (then, now)
    )
    figures = restated(published, restatement)
    return {
        "report_id": row["id"],
        "as_at": row["as_at"],
        "published_known_at": row["known_at"],
        "known_at": now.at,
        "is_restated": bool(figures),
        "figures": figures,
        "late_reports": _late_reports(connection, row, then),
    }


def _roll_up(connection: Connection, row: Row, known: Known, group_by: GroupBy) -> dict[str, Any]:
    question = Question(EVERYTHING, row["strategy_id"], MilestoneFilters(), group_by, known)
    return progress.roll_up(connection, question, row["as_at"])


def _late_reports(connection: Connection, row: Row, then: Known) -> list[Row]:
    """Return the reports on milestones that came after an instant, and are true of a date within the report's."""
    told = status_update.c
    found = (
        select(
            told.id.label("update_id"),
            told.milestone_id,
            milestone.c.ref,
            milestone.c.title,
            told.effective_on,
            stamp.c.at.label("recorded_at"),
            told.status,
            told.percent_complete,
        )
        .join_from(status_update, milestone, milestone.c.id == told.milestone_id)
        .join(stamp, stamp.c.seq == told.seq)
        .where(milestone.c.strategy_id == row["strategy_id"], told.seq > then.seq, told.effective_on <= row["as_at"])
        .order_by(told.seq, told.id)
    )
    return [dict(each) for each in connection.execute(found).mappings()]
