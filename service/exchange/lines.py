"""The lines of a workbook that came back: which cell is which, and what it says. Pure."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from typing import Any

from service.core.errors import Fault, Invalid
from service.exchange.cells import FIRST_SERIAL
from service.exchange.sheets import (
    INDICATORS,
    MILESTONES,
    PRIORITIES,
    SHEETS,
    UPDATES,
    WORKSTREAMS,
    Field,
    Sheet,
    Takes,
)

# The cells of sheets; None is an empty one, or one with nothing but blanks, a date is {"date": "2019-01-31"}.
Grids = Mapping[str, Sequence[Sequence[Any]]]
FILE = "/file"
# The headings may stand below a line or two that somebody put above them.
HEADINGS_WITHIN = 10
LAST_SERIAL = 401_768
BRITISH_DAY = re.compile(r"(\d{1,2})[/.](\d{1,2})[/.](\d{4})", re.ASCII)
NUMERAL = re.compile(r"-?\d{1,15}", re.ASCII)
ISO_LENGTH = 10
SPACES = " \N{NO-BREAK SPACE}"


@dataclass(frozen=True)
class Line:
    """One line of a sheet: its number as the program shows it, what its cells hold, and the letter of each column."""

    sheet: Sheet
    number: int
    cells: Mapping[str, Any]
    letters: Mapping[str, str]

    @property
    def key(self) -> str:
        """What the line is called by whoever accepts its conflict: `Milestones!7`."""
        return f"{self.sheet.name}!{self.number}"

    def cell(self, name: str) -> str:
        """Return the address of a field's cell, or of the line where it has no column: `K7`."""
        return f"{self.letters.get(name, '')}{self.number}"

    def is_blank(self, names: Iterable[str]) -> bool:
        """Tell whether nothing is written in the cells of some fields."""
        return all(self.cells.get(name) is None for name in names)


@dataclass
class Values:
    """What the cells of a line mean, and what is wrong with those that mean nothing."""

    found: dict[str, Any] = field(default_factory=dict)
    faults: list[tuple[str, str]] = field(default_factory=list)


def lines_of(grids: Grids, csv_sheet: str | None) -> Iterator[Line]:
    """Yield the lines of every sheet that is read back, in the order in which they must be.

    Raises:
        Invalid: there is no such sheet, or its headings cannot be made out.
    """
    named = {name: grid for name, grid in grids.items() if name}
    if "" in grids:
        named[_csv_sheet(grids[""], csv_sheet).name.casefold()] = grids[""]
    wanted = [sheet for sheet in SHEETS if sheet.name.casefold() in named]
    if not wanted:
        names = ", ".join(sheet.name for sheet in SHEETS)
        raise Invalid(Fault(FILE, f"None of its sheets is one of ours: {names}. Keep their names as they were."))
    for sheet in wanted:
        yield from _lines(sheet, named[sheet.name.casefold()])


def _csv_sheet(grid: Sequence[Sequence[Any]], asked: str | None) -> Sheet:
    """Return the sheet that a CSV file is of: the one that was named, else the one with most of its headings."""
    if asked is not None:
        return next(sheet for sheet in SHEETS if sheet.name == asked)
    heads = {_plain(each) for each in (grid[0] if grid else ())}
    by_telling = {
        UPDATES: {"narrative", "effective_on"},
        MILESTONES: {"due_on", "weight"},
        WORKSTREAMS: {"lead_organisation", "lead_organisation_id"},
        INDICATORS: {"polarity"},
        PRIORITIES: {"position"},
    }
    for sheet, telling in by_telling.items():
        if heads & telling:
            return sheet
    raise Invalid(Fault("/sheet", "Say which sheet this CSV file is: its headings do not tell."))


def _lines(sheet: Sheet, grid: Sequence[Sequence[Any]]) -> Iterator[Line]:
    top, columns = _headings(sheet, grid)
    letters = {name: column_letter(place) for place, name in columns.items()}
    width = max(columns) + 1
    for number, row in enumerate(grid[top + 1 :], top + 2):
        whole = row if len(row) >= width else [*row, *(None,) * (width - len(row))]
        cells = [whole[place] for place in columns]
        if cells.count(None) < len(cells):
            yield Line(sheet, number, dict(zip(columns.values(), cells, strict=True)), letters)


def _headings(sheet: Sheet, grid: Sequence[Sequence[Any]]) -> tuple[int, dict[int, str]]:
    """Return the line that holds the headings, and the field of each column that is read."""
    fields = {spelling: each for each in sheet.read_back for spelling in _spellings(each)}
    for top, row in enumerate(grid[:HEADINGS_WITHIN]):
        columns = {place: fields[_plain(cell)].name for place, cell in enumerate(row) if _plain(cell) in fields}
        if "ref" in columns.values():
            twice = {name for name in columns.values() if list(columns.values()).count(name) > 1}
            if twice:
                told = f"The sheet {sheet.name} has the column {min(twice)} twice: take one away."
                raise Invalid(Fault(FILE, told))
            return top, columns
    raise Invalid(Fault(FILE, f"The sheet {sheet.name} has no column Ref: keep the headings as they were."))


def _spellings(each: Field) -> set[str]:
    return {each.name, _plain(each.heading), each.name.removesuffix("_id").removesuffix("_ids")}


def _plain(heading: object) -> str:
    return re.sub(r"\W+", "_", str(heading or "").strip().casefold())


def column_letter(place: int) -> str:
    """Return the letters of a column: A for 0, AA for 26."""
    letters, rest = "", place + 1
    while rest:
        rest, last = divmod(rest - 1, 26)
        letters = chr(ord("A") + last) + letters
    return letters


def _trimmed(cell: Any) -> Any:
    """Return a cell without the blanks around its text, of which spreadsheets lose some, and with plain line ends."""
    if isinstance(cell, str):
        return cell.replace("\r\n", "\n").replace("\r", "\n").strip() or None
    return cell


def same(one: Any, other: Any) -> bool:
    """Tell whether two values are the same to whoever reads them in a cell."""
    return (_trimmed(one) or None) == (_trimmed(other) or None) if isinstance(one or other, str) else one == other


def cell_of(value: Any) -> Any:
    """Return a value as it stands in `Grids`."""
    return {"date": value.isoformat()} if isinstance(value, date) else None if value == "" else value


def values_of(line: Line) -> Values:
    """Return what the cells of a line mean; a ref stands for itself until it is looked up."""
    values = Values()
    for name, is_list, read in READERS[line.sheet.name]:
        if name in line.cells:
            cell = line.cells[name]
            if cell is None:
                values.found[name] = [] if is_list else None
                continue
            try:
                values.found[name] = read(cell)
            except ValueError as fault:
                values.faults.append((name, str(fault)))
    return values


def ref_of(line: Line) -> str | None:
    """Return the ref in a line."""
    return _plain_text(line.cells.get("ref"))


def _reader(each: Field) -> Callable[[Any], Any]:
    """Return what reads a cell of a field that holds something; what people are to read stays as it was written."""
    if each.takes is Takes.CHOICE:
        return partial(_choice, each.choices)
    return WRITTEN.get(each.name, READ[each.takes])


def _refs(cell: Any) -> list[str]:
    return [part.strip() for part in re.split("[;,]", _text(cell)) if part.strip()]


def _plain_text(cell: Any) -> str | None:
    trimmed = _trimmed(cell)
    return None if trimmed is None else _text(trimmed)


def _text(cell: Any) -> str:
    if isinstance(cell, str):
        return cell
    if isinstance(cell, dict):
        return str(cell["date"])
    if isinstance(cell, bool):
        # As spreadsheets show what they made of the word.
        return str(cell).upper()
    return str(int(cell) if isinstance(cell, float) and cell.is_integer() else cell)


def _number(cell: Any) -> int:
    if isinstance(cell, (bool, dict)):
        raise ValueError("Write a whole number.")
    if isinstance(cell, int | float) and float(cell).is_integer():
        return int(cell)
    written = str(_trimmed(cell)).removesuffix("%").strip()
    if not NUMERAL.fullmatch(written):
        raise ValueError("Write a whole number.")
    return int(written)


def _day(cell: Any) -> date:
    """Return the date in a cell: a date, the number that a worksheet keeps for one, or a date as it is written."""
    if isinstance(cell, dict):
        return date.fromisoformat(cell["date"])
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        if float(cell).is_integer() and 0 < cell <= LAST_SERIAL:
            return FIRST_SERIAL + timedelta(days=int(cell))
        raise ValueError("Write a date, such as 31/01/2019.")
    written = str(_trimmed(cell))
    british = BRITISH_DAY.fullmatch(written)
    try:
        if british:
            day, month, year = (int(part) for part in british.groups())
            return date(year, month, day)
        if len(written) == ISO_LENGTH:
            return date.fromisoformat(written)
    except ValueError:
        raise ValueError("There is no such day in the calendar.") from None
    raise ValueError("Write a date, such as 31/01/2019.")


def _choice(choices: Sequence[str], cell: Any) -> str:
    wanted = _plain(_text(cell))
    if wanted not in choices:
        raise ValueError(f"Choose one of {', '.join(choices)}.")
    return wanted


# What people write for others to read comes back to the letter, but for spaces that somebody typed around a title.
WRITTEN: dict[str, Callable[[Any], Any]] = {
    "description": _text,
    "narrative": _text,
    "title": lambda cell: _text(cell).strip(SPACES),
    "heading": lambda cell: _text(cell).strip(SPACES),
}
READ: dict[Takes, Callable[[Any], Any]] = {
    Takes.TEXT: _plain_text,
    Takes.REF: _plain_text,
    Takes.REFS: _refs,
    Takes.NUMBER: _number,
    Takes.DATE: _day,
}
# The fields of each sheet that are read back: whether a cell of theirs holds a list, and what reads one that is filled.
READERS = {
    sheet.name: [(each.name, each.takes is Takes.REFS, _reader(each)) for each in sheet.read_back] for sheet in SHEETS
}
