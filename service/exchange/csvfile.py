"""Tables as CSV (RFC 4180): UTF-8, comma, CRLF, one line of names, an empty field for null."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence

from service.exchange.cells import TEXTS
from service.exchange.columns import Column, Values

MEDIA_TYPE = "text/csv; charset=utf-8; header=present"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
Rows = Iterable[Values]


class CsvFile:
    """Writes a table page by page."""

    def __init__(self, columns: Sequence[Column], *, has_mark: bool) -> None:
        self._columns = columns
        self._cells = [_writer(column) for column in columns]
        self._has_mark = has_mark

    def start(self) -> bytes:
        """Return what stands before the rows."""
        names = self._lines([[column.name for column in self._columns]])
        return (BYTE_ORDER_MARK if self._has_mark else b"") + names

    def page(self, rows: Rows) -> bytes:
        """Return some rows."""
        cells = self._cells
        return self._lines([cell(row) for cell in cells] for row in rows)

    def end(self) -> bytes:
        """Return what stands after the rows: nothing."""
        return b""

    def drop(self) -> None:
        """Let go of a file: nothing is held."""

    @staticmethod
    def _lines(lines: Iterable[Sequence[str | None]]) -> bytes:
        text = io.StringIO()
        csv.writer(text, lineterminator="\r\n").writerows(lines)
        return text.getvalue().encode()


def _writer(column: Column) -> Callable[[Values], str | None]:
    """Return what writes the value of a column in a row."""
    find, as_text = column.find, TEXTS[column.kind]

    def write(row: Values) -> str | None:
        value = find(row)
        return None if value is None else as_text(value)

    return write


def read_lines(text: str) -> Iterator[list[str]]:
    """Yield the fields of each line as they stand."""
    return csv.reader(io.StringIO(text, newline=""), strict=True)
