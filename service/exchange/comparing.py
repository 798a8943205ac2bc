"""What a workbook that came back would change: each line against what its writer saw, and against what stands now."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, and_, select

from service.access.policy import Actor
from service.access.resource import View
from service.access.rows import find_row, get_row
from service.core.history import Row, change
from service.exchange.gathering import (
    RESOURCES,
    all_rows,
    find_latest,
    find_refs,
    in_cells,
)
from service.exchange.lines import Line, Values, cell_of, ref_of, same, values_of
from service.exchange.sheets import MILESTONES, REPORTED, UPDATES, Sheet, Takes
from service.plan.catalogue import STRATEGIES
from service.plan.models import status_update

KEYS = frozenset({"id", "version", "change_reason"})
GONE = "This row is not there any more, or you may not see it. Take the line out."
TORN = "The hidden number of this line is that of {}. It was torn apart, by sorting some columns: take a new workbook."
TWICE = "This row stands in the line {} too: leave one of them."


class Status(StrEnum):
    """What a line would do."""

    NEW = "new"
    UPDATE = "update"
    UNCHANGED = "unchanged"
    CONFLICT = "conflict"
    INVALID = "invalid"


@dataclass(frozen=True)
class Change:
    """One field of a line: what its writer saw, what they wrote, and in a conflict what stands there now."""

    field: str
    before: Any
    after: Any
    now: Any = None


@dataclass
class Outcome:
    """What a line would do, and to what: the row and the version (or the newest report) that it was held against."""

    line: Line
    status: Status
    ref: str | None = None
    row_id: int | None = None
    against: int | None = None
    changes: list[Change] = field(default_factory=list)
    errors: list[tuple[str, str]] = field(default_factory=list)
    """Cells, and what is wrong with them."""
    values: Mapping[str, Any] = field(default_factory=dict)

    def refuse(self, name: str, detail: str) -> None:
        """Note a fault of a field."""
        self.status = Status.INVALID
        self.errors.append((self.line.cell(name), detail))

    @property
    def mark(self) -> tuple[Any, ...]:
        """What must be the same when it is applied as it was in the preview."""
        return (self.line.key, self.status, self.row_id, self.against, [repr(each) for each in self.changes])


class Comparison:
    """The plan as it stands, for the lines of one workbook to be held against."""

    def __init__(self, connection: Connection, actor: Actor, strategy_id: int, today: date) -> None:
        self.connection = connection
        self.strategy_id = strategy_id
        self.view = View(None, today, actor.reach.sight)
        get_row(connection, STRATEGIES, strategy_id, self.view)
        self.refs = find_refs(connection, self.view, strategy_id)
        self._rows: dict[str, dict[int, Row]] = {}
        self._by_ref: dict[str, dict[str, int]] = {}
        self._latest: dict[int, int] | None = None
        self._lines: dict[tuple[str, int], Line] = {}
        self._now: dict[tuple[str, int], Row] = {}

    def rows(self, sheet: Sheet) -> dict[int, Row]:
        """Return the rows of a sheet as they stand, by their numbers."""
        if sheet.name not in self._rows:
            found = all_rows(self.connection, RESOURCES[sheet.name], self.view, self.strategy_id)
            self._rows[sheet.name] = {row["id"]: row for row in found}
        return self._rows[sheet.name]

    def _id_of(self, sheet: Sheet, ref: str | None) -> int | None:
        """Return the row of a sheet with a ref, in small or capital letters."""
        if sheet.name not in self._by_ref:
            self._by_ref[sheet.name] = {row["ref"].casefold(): row["id"] for row in self.rows(sheet).values()}
        return self._by_ref[sheet.name].get(str(ref).casefold())

    def outcomes(self, lines: Sequence[Line]) -> Iterator[Outcome]:
        """Yield what each line would do, as far as that can be told without doing it."""
        for line in lines:
            untouched = self._untouched(line)
            if untouched is not None:
                yield untouched
                continue
            values = values_of(line)
            self._name_numbers(line.sheet, values.found)
            outcome = self._report(line, values) if line.sheet is UPDATES else self._row(line, values)
            for name, detail in values.faults:
                outcome.refuse(name, detail)
            yield outcome

    def _untouched(self, line: Line) -> Outcome | None:
        """Return the outcome of a line that reports nothing, or says of its row what stands there to the letter.

        Most lines of a workbook are such, and need no closer look.
        """
        if line.sheet is UPDATES:
            return Outcome(line, Status.UNCHANGED, ref_of(line)) if line.is_blank(REPORTED) else None
        row_id = line.cells.get("id")
        if not isinstance(row_id, int | float) or (line.sheet.name, row_id) in self._lines:
            return None
        row = self.rows(line.sheet).get(int(row_id))
        if row is None:
            return None
        now = {name: cell_of(value) for name, value in self._as_it_stands(line.sheet, row).items()}
        if not line.cells.items() <= now.items():
            return None
        self._lines[line.sheet.name, row["id"]] = line
        return Outcome(line, Status.UNCHANGED, row["ref"], row["id"], row["version"])

    def _as_it_stands(self, sheet: Sheet, row: Row) -> Row:
        """Return the cells of a row as it stands."""
        key = (sheet.name, row["id"])
        if key not in self._now:
            self._now[key] = in_cells(sheet, row, self.refs)
        return self._now[key]

    def _name_numbers(self, sheet: Sheet, found: dict[str, Any]) -> None:
        """Put the ref of a row in place of its number, which stands in the CSV files of lists."""
        for each in sheet.pointing:
            value = found.get(each.name)
            if each.takes is Takes.REF and value is not None:
                found[each.name] = self.refs.named(each.points_to, value)
            elif each.takes is Takes.REFS and value:
                found[each.name] = [self.refs.named(each.points_to, part) for part in value]

    def _row(self, line: Line, values: Values) -> Outcome:
        """Hold a line of the plan against its row."""
        rows = self.rows(line.sheet)
        ref = values.found.get("ref")
        outcome = Outcome(line, Status.NEW, ref, values=values.found)
        of_ref = self._id_of(line.sheet, ref)
        row_id = values.found.get("id") or of_ref
        if row_id is None:
            outcome.changes = [
                Change(name, None, value) for name, value in values.found.items() if name not in KEYS and value
            ]
            return outcome
        outcome.row_id = row_id
        if row_id not in rows:
            outcome.refuse("id", GONE)
            return outcome
        if of_ref not in (None, row_id):
            outcome.refuse("ref", TORN.format(rows[row_id]["ref"]))
            return outcome
        first = self._lines.setdefault((line.sheet.name, row_id), line)
        if first is not line:
            outcome.refuse("ref", TWICE.format(first.number))
            return outcome
        self._hold(outcome, rows[row_id], values)
        return outcome

    def _hold(self, outcome: Outcome, current: Row, values: Values) -> None:
        sheet, version = outcome.line.sheet, values.found.get("version") or current["version"]
        outcome.against = current["version"]
        now = self._as_it_stands(sheet, current)
        seen = now if version == current["version"] else self._as_seen(sheet, current["id"], version)
        if seen is None:
            outcome.refuse("version", "The hidden version of this line was never one of its row. Take a new workbook.")
            return
        outcome.changes = [
            Change(name, seen[name], value, now[name])
            for name, value in values.found.items()
            if name not in KEYS and _is_new(sheet, name, value, (seen[name], now[name]))
        ]
        has_moved = version != current["version"]
        outcome.status = Status.CONFLICT if has_moved else Status.UPDATE
        if not outcome.changes:
            outcome.status = Status.UNCHANGED

    def _as_seen(self, sheet: Sheet, row_id: int, version: int) -> Row | None:
        """Return the cells of a row as they were at a version; None where it never had that."""
        resource = RESOURCES[sheet.name]
        held = and_(change.c.resource == resource.name, change.c.row_id == row_id, change.c.version == version)
        seq = self.connection.execute(select(change.c.seq).where(held, change.c.action != "deleted")).scalar()
        if seq is None:
            return None
        then = View(int(seq), self.view.as_at, self.view.sight)
        row = find_row(self.connection, resource, row_id, then)
        return None if row is None else in_cells(sheet, row, find_refs(self.connection, then, self.strategy_id))

    def _report(self, line: Line, values: Values) -> Outcome:
        """Hold a line that reports against the newest report on its milestone."""
        found = values.found
        outcome = Outcome(line, Status.UNCHANGED, found.get("ref"), values=found)
        given = {name: found.get(name) for name in REPORTED if found.get(name) is not None}
        tasks = self.rows(MILESTONES)
        of_ref = self._id_of(MILESTONES, found.get("ref"))
        row_id = found.get("milestone_id") or of_ref
        if row_id not in tasks:
            outcome.refuse("ref", GONE if row_id else f"There is no milestone with the ref {found.get('ref')}.")
            return outcome
        if of_ref not in (None, row_id):
            outcome.refuse("ref", TORN.format(tasks[row_id]["ref"]))
            return outcome
        outcome.row_id, outcome.status = row_id, Status.NEW
        newest = self.latest()[row_id]
        outcome.against = newest
        now = self._standing(newest) if newest else {}
        outcome.changes = [Change(name, now.get(name), value, now.get(name)) for name, value in given.items()]
        if newest and all(same(value, now.get(name)) for name, value in given.items()):
            outcome.status = Status.UNCHANGED
        elif "status" not in given:
            outcome.refuse("status", "Choose a status: a report says where the milestone stands.")
        elif found.get("last_update_id") is not None and found["last_update_id"] != newest:
            outcome.status = Status.CONFLICT
        return outcome

    def latest(self) -> dict[int, int]:
        """Return the newest report on each milestone of the strategy."""
        if self._latest is None:
            self._latest = find_latest(self.connection, self.strategy_id)
        return self._latest

    def _standing(self, update_id: int) -> Row:
        """Return a report as the cells of a line would say it."""
        row = self.connection.execute(select(status_update).where(status_update.c.id == update_id)).mappings().one()
        evidence = (row["evidence"] or [{}])[0]
        return {**row, "evidence_title": evidence.get("title"), "evidence_url": evidence.get("url")}


def _is_new(sheet: Sheet, name: str, wanted: Any, held: tuple[Any, Any]) -> bool:
    """Tell whether what is written in a cell is neither of what it held."""
    if wanted in held:
        return False
    is_same = SAME.get(sheet.takes[name], same)
    return not any(is_same(wanted, each) for each in held)


def _same_refs(wanted: list[str], held: str | None) -> bool:
    return sorted(map(str.casefold, wanted)) == sorted(part.casefold() for part in (held or "").split("; ") if part)


def _same_ref(wanted: str | None, held: str | None) -> bool:
    return (wanted or "").casefold() == (held or "").casefold()


# Refs are alike in small and capital letters.
SAME: Mapping[Takes, Callable[[Any, Any], bool]] = {Takes.REF: _same_ref, Takes.REFS: _same_refs}
