"""What a report picks out of the milestones of a quarter, and how it says what moved. Pure.

A side is the milestones of a strategy at one date as known at one instant, by id, each as the API shows it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from service.core.calendar import Quarter

Row = dict[str, Any]
Side = Mapping[int, Row]
# All that a report tells, arranged as readers look for it: see content.py.
Content = dict[str, Any]
# What the paper of the boards has at its end.
OTHER_WORK = "Other ongoing work"
COMPLETE, NOT_COUNTED = "complete", "not_applicable"
# From the best to the worst; what the owner says is compared with the rules on this scale alone.
CONFIDENCE = ("green", "amber", "red")
RAG_WORDS = {
    "not_applicable": "Not applicable",
    "complete": "Complete",
    "unscheduled": "No due date",
    "red": "Red",
    "amber": "Amber",
    "not_due": "Not due yet",
    "green": "Green",
}
STATUS_WORDS = {
    "proposed": "Proposed",
    "not_started": "Not started",
    "in_progress": "In progress",
    "on_hold": "On hold",
    "complete": "Complete",
    "cancelled": "Cancelled",
}
JUDGEMENT_WORDS = {
    "better": "Better",
    "worse": "Worse",
    "higher": "Higher",
    "lower": "Lower",
    "similar": "Similar",
    "not_testable": "Cannot be tested",
}


@dataclass(frozen=True)
class Sides:
    """The milestones as a report needs them: at its date, when the quarter began, and when it was last reported."""

    quarter: Quarter
    now: Side
    """At the last day of the quarter, as known when published."""
    before: Side
    """At the day before the quarter, as known when published."""
    published: Side
    """As the last published report had them; the same as `before` where there is none."""


def is_counted(row: Row) -> bool:
    """Tell whether a milestone counts in the figures."""
    return bool(row["rag"] != NOT_COUNTED)


def completed(sides: Sides) -> list[Row]:
    """Return the milestones that were completed in the quarter."""
    return _picked(sides, lambda row: row["status"] == COMPLETE and _status_before(sides, row) != COMPLETE)


def _status_before(sides: Sides, row: Row) -> str | None:
    before = sides.before.get(row["id"])
    return None if before is None else str(before["status"])


def overdue(sides: Sides) -> list[Row]:
    """Return the milestones that are past their due date and not complete."""
    return _picked(sides, lambda row: row["overdue"])


def due_next(sides: Sides) -> list[Row]:
    """Return the milestones that count, are not complete, and fall due in the quarter that follows."""
    following = sides.quarter.next

    def is_due(row: Row) -> bool:
        is_open = is_counted(row) and row["status"] != COMPLETE
        return is_open and row["due_on"] is not None and following.first_day <= row["due_on"] <= following.last_day

    return _picked(sides, is_due)


def rescheduled(sides: Sides) -> list[Row]:
    """Return the milestones that count and are due later than was first agreed."""
    return _picked(
        sides, lambda row: is_counted(row) and row["due_on"] is not None and row["due_on"] > row["baseline_due_on"]
    )


def not_reported(sides: Sides) -> list[Row]:
    """Return the milestones that count, are not complete, and were not reported on in the quarter."""
    first = sides.quarter.first_day

    def is_silent(row: Row) -> bool:
        is_open = is_counted(row) and row["status"] != COMPLETE
        return is_open and (row["reported_on"] is None or row["reported_on"] < first)

    return _picked(sides, is_silent)


def hopeful(sides: Sides) -> list[Row]:
    """Return the milestones whose owners are more confident than the rules: green where those say red, say."""

    def is_hopeful(row: Row) -> bool:
        told, ruled = row["confidence"], row["rag"]
        return told in CONFIDENCE and ruled in CONFIDENCE and CONFIDENCE.index(told) < CONFIDENCE.index(ruled)

    return _picked(sides, is_hopeful)


def _picked(sides: Sides, test: Callable[[Row], bool]) -> list[Row]:
    return sorted((row for row in sides.now.values() if test(row)), key=by_date)


def by_date(row: Row) -> tuple[date, str, int]:
    """Return what lists of milestones are put in order by: due date (none last), ref, number."""
    return (row["due_on"] or date.max, row["ref"], row["id"])


@dataclass(frozen=True)
class Move:
    """What happened to one milestone since the last published report."""

    kind: str
    row: Row
    was: Row | None


# Each kind of move in words, for one milestone and for several.
MOVES: dict[str, tuple[str, str]] = {
    "removed": ("{} milestone taken out of the plan", "{} milestones taken out of the plan"),
    "added": ("{} milestone added to the plan", "{} milestones added to the plan"),
    "completed": ("{} milestone completed", "{} milestones completed"),
    "reopened": ("{} milestone opened again", "{} milestones opened again"),
    "cancelled": ("{} milestone cancelled", "{} milestones cancelled"),
    "paused": ("{} milestone put on hold", "{} milestones put on hold"),
    "put_off": ("{} milestone rescheduled to a later date", "{} milestones rescheduled to a later date"),
    "brought_forward": ("{} milestone brought forward", "{} milestones brought forward"),
    "started": ("{} milestone started", "{} milestones started"),
    "advanced": ("{} milestone further on", "{} milestones further on"),
    "set_back": ("{} milestone set back", "{} milestones set back"),
    "reweighted": ("{} milestone weighted anew", "{} milestones weighted anew"),
}


def moves(sides: Sides) -> list[Move]:
    """Return what happened to each milestone since the last published report, in the order of `MOVES`."""
    found: list[Move] = []
    for row_id in sides.now.keys() | sides.published.keys():
        row, was = sides.now.get(row_id), sides.published.get(row_id)
        kind = _kind(row, was)
        shown = row or was
        if kind is not None and shown is not None:
            found.append(Move(kind, shown, was))
    order = list(MOVES)
    return sorted(found, key=lambda move: (order.index(move.kind), *by_date(move.row)))


def _kind(row: Row | None, was: Row | None) -> str | None:
    if row is None:
        return "removed"
    if was is None:
        return "added"
    return next((kind for kind, is_so in TESTS.items() if is_so(row, was)), None)


def _becomes(status: str) -> Callable[[Row, Row], bool]:
    return lambda row, was: row["status"] == status != was["status"]


def _is_moved(row: Row, was: Row) -> bool:
    return row["due_on"] is not None and was["due_on"] is not None and row["due_on"] != was["due_on"]


# What each kind of move is, of a milestone that was there and still is; the first that fits is told.
TESTS: dict[str, Callable[[Row, Row], bool]] = {
    "completed": _becomes(COMPLETE),
    "cancelled": _becomes("cancelled"),
    "paused": _becomes("on_hold"),
    "reopened": lambda row, was: was["status"] == COMPLETE != row["status"],
    "put_off": lambda row, was: _is_moved(row, was) and row["due_on"] > was["due_on"],
    "brought_forward": _is_moved,
    "started": lambda row, was: row["status"] == "in_progress" and was["status"] in ("not_started", "proposed"),
    "advanced": lambda row, was: row["percent_complete"] > was["percent_complete"],
    "set_back": lambda row, was: row["percent_complete"] < was["percent_complete"],
    "reweighted": lambda row, was: row["weight"] != was["weight"],
}


def moves_in_words(found: Iterable[Move]) -> list[str]:
    """Return what happened, one sentence for each kind of move, with the milestones it is about.

    `3 milestones completed: HOPE-1, HOPE-2 and DAP-1.`
    """
    said: list[str] = []
    by_kind: dict[str, list[Move]] = {}
    for move in found:
        by_kind.setdefault(move.kind, []).append(move)
    for kind, some in by_kind.items():
        one, many = MOVES[kind]
        head = (one if len(some) == 1 else many).format(len(some))
        said.append(f"{head}: {joined([_named(move) for move in some])}.")
    return said


def _named(move: Move) -> str:
    ref = str(move.row["ref"])
    if move.kind in ("put_off", "brought_forward") and move.was is not None:
        return f"{ref} (from {in_words(move.was['due_on'])} to {in_words(move.row['due_on'])})"
    if move.kind in ("advanced", "set_back") and move.was is not None:
        return f"{ref} (from {move.was['percent_complete']}% to {move.row['percent_complete']}%)"
    return ref


def joined(words: list[str]) -> str:
    """Return words as a list in a sentence: `a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def in_words(day: date, precision: str = "day") -> str:
    """Return a date as people write it, as exactly as it is known: `31 January 2019`, or `January 2019`."""
    if precision == "year":
        return f"{day.year}"
    month = f"{MONTHS[day.month - 1]} {day.year}"
    if precision == "quarter":
        return f"the quarter to {month}"
    return month if precision == "month" else f"{day.day} {month}"
