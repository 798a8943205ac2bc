"""The content of a report as tables, one for each subject: sheets of a workbook, and files of an archive. Pure."""

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import orjson
import xlsxwriter

from service.exchange.cells import Kind, instant_text
from service.exchange.columns import Column
from service.exchange.csvfile import CsvFile
from service.exchange.csvw import DESCRIPTION, describe_columns
from service.reporting.archive import archive_bytes, repacked
from service.reporting.rules import Content, Row

WIDEST, NARROWEST = 60, 10
FIGURES = {
    "percent_complete": ("Earned of the weight, in percent.", Kind.NUMBER),
    "planned_percent": ("Planned of the weight with a due date, in percent.", Kind.NUMBER),
    "schedule_performance_index": ("Earned against planned.", Kind.NUMBER),
    "rag": ("How it stands against its plan.", Kind.TEXT),
}
COUNTS = (
    "total",
    "included",
    "proposed",
    "not_started",
    "in_progress",
    "on_hold",
    "complete",
    "cancelled",
    "overdue",
    "unreported",
    "unscheduled",
    "rescheduled",
)
RECEIPT = ("weight", "earned", "scheduled_weight", "scheduled_earned", "planned")


@dataclass(frozen=True)
class Subject:
    """One table: its name, what it is about, its columns and its rows."""

    name: str
    about: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]


def column(name: str, kind: Kind, about: str) -> Column:
    """Return a column that may be empty."""
    return Column(name, (name,), kind, is_nullable=True, description=about)


def subjects_of(content: Content) -> list[Subject]:
    """Return the tables of a report."""
    return [make(content) for make in SUBJECTS]


def _progress_columns() -> tuple[Column, ...]:
    return (
        *(column(name, kind, about) for name, (about, kind) in FIGURES.items()),
        *(column(f"milestones_{name}", Kind.INTEGER, f"Milestones: {name}.") for name in COUNTS),
        *(column(f"receipt_{name}", Kind.INTEGER, f"The whole number behind it: {name}.") for name in RECEIPT),
    )


def _progress_row(progress: Content) -> Row:
    return {
        **{name: progress[name] for name in FIGURES},
        **{f"milestones_{name}": progress["milestones"][name] for name in COUNTS},
        **{f"receipt_{name}": progress["receipt"][name] for name in RECEIPT},
    }


def _progress(content: Content) -> Subject:
    def rows() -> Iterator[Row]:
        yield {"scope": "total", "ref": None, "title": None, **_progress_row(content["total"])}
        for scope, name in (("priority", "priorities"), ("workstream", "workstreams")):
            for each in content[name]:
                yield {"scope": scope, "ref": each["ref"], "title": each["title"], **_progress_row(each["progress"])}

    head = (
        column("scope", Kind.TEXT, "Whose figures: total, priority or workstream."),
        column("ref", Kind.TEXT, "Its ref."),
        column("title", Kind.TEXT, "Its title."),
    )
    return Subject(
        "progress", "How everything stood at the end of the quarter.", (*head, *_progress_columns()), tuple(rows())
    )


def _plain(
    name: str, about: str, fields: Sequence[tuple[str, Kind, str]], rows: Callable[[Content], Sequence[Row]]
) -> Callable[[Content], Subject]:
    """Return what makes a table of a list of the content."""
    columns = tuple(column(*each) for each in fields)
    return lambda content: Subject(
        name, about, columns, tuple({each.name: row[each.name] for each in columns} for row in rows(content))
    )


def _observations(content: Content) -> list[Row]:
    return [
        {**observation, **{name: indicator[name] for name in ("ref", "title", "unit", "comparator")}}
        for indicator in content["indicators"]
        for observation in indicator["observations"]
    ]


def _noted(content: Content) -> list[Row]:
    rows = {row["id"]: row for row in content["milestones"]}
    return [{"list": name, **rows[each]} for name, ids in content["lists"].items() for each in ids]


TEXT, DATE, INTEGER, NUMBER, FLAG = Kind.TEXT, Kind.DATE, Kind.INTEGER, Kind.NUMBER, Kind.FLAG
MILESTONE = (
    ("ref", TEXT, "Its ref."),
    ("title", TEXT, "Its title."),
    ("kind", TEXT, "What sort of thing it is."),
    ("workstream_id", INTEGER, "Its workstream."),
    ("weight", INTEGER, "What it counts."),
    ("start_on", DATE, "When it starts."),
    ("due_on", DATE, "When it is due."),
    ("due_precision", TEXT, "How exactly that is known."),
    ("baseline_due_on", DATE, "When it was first due."),
    ("status", TEXT, "As last reported."),
    ("percent_complete", INTEGER, "As last reported."),
    ("forecast_on", DATE, "When it will be done, as last reported."),
    ("confidence", TEXT, "The owner's own judgement."),
    ("reported_on", DATE, "The date that the last report is true of."),
    ("rag", TEXT, "How it stands against its plan."),
    ("overdue", FLAG, "Whether it is past its due date and not complete."),
    ("reschedule_reason", TEXT, "Why it was rescheduled."),
)
SUBJECTS: tuple[Callable[[Content], Subject], ...] = (
    _progress,
    _plain(
        "milestones", "Every milestone in the plan at the end of the quarter.", MILESTONE, lambda c: c["milestones"]
    ),
    _plain(
        "noted",
        "The milestones that the report lists, and in which list.",
        (("list", TEXT, "The list."), *MILESTONE),
        _noted,
    ),
    _plain(
        "changes",
        "What each milestone did to the figure, in percentage points; together they are the whole change.",
        (
            ("ref", TEXT, "The milestone."),
            ("title", TEXT, "Its title."),
            ("workstream_id", INTEGER, "Its workstream."),
            ("reason", TEXT, "What happened to it."),
            ("effect", NUMBER, "Percentage points."),
        ),
        lambda content: content["changes"]["effects"],
    ),
    _plain(
        "trend",
        "Progress at the end of each of the last eight quarters.",
        (
            ("quarter", TEXT, "The quarter."),
            ("as_at", DATE, "Its last day."),
            ("percent_complete", NUMBER, "Earned of the weight, in percent."),
            ("planned_percent", NUMBER, "Planned of the weight with a due date, in percent."),
            ("schedule_performance_index", NUMBER, "Earned against planned."),
            ("rag", TEXT, "How it stood against its plan."),
        ),
        lambda content: content["trend"],
    ),
    _plain(
        "indicators",
        "The newest value of each measure, and how it compares.",
        (
            ("ref", TEXT, "The measure."),
            ("title", TEXT, "Its title."),
            ("category", TEXT, "Which part of the people it is about."),
            ("unit", TEXT, "What the values are in."),
            ("value", NUMBER, "The local value."),
            ("comparator", TEXT, "What it is compared with."),
            ("comparator_value", NUMBER, "The value of that."),
            ("difference", NUMBER, "Value less comparator."),
            ("lower", NUMBER, "Lower bound of the 95 % Wilson interval."),
            ("upper", NUMBER, "Upper bound of it."),
            ("judgement", TEXT, "How it compares."),
            ("published_on", DATE, "When it was published."),
            ("commentary", TEXT, "What to make of it."),
        ),
        _observations,
    ),
    _plain(
        "funding",
        "Money for workstreams.",
        (
            ("ref", TEXT, "The award."),
            ("workstream", TEXT, "The workstream."),
            ("funder", TEXT, "Who gives it."),
            ("amount", Kind.AMOUNT, "In pounds."),
            ("status", TEXT, "Where it stands."),
            ("starts_on", DATE, "First day."),
            ("ends_on", DATE, "Last day."),
        ),
        lambda content: content["funding"],
    ),
    _plain(
        "decisions",
        "What boards decided, and what they are asked to decide.",
        (
            ("ref", TEXT, "The decision."),
            ("board", TEXT, "The board."),
            ("decided_on", DATE, "When."),
            ("precision", TEXT, "How exactly that is known."),
            ("kind", TEXT, "What sort of decision it is."),
            ("text", TEXT, "What it says."),
            ("outcome", TEXT, "What came of it."),
        ),
        lambda content: [*content["decisions"], *content["recommendations"]],
    ),
)


def xlsx_bytes(content: Content, title: str, made_at: datetime) -> bytes:
    """Return a workbook with a sheet for each subject, each one table."""
    made = io.BytesIO()
    book = xlsxwriter.Workbook(made, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties({"title": title, "created": made_at.replace(tzinfo=None)})
    formats = {
        Kind.DATE: book.add_format({"num_format": "yyyy-mm-dd"}),
        Kind.AMOUNT: book.add_format({"num_format": "#,##0.00"}),
    }
    for subject in subjects_of(content):
        sheet = book.add_worksheet(subject.name.capitalize())
        heads = [{"header": each.name} for each in subject.columns]
        for number, row in enumerate(subject.rows, 1):
            for place, each in enumerate(subject.columns):
                _write(sheet, number, place, row[each.name], formats.get(each.kind))
        last = max(len(subject.rows), 1)
        sheet.add_table(
            0, 0, last, len(heads) - 1, {"columns": heads, "name": subject.name, "style": "Table Style Light 1"}
        )
        sheet.freeze_panes(1, 0)
        for place, each in enumerate(subject.columns):
            longest = max([len(each.name) + 3, *(len(str(row[each.name] or "")) for row in subject.rows[:200])])
            sheet.set_column(place, place, min(max(longest + 1, NARROWEST), WIDEST))
    book.close()
    return repacked(made.getvalue())


def _write(sheet: Any, row: int, place: int, value: Any, style: Any) -> None:
    if value is None or value == "":
        return
    if isinstance(value, bool):
        sheet.write_boolean(row, place, value)
    elif isinstance(value, datetime):
        sheet.write_string(row, place, instant_text(value))
    elif isinstance(value, date):
        sheet.write_datetime(row, place, datetime.combine(value, datetime.min.time()), style)
    elif isinstance(value, str):
        sheet.write_string(row, place, value)
    else:
        sheet.write_number(row, place, value, style)


def zip_bytes(content: Content) -> bytes:
    """Return an archive with each subject as CSV, and the description of its columns beside it."""
    files: dict[str, bytes] = {}
    for subject in subjects_of(content):
        table = CsvFile(subject.columns, has_mark=False)
        files[f"{subject.name}.csv"] = table.start() + table.page(subject.rows) + table.end()
        told = describe_columns(subject.name, subject.columns, subject.about)
        files[f"{subject.name}{DESCRIPTION}"] = orjson.dumps(told, option=orjson.OPT_INDENT_2)
    return archive_bytes(files)
