"""Imports: a preview that changes nothing, and applying it, all of it or nothing."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any

import orjson
from sqlalchemy import Connection, delete, insert, select, update

from service.access.policy import Actor
from service.core import clock
from service.core.db import Database
from service.core.errors import Conflict, Fault, Invalid, NotFound
from service.core.history import Recorder, Row, find_known
from service.exchange.applying import Application
from service.exchange.comparing import Comparison, Outcome, Status
from service.exchange.gathering import gather
from service.exchange.lines import Line
from service.exchange.models import sheet_import
from service.exchange.reading import Sent, lines_in
from service.exchange.workbook import Book

KEPT = timedelta(days=30)
SHOWN = ("id", "strategy_id", "file_name", "sha256", "created_at", "applied_at")
OTHER_FILE = "This is not the file of the preview: its SHA-256 is another."
MOVED = "What these lines touch has moved since the preview. Send the file in again, and look at it anew."
NOT_ALL = "Some lines cannot be done: nothing was changed. Mend them, and send the file in again."
MOST_FAULTS = 100


class _Undone(Exception):
    def __init__(self, outcomes: Sequence[Outcome]) -> None:
        super().__init__()
        self.outcomes = outcomes


async def preview(database: Database, actor: Actor, strategy_id: int, sent: Sent, today: date) -> Sequence[Outcome]:
    """Return what each line would do: it is done, by the very functions that would, and undone again.

    Raises:
        NotFound: there is no such strategy that the actor may see.
    """
    try:
        await database.write(lambda connection: _try_out(connection, actor, strategy_id, sent, today), is_long=True)
    except _Undone as undone:
        return undone.outcomes
    raise AssertionError


def _try_out(connection: Connection, actor: Actor, strategy_id: int, sent: Sent, today: date) -> None:
    outcomes, application = _compared(connection, actor, strategy_id, sent, today)
    tried = [outcome for outcome in outcomes if outcome.status in (Status.NEW, Status.UPDATE, Status.CONFLICT)]
    before = [(outcome.row_id, outcome.against) for outcome in tried]
    application.run(tried, frozenset(outcome.line.key for outcome in tried))
    # What was made only to see whether it can be is no row yet.
    for outcome, (row_id, against) in zip(tried, before, strict=True):
        outcome.row_id, outcome.against = row_id, against
    raise _Undone(outcomes)


def _compared(
    connection: Connection, actor: Actor, strategy_id: int, sent: Sent, today: date
) -> tuple[list[Outcome], Application]:
    comparison = Comparison(connection, actor, strategy_id, today)
    application = Application(connection, actor, comparison, today, f"Imported from {sent.name}"[:1000])
    return list(comparison.outcomes(sent.lines)), application


def keep(recorder: Recorder, actor: Actor, strategy_id: int, sent: Sent, outcomes: Sequence[Outcome]) -> Row:
    """Keep a preview, and return it as the API shows it; those older than a month go."""
    connection, now = recorder.connection, recorder.now
    connection.execute(delete(sheet_import).where(sheet_import.c.created_at < now - KEPT))
    values = {
        "user_id": actor.user_id,
        "strategy_id": strategy_id,
        "file_name": sent.name,
        "sha256": sent.sha256,
        "sheet": sent.sheet,
        "grids": sent.grids,
        "rows": _dumped(outcomes),
        "marks": _digest(outcomes),
        "created_at": now,
        "applied_at": None,
    }
    row_id = connection.execute(insert(sheet_import).values(values).returning(sheet_import.c.id)).scalar_one()
    return _answer({**values, "id": int(row_id)}, _counts(outcomes))


def find_import(connection: Connection, actor: Actor, import_id: int) -> Row:
    """Return an import of the actor's own.

    Raises:
        NotFound: there is none.
    """
    return _as_kept(_find(connection, actor, import_id))


def _find(connection: Connection, actor: Actor, import_id: int) -> Row:
    rows = sheet_import.c
    found = connection.execute(select(sheet_import).where(rows.id == import_id, rows.user_id == actor.user_id))
    row = found.mappings().one_or_none()
    if row is None:
        raise NotFound(f"There is no import {import_id} of yours.")
    return dict(row)


def _as_kept(row: Row) -> Row:
    return _answer(row, Counter(Status(line["status"]) for line in orjson.loads(row["rows"])))


def _answer(row: Row, counts: Counter[Status]) -> Row:
    """Return an import as the API shows it; its lines are JSON already."""
    return {
        **{name: row[name] for name in SHOWN},
        "counts": {status.value: counts[status] for status in Status},
        "rows": orjson.Fragment(row["rows"]),
    }


def _counts(outcomes: Sequence[Outcome]) -> Counter[Status]:
    return Counter(outcome.status for outcome in outcomes)


def apply(
    connection: Connection, actor: Actor, import_id: int, *, sha256: str, accepted: frozenset[str], today: date
) -> Row:
    """Do what an import's file asks for, and return the import with what was done; a second time does nothing.

    Raises:
        NotFound: there is no such import of the actor's own.
        Invalid: another file is named, or a line cannot be done.
        Conflict: what a line touches has moved since the preview.
    """
    row = _find(connection, actor, import_id)
    if row["sha256"] != sha256:
        raise Invalid(Fault("/sha256", OTHER_FILE))
    if row["applied_at"] is not None:
        return _as_kept(row)
    shown = orjson.loads(row["rows"])
    _refuse_invalid((line["key"], each["detail"]) for line in shown for each in line["errors"])
    sheet, grids = row["sheet"], row["grids"]
    sent = Sent(row["file_name"], row["sha256"], sheet, grids, lines_in(grids, sheet))
    outcomes, application = _compared(connection, actor, row["strategy_id"], sent, today)
    _check_still(shown, outcomes, row["marks"])
    _do(outcomes, application, accepted)
    changed = {"applied_at": clock.now(), "rows": _dumped(outcomes)}
    connection.execute(update(sheet_import).where(sheet_import.c.id == import_id).values(changed))
    return _answer({**row, **changed}, _counts(outcomes))


def apply_at_once(
    connection: Connection, actor: Actor, strategy_id: int, sent: Sent, *, accepted: frozenset[str], today: date
) -> Sequence[Outcome]:
    """Do what a file asks for without a preview that is kept, and return what was done.

    Raises:
        Invalid: a line cannot be done, or one that is accepted is in no conflict.
    """
    outcomes, application = _compared(connection, actor, strategy_id, sent, today)
    _do(outcomes, application, accepted)
    return outcomes


def _do(outcomes: Sequence[Outcome], application: Application, accepted: frozenset[str]) -> None:
    _check_accepted(outcomes, accepted)
    application.run(outcomes, accepted)
    _refuse_invalid((outcome.line.key, detail) for outcome in outcomes for _, detail in outcome.errors)


def told(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Yield what each line does in words, but for those that do nothing, and how many do what."""
    for line in orjson.loads(_dumped(outcomes)):
        if line["status"] != Status.UNCHANGED:
            yield f"{line['key']} {line['ref'] or ''}: {_told(line)}"
    counts = _counts(outcomes)
    yield ", ".join(f"{counts[status]} {status.value}" for status in Status)


def _refuse_invalid(errors: Iterable[tuple[str, str]]) -> None:
    """Raise Invalid where a line cannot be done: then none is."""
    faults = [Fault(f"/rows/{key}", detail) for key, detail in errors]
    if faults:
        raise Invalid(Fault("", NOT_ALL), *faults[:MOST_FAULTS])


def _check_still(shown: Sequence[Row], outcomes: Sequence[Outcome], marks: str) -> None:
    """Raise Conflict where a line would do something else than in the preview, naming the lines."""
    if _digest(outcomes) == marks:
        return
    before = {line["key"]: line for line in shown}
    now = {line["key"]: line for line in orjson.loads(_dumped(outcomes))}
    # Where none would do anything else, what moved is a row that one of them changes.
    moved = [key for key, line in now.items() if line != before.get(key)] or [
        outcome.line.key for outcome in outcomes if outcome.status is not Status.UNCHANGED and outcome.against
    ]
    raise Conflict(MOVED, [Fault(f"/rows/{key}", f"It would be {now[key]['status']} now.") for key in moved])


def _check_accepted(outcomes: Sequence[Outcome], accepted: frozenset[str]) -> None:
    """Raise Invalid where a line that is accepted is in no conflict."""
    in_conflict = {outcome.line.key for outcome in outcomes if outcome.status is Status.CONFLICT}
    strange = sorted(accepted - in_conflict)
    if strange:
        raise Invalid(*(Fault("/accept", f"The line {each} is in no conflict: leave it out.") for each in strange))


def _digest(outcomes: Sequence[Outcome]) -> str:
    """Return what tells whether lines would do the same as before; those that touch no row may move."""
    marks = [outcome.mark for outcome in outcomes if outcome.status is not Status.UNCHANGED]
    return hashlib.sha256(repr(marks).encode()).hexdigest()


def _dumped(outcomes: Sequence[Outcome]) -> bytes:
    return orjson.dumps([_shown(outcome) for outcome in outcomes], default=str)


def _shown(outcome: Outcome) -> Row:
    is_conflict = outcome.status is Status.CONFLICT
    return {
        "key": outcome.line.key,
        "sheet": outcome.line.sheet.name,
        "row": outcome.line.number,
        "ref": outcome.ref,
        "status": outcome.status.value,
        "resource_id": outcome.row_id,
        "changes": [
            {
                "field": change.field,
                "from": change.before,
                "to": change.after,
                "now": change.now if is_conflict else None,
            }
            for change in outcome.changes
        ],
        "errors": [{"cell": cell, "detail": detail} for cell, detail in outcome.errors],
    }


def marked(connection: Connection, actor: Actor, import_id: int, today: date, now: datetime) -> Book:
    """Return the workbook of an import again, with what became of each line beside it."""
    row = _find(connection, actor, import_id)
    book = gather(connection, actor, row["strategy_id"], today, find_known(connection, None, now))
    said = {line["key"]: line for line in orjson.loads(row["rows"])}
    book.rows = {}
    for sheet, lines in groupby(lines_in(row["grids"], row["sheet"]), lambda line: line.sheet.name):
        held = list(lines)
        book.rows[sheet] = [_cells(line) for line in held]
        book.results[sheet] = [_told(said[line.key]) for line in held]
    return book


def _cells(line: Line) -> Row:
    """Return the cells of a line as they were sent in."""
    return {
        name: date.fromisoformat(value["date"]) if isinstance(value, dict) else _whole(value)
        for name, value in line.cells.items()
    }


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _told(line: Row) -> str:
    """Return what became of a line, in words."""
    errors = [f"{each['cell']}: {each['detail']}" for each in line["errors"]]
    changes = [
        f"{each['field']}: {each['from']} → {each['to']}"
        + (f" (now {each['now']})" if line["status"] == "conflict" else "")
        for each in line["changes"]
    ]
    return "; ".join([line["status"], *errors, *(changes if not errors else [])])
