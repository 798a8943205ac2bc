"""`python -m service.exchange.reader`: read a spreadsheet from standard input and print its cells as JSON.

It runs as a process of its own with little memory and time, for a file from outside may be made to take all of both.
It imports nothing of the service, so that it starts at once. What it will not read it says why, in words.
"""

import csv
import gc
import io
import re
import resource
import sys
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any
from xml.etree import ElementTree

import orjson
import python_calamine

# How the process ends where it will not read a file, and says why.
EXIT_REFUSED = 3
MEGABYTE = 1_000_000
MOST_MEMORY = 100 * MEGABYTE
MOST_SECONDS = 2
MOST_PARTS = 2_000
# A part of an archive that is larger than this, or that was packed tighter, is no list that somebody filled in.
LARGEST_PART = 60 * MEGABYTE
TIGHTEST, TIGHT_FROM = 100, MEGABYTE
MOST_ROWS, MOST_COLUMNS = 20_000, 200
OF_OLD_FILES = bytes.fromhex("d0cf11e0a1b11ae1")
ENCRYPTED = 0x1
ARCHIVES = (".zip", ".gz", ".7z", ".rar")
MACROS, LINKS = "vbaproject.bin", "xl/externallinks/"
HEAD = 65_536
FORMULA = re.compile(rb"<(\w+:)?f[ />]")
# What is in all that the pattern finds; to look for it takes a tenth of the time.
OF_FORMULAS = (b"<f>", b"<f ", b"<f/", b":f>", b":f ", b":f/")
RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"

TOO_LARGE = "The file holds far more than a workbook of ours would. Send the workbook that you were given, filled in."
NOT_READABLE = "The file cannot be read as a spreadsheet. Open it, save it as an Excel workbook (.xlsx), and send that."
OLD = "The file is protected by a password, or is of the old kind .xls. Save it as .xlsx, without a password."
WITH_MACROS = "The workbook holds macros. Save it as an Excel workbook without macros (.xlsx), and send that."
WITH_ARCHIVES = "The workbook holds packed files. Take them out, save it, and send it again."
WITH_LINKS = "The workbook is linked to other files. Break the links (Data, Edit links), save it, and send it again."
WITH_FORMULAS = "The sheet {} holds formulas. Copy it and paste it as values, save it, and send it again."
WITH_ENTITIES = "The file defines words of its own (entities), which no spreadsheet program does. It is not read."
TOO_LONG = "The sheet {} has more than 20,000 rows or 200 columns. Send it in parts."
NOT_TEXT = "The file is no text in UTF-8 or Windows-1252. Save it as CSV UTF-8, or as .xlsx."

Cells = list[list[Any]]


class Refused(Exception):
    """The file is not read, and why."""


def read(content: bytes, wanted: list[str]) -> dict[str, Cells]:
    """Return the rows of those sheets of a workbook that are wanted, or of a CSV file under the name of nothing.

    Raises:
        Refused: it cannot be read, or will not be.
    """
    if content.startswith(OF_OLD_FILES):
        raise Refused(OLD)
    if content.startswith(b"PK"):
        return _read_workbook(content, wanted)
    return {"": list(_read_csv(content))}


def _read_workbook(content: bytes, wanted: list[str]) -> dict[str, Cells]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _check_archive(archive)
            formulas = _sheets_with_formulas(archive)
        with python_calamine.load_workbook(io.BytesIO(content)) as book:
            found = {}
            for name in book.sheet_names:
                plain = name.strip().casefold()
                if plain in wanted:
                    if name in formulas:
                        raise Refused(WITH_FORMULAS.format(name))
                    found[plain] = _cells(book.get_sheet_by_name(name), name)
            return found
    except (python_calamine.CalamineError, zipfile.BadZipFile, KeyError, ElementTree.ParseError, EOFError, ValueError):
        raise Refused(NOT_READABLE) from None


def _check_archive(archive: zipfile.ZipFile) -> None:
    entries = archive.infolist()
    names = [entry.filename.lower() for entry in entries]
    whole = sum(entry.file_size for entry in entries)
    for reason, is_met in (
        (OLD, any(entry.flag_bits & ENCRYPTED for entry in entries)),
        (NOT_READABLE, "xl/workbook.xml" not in names),
        (WITH_MACROS, any(name.endswith(MACROS) for name in names)),
        (WITH_ARCHIVES, any(name.endswith(ARCHIVES) for name in names)),
        (WITH_LINKS, any(name.startswith(LINKS) for name in names)),
        (TOO_LARGE, len(entries) > MOST_PARTS or len(set(names)) < len(names) or whole > LARGEST_PART),
        (TOO_LARGE, any(_is_too_tight(entry) for entry in entries)),
    ):
        if is_met:
            raise Refused(reason)
    for entry in entries:
        if entry.filename.endswith((".xml", ".rels")) and _defines_entities(archive, entry):
            raise Refused(WITH_ENTITIES)


def _is_too_tight(entry: zipfile.ZipInfo) -> bool:
    return entry.file_size > TIGHT_FROM and entry.file_size > TIGHTEST * max(entry.compress_size, 1)


def _defines_entities(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bool:
    """Tell whether a part has a document type, which can stand before the first element only."""
    with archive.open(entry) as part:
        return b"<!" in part.read(HEAD).replace(b"<!--", b"")


def _sheets_with_formulas(archive: zipfile.ZipFile) -> set[str]:
    """Return the names of the sheets in which a cell is worked out from others."""
    relations = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))  # noqa: S314 It was looked through for entities.
    targets = {each.get("Id"): str(each.get("Target")) for each in relations}
    book = ElementTree.fromstring(archive.read("xl/workbook.xml"))  # noqa: S314 As above.
    found = set()
    for sheet in book.iter():
        target = targets.get(sheet.get(RELATION)) if sheet.tag.endswith("}sheet") else None
        if target is not None:
            path = target.removeprefix("/") if target.startswith("/") else f"xl/{target}"
            part = archive.read(path)
            if any(each in part for each in OF_FORMULAS) and FORMULA.search(part):
                found.add(str(sheet.get("name")))
    return found


def _cells(sheet: Any, name: str) -> Cells:
    if sheet.total_height > MOST_ROWS or sheet.total_width > MOST_COLUMNS:
        raise Refused(TOO_LONG.format(name))
    rows = sheet.to_python(skip_empty_area=False)
    # Most cells are numbers or empty.
    return [[cell if type(cell) is float else None if cell == "" else _plain(cell) for cell in row] for row in rows]


def _plain(cell: Any) -> Any:
    """Return a cell as JSON can say it: a date as {"date": …}, and what holds nothing but blanks as an empty one."""
    if isinstance(cell, str):
        return cell if cell and not cell.isspace() else None
    if isinstance(cell, datetime):
        return {"date": cell.date().isoformat()} if cell.time() == time() else cell.isoformat()
    if isinstance(cell, date):
        return {"date": cell.isoformat()}
    return str(cell) if isinstance(cell, time | timedelta) else cell


def _read_csv(content: bytes) -> Iterator[list[Any]]:
    text = _decoded(content)
    if "\x00" in text:
        raise Refused(NOT_READABLE)
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    try:
        for number, row in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)):
            if number > MOST_ROWS or len(row) > MOST_COLUMNS:
                raise Refused(TOO_LONG.format("of the CSV file"))
            yield [_plain(cell.removeprefix("'")) for cell in row]
    except csv.Error:
        raise Refused(NOT_READABLE) from None


def _decoded(content: bytes) -> str:
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Refused(NOT_TEXT)


def limit() -> None:
    """Take no more memory and time than a file of ours needs."""
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_DATA, (MOST_MEMORY, MOST_MEMORY))


def main() -> None:
    """Read standard input; the arguments are the names of the sheets that are wanted, in small letters."""
    limit()
    # All of it is wanted, and the process ends soon.
    gc.disable()
    try:
        said, code = orjson.dumps(read(sys.stdin.buffer.read(), sys.argv[1:])), 0
    except Refused as refused:
        said, code = str(refused).encode(), EXIT_REFUSED
    except MemoryError:
        said, code = TOO_LARGE.encode(), EXIT_REFUSED
    sys.stdout.buffer.write(said)
    sys.stdout.flush()
    sys.exit(code)


if __name__ == "__main__":
    main()
