"""Tables as an XLSX workbook of one sheet with one table, written as the rows come.

A library makes the workbook around the rows, styles and table included; only the rows are written here, into that
workbook, for a library that makes them too cannot send the first before it has the last.
"""

import io
import re
import zipfile
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Any
from xml.sax.saxutils import escape

import xlsxwriter
from xlsxwriter.utility import xl_col_to_name

from service.core.errors import Fault, Invalid
from service.exchange.cells import (
    FIRST_DAY,
    FIRST_SERIAL,
    LARGEST_NUMBER,
    LONGEST_TEXT,
    Kind,
    instant_text,
    json_text,
    listed,
)
from service.exchange.columns import Column, Values

MOST_ROWS = 1_048_575
SHEET, TABLE = "xl/worksheets/sheet1.xml", "xl/tables/table1.xml"
# A made-up instant: the same table gives the same bytes.
MADE_AT = datetime(2000, 1, 1, tzinfo=UTC)
WIDTHS = {Kind.TEXT: 24, Kind.JSON: 24, Kind.INSTANT: 29, Kind.DATE: 12, Kind.LIST: 14}
NARROWEST, WIDEST = 9, 40
# What XML cannot hold, and the escape for it, which a text may hold itself: as ECMA-376 has it.
UNWRITABLE = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
NUMBERS = frozenset({Kind.INTEGER, Kind.NUMBER, Kind.AMOUNT})
# These leave a cell empty.
NOTHING: tuple[Any, ...] = (None, "", [])
Cell = Callable[[Any, int], str]


class XlsxFile:
    """Writes a table page by page."""

    def __init__(self, columns: Sequence[Column], title: str) -> None:
        self._columns = columns
        self._template = zipfile.ZipFile(io.BytesIO(_template(columns, title)))
        sheet = self._template.read(SHEET).decode()
        # The template holds the names and one row, which tells the number of each style.
        first, second = sheet.index("</row>") + len("</row>"), sheet.index("</sheetData>")
        self._tail = sheet[second:]
        self._head = sheet[:first]
        styles = re.findall(r'<c r="[A-Z]+2" s="(\d+)"', sheet)
        self._cells = [self._cell(column, style) for column, style in zip(columns, styles, strict=True)]
        self._finders = [column.find for column in columns]
        self._rows = 0
        self._out = _Sink()
        self._zip = zipfile.ZipFile(self._out, "w", zipfile.ZIP_DEFLATED)  # type: ignore[call-overload]
        self._sheet: Any = None

    def start(self) -> bytes:
        """Return what stands before the rows."""
        for name in self._template.namelist():
            if name not in (SHEET, TABLE):
                self._zip.writestr(_entry(name), self._template.read(name))
        self._sheet = self._zip.open(_entry(SHEET), "w")
        self._sheet.write(self._head.encode())
        return self._out.taken()

    def page(self, rows: Iterable[Values]) -> bytes:
        """Return some rows.

        Raises:
            Invalid: there are more than a sheet holds, or a value that a cell cannot hold; nothing is cut.
        """
        lines, finders, cells = [], self._finders, self._cells
        number = self._rows + 1
        for row in rows:
            number += 1
            lines.append(f'<row r="{number}">')
            for find, cell in zip(finders, cells, strict=True):
                value = find(row)
                if value not in NOTHING:
                    lines.append(cell(value, number))
            lines.append("</row>")
        self._rows = number - 1
        if self._rows > MOST_ROWS:
            raise Invalid(Fault("/query/format", f"A worksheet holds {MOST_ROWS} rows: ask for CSV, or for fewer."))
        self._sheet.write("".join(lines).encode())
        return self._out.taken()

    def end(self) -> bytes:
        """Return what stands after the rows."""
        self._sheet.write(self._tail.encode())
        self._sheet.close()
        table = self._template.read(TABLE).decode()
        last = xl_col_to_name(len(self._columns) - 1)
        table = re.sub(r'ref="A1:[A-Z]+\d+"', f'ref="A1:{last}{max(self._rows, 1) + 1}"', table)
        self._zip.writestr(_entry(TABLE), table)
        self._zip.close()
        return self._out.taken()

    def drop(self) -> None:
        """Let go of a file that will not be finished, or that is."""
        if self._sheet is not None:
            self._sheet.close()
        self._zip.close()
        self._out.taken()

    def _cell(self, column: Column, style: str) -> Cell:
        """Return what writes a value of a column into a row."""
        name = xl_col_to_name(self._columns.index(column))
        if column.kind in NUMBERS:
            return _number(column, name, style)
        if column.kind is Kind.FLAG:
            return lambda value, row: f'<c r="{name}{row}" s="{style}" t="b"><v>{value:d}</v></c>'
        if column.kind is Kind.DATE:
            return _day(name, style)
        return _text(column, name, style)


def _number(column: Column, name: str, style: str) -> Cell:
    def write(value: Any, row: int) -> str:
        if abs(value) > LARGEST_NUMBER:
            raise Invalid(Fault(f"/{column.name}", f"Row {row} holds a number that a worksheet would round."))
        return f'<c r="{name}{row}" s="{style}"><v>{value}</v></c>'

    return write


def _day(name: str, style: str) -> Cell:
    def write(value: date, row: int) -> str:
        if value < FIRST_DAY:
            return f'<c r="{name}{row}" s="{style}" t="inlineStr"><is><t>{value.isoformat()}</t></is></c>'
        return f'<c r="{name}{row}" s="{style}"><v>{(value - FIRST_SERIAL).days}</v></c>'

    return write


def _text(column: Column, name: str, style: str) -> Cell:
    spell: dict[Kind, Callable[[Any], str]] = {Kind.INSTANT: instant_text, Kind.LIST: listed, Kind.JSON: json_text}
    as_text = spell.get(column.kind, str)

    def write(value: Any, row: int) -> str:
        text = as_text(value)
        if len(text.encode("utf-16-le")) > 2 * LONGEST_TEXT:
            told = f"Row {row} holds more than the {LONGEST_TEXT} characters of a cell: ask for CSV."
            raise Invalid(Fault(f"/{column.name}", told))
        return f'<c r="{name}{row}" s="{style}" t="inlineStr"><is><t xml:space="preserve">{xml_text(text)}</t></is></c>'

    return write


def xml_text(text: str) -> str:
    """Return a text as XML of a worksheet holds it: a character that XML cannot hold as `_x0001_`."""
    return escape(UNWRITABLE.sub(lambda found: f"_x{ord(found[0]):04X}_", text))


def _template(columns: Sequence[Column], title: str) -> bytes:
    """Return a workbook with the names, a row of empty cells in their styles, and a table around both."""
    made = io.BytesIO()
    book = xlsxwriter.Workbook(made, {"in_memory": True})
    book.set_properties({"title": title, "created": MADE_AT.replace(tzinfo=None)})
    sheet = book.add_worksheet(title[:31])
    header = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
    formats = {
        Kind.DATE: book.add_format({"num_format": "yyyy-mm-dd"}),
        Kind.AMOUNT: book.add_format({"num_format": "#,##0.00"}),
        Kind.INTEGER: book.add_format({"num_format": "0"}),
        Kind.NUMBER: book.add_format({"num_format": "General", "locked": True, "valign": "bottom", "indent": 0}),
        # A text that begins with = stays a text when its cell is edited.
        Kind.TEXT: book.add_format({"num_format": "@", "quote_prefix": True}),
    }
    for place, column in enumerate(columns):
        sheet.write_blank(1, place, None, formats.get(column.kind, formats[Kind.TEXT]))
        width = max(WIDTHS.get(column.kind, NARROWEST), min(len(column.name) + 3, WIDEST))
        sheet.set_column(place, place, width)
    names = [{"header": column.name, "header_format": header} for column in columns]
    sheet.add_table(0, 0, 1, len(columns) - 1, {"columns": names, "name": "data", "style": "Table Style Light 1"})
    sheet.freeze_panes(1, 0)
    book.close()
    return made.getvalue()


def _entry(name: str) -> zipfile.ZipInfo:
    """Return an entry of the workbook's archive, dated as all of them."""
    entry = zipfile.ZipInfo(name, MADE_AT.timetuple()[:6])
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


class _Sink:
    """What an archive is written to, from which is taken what is there."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, part: bytes) -> int:
        """Take a part."""
        self._parts.append(bytes(part))
        return len(part)

    def flush(self) -> None:
        """Hold nothing back."""

    def taken(self) -> bytes:
        """Return what came since the last time."""
        found, self._parts = b"".join(self._parts), []
        return found
