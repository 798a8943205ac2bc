"""The workbook that is sent round: made here, filled in by people, and read back by the import."""

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import xlsxwriter

from service.core.calendar import LAST_YEAR
from service.core.errors import Fault, Invalid
from service.exchange.cells import FIRST_DAY
from service.exchange.sheets import SHEETS, UPDATES, Field, Sheet, Takes

Row = Mapping[str, Any]
# Lines that are free for what is new, on the sheets of the plan.
SPARE = 50
DAY_FORMAT = "dd/mm/yyyy"
LAST_DAY = date(LAST_YEAR, 12, 31)
LIST_SHEET = "Lists"
A4 = 9
# Colour and word together: nobody needs to see the one to read the other.
RAG_COLOURS = {
    "red": ("#F8D7DA", "#7A0C16"),
    "amber": ("#FFE8B3", "#5C3A00"),
    "green": ("#D5EFDB", "#0B4A1E"),
    "complete": ("#D3E5F7", "#0B3A66"),
}
RESULT = Field("result", is_shown_only=True, width=70)
UNLOCKED_OPTIONS = {"autofilter": True, "sort": True, "format_columns": True, "format_rows": True}
HOW = (
    "Fill in the white cells; the grey ones are shown for your information and cannot be changed.",
    "To report, go to the sheet “Updates to report”: choose a status, give the date that it is true of, and say more.",
    "Leave a line as it is where there is nothing to report, or to change.",
    "Cells with a list take what the list offers. Several refs are written with semicolons between them: a; b.",
    "Save the workbook as it is (.xlsx) and send it back to whoever sent it to you, or import it yourself.",
    "Several people can fill in a copy each: nothing that others changed meanwhile is overwritten unseen.",
)


@dataclass
class Book:
    """What stands in a workbook: the rows of each sheet by its name, the refs of each list, and what it is."""

    title: str
    as_at: date
    known_at: datetime
    made_by: str
    writes_plan: bool
    rows: dict[str, Sequence[Row]] = field(default_factory=dict)
    lists: dict[str, Sequence[str]] = field(default_factory=dict)
    results: dict[str, Sequence[str]] = field(default_factory=dict)
    """Of a copy that is marked with what became of each line."""


# What is no character, and does not come back from a worksheet.
NO_CHARACTER = re.compile("[\ufffe\uffff]")


def workbook_bytes(book: Book) -> bytes:
    """Return the workbook as a file."""
    made = io.BytesIO()
    with xlsxwriter.Workbook(made, {"in_memory": True}) as file:
        file.set_properties({"title": book.title, "created": book.known_at.replace(tzinfo=None, microsecond=0)})
        _Writer(file, book).write()
    return made.getvalue()


class _Writer:
    def __init__(self, file: Any, book: Book) -> None:
        self._file = file
        self._book = book
        self._styles: dict[tuple[Any, ...], Any] = {}

    def write(self) -> None:
        """Write every sheet; the lists come last, and are known to the others by name."""
        self._write_cover()
        for sheet in SHEETS:
            self._write_sheet(sheet)
        self._write_lists()

    def _style(self, **properties: Any) -> Any:
        key = tuple(sorted(properties.items()))
        if key not in self._styles:
            self._styles[key] = self._file.add_format({"valign": "top", **properties})
        return self._styles[key]

    def _write_cover(self) -> None:
        book, sheet = self._book, self._file.add_worksheet("Cover")
        facts = [
            ("Strategy", book.title),
            ("As at", f"{book.as_at:%-d %B %Y}"),
            ("Known at", f"{book.known_at:%Y-%m-%d %H:%M:%S} UTC"),
            ("Made by", book.made_by),
            (
                "What you can change",
                "The plan, and reports on it" if book.writes_plan else "Reports on your milestones",
            ),
            *((f"How to fill it in, {number}", text) for number, text in enumerate(HOW, 1)),
            *((f"Sheet “{each.name}”", each.about) for each in SHEETS),
        ]
        wrapped = self._style(text_wrap=True)
        headings = [{"header": "About this workbook"}, {"header": "Answer"}]
        sheet.add_table(0, 0, len(facts), 1, {"columns": headings, "name": "cover", "autofilter": False})
        for number, (what, answer) in enumerate(facts, 1):
            sheet.write_string(number, 0, what, wrapped)
            sheet.write_string(number, 1, answer, wrapped)
        sheet.set_column(0, 0, 28)
        sheet.set_column(1, 1, 100)
        _lay_out(sheet)
        sheet.protect()

    def _write_sheet(self, sheet: Sheet) -> None:
        page = self._file.add_worksheet(sheet.name)
        results = self._book.results.get(sheet.name)
        fields = (*sheet.fields, *((RESULT,) if results is not None else ()))
        rows = self._book.rows.get(sheet.name, ())
        is_open = self._book.writes_plan or sheet is UPDATES
        spare = SPARE if self._book.writes_plan and sheet is not UPDATES else 0
        last = max(len(rows) + spare, 1)
        headings = [{"header": each.heading} for each in fields]
        name = sheet.name.lower().replace(" ", "_")
        page.add_table(0, 0, last, len(fields) - 1, {"columns": headings, "name": f"table_{name}"})
        for place, each in enumerate(fields):
            page.set_column(place, place, each.width, None, {"hidden": each.is_hidden})
            style = self._cell_style(each, is_open=is_open)
            for number in range(1, last + 1):
                page.write_blank(number, place, None, style)
            self._help(page, each, place, last)
            for number, row in enumerate(rows, 1):
                if isinstance(row.get(each.name), str) and NO_CHARACTER.search(row[each.name]):
                    told = (
                        f"{row.get('ref')} holds U+FFFE or U+FFFF, which no cell can: take it out there, and ask again."
                    )
                    raise Invalid(Fault(f"/{sheet.name}/{number}/{each.name}", told))
                self._write_cell(page, number, place, row.get(each.name), style)
            if each is RESULT and results is not None:
                for number, text in enumerate(results, 1):
                    page.write_string(number, place, text[:32_000], style)
        page.freeze_panes(1, [each.name for each in fields].index("ref") + 1)
        _lay_out(page)
        page.protect("", UNLOCKED_OPTIONS)

    def _cell_style(self, each: Field, *, is_open: bool) -> Any:
        is_free = is_open and not each.is_shown_only and not each.is_hidden
        properties: dict[str, Any] = {"locked": not is_free, "text_wrap": each.takes is Takes.TEXT}
        if not is_free:
            properties["bg_color"] = "#EEEEEE"
        if each.takes is Takes.DATE:
            properties["num_format"] = DAY_FORMAT
        elif each.takes is not Takes.NUMBER:
            properties |= {"num_format": "@", "quote_prefix": True}
        return self._style(**properties)

    def _write_cell(self, page: Any, number: int, place: int, value: Any, style: Any) -> None:
        if value is None or value == "":
            return
        if isinstance(value, date):
            if value >= FIRST_DAY:
                page.write_datetime(number, place, datetime(value.year, value.month, value.day), style)  # noqa: DTZ001 A cell has no zone.
            else:
                page.write_string(number, place, value.isoformat(), style)
        elif isinstance(value, int):
            page.write_number(number, place, value, style)
        else:
            page.write_string(number, place, str(value), style)

    def _help(self, page: Any, each: Field, place: int, last: int) -> None:
        """Check what is typed into a column where it is typed, and colour what has a colour."""
        if each.name == "rag":
            for word, (back, front) in RAG_COLOURS.items():
                colour = self._file.add_format({"bg_color": back, "font_color": front})
                rule = {"type": "cell", "criteria": "==", "value": f'"{word}"', "format": colour}
                page.conditional_format(1, place, last, place, rule)
        if each.is_shown_only or each.is_hidden:
            return
        check = self._check(each)
        if check:
            page.data_validation(1, place, last, place, check)

    @staticmethod
    def _check(each: Field) -> dict[str, Any] | None:
        if each.takes in (Takes.CHOICE, Takes.REF):
            return {"validate": "list", "source": f"={list_name(each)}", "error_message": "Choose one of the list."}
        if each.takes is Takes.DATE:
            return {
                "validate": "date",
                "criteria": "between",
                "minimum": FIRST_DAY,
                "maximum": LAST_DAY,
                "error_message": "Write a date, such as 31/01/2019.",
            }
        if each.takes is Takes.NUMBER:
            told = "Write a whole number."
            return {"validate": "integer", "criteria": ">=", "value": 0, "error_message": told}
        return None

    def _write_lists(self) -> None:
        page = self._file.add_worksheet(LIST_SHEET)
        lists = all_lists(self._book)
        longest = max(1, *(len(values) for values in lists.values()))
        headings = [{"header": name} for name in lists]
        page.add_table(0, 0, longest, len(lists) - 1, {"columns": headings, "name": "table_lists", "autofilter": False})
        for place, (name, values) in enumerate(lists.items()):
            page.set_column(place, place, 28)
            for number, value in enumerate(values, 1):
                page.write_string(number, place, value, self._style(num_format="@"))
            column = xlsxwriter.utility.xl_col_to_name(place)
            last = max(len(values), 1) + 1
            self._file.define_name(name, f"={LIST_SHEET}!${column}$2:${column}${last}")
        page.freeze_panes(1, 0)
        page.protect()


def _lay_out(page: Any) -> None:
    """Print a sheet across the page, its headings on each."""
    page.set_landscape()
    page.set_paper(A4)
    page.fit_to_pages(1, 0)
    page.repeat_rows(0)


def list_name(each: Field) -> str:
    """Return the name of the range from which a column's list is taken."""
    return f"list_{each.points_to or each.name}"


def all_lists(book: Book) -> dict[str, Sequence[str]]:
    """Return the values of every list, by the name of its range."""
    found: dict[str, Sequence[str]] = {}
    for sheet in SHEETS:
        for each in sheet.fields:
            if each.choices:
                name = list_name(each)
                found[name] = tuple(dict.fromkeys((*found.get(name, ()), *each.choices)))
            elif each.points_to and each.takes is Takes.REF:
                found[list_name(each)] = book.lists.get(each.points_to, ())
    return found
