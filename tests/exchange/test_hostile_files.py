"""Files that were made to do harm: each is refused in words, within limits, and leaves nothing behind."""

import io
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from service.access.roles import Role
from service.exchange import reader
from tests.access.world import make_token
from tests.api.good_requests import form
from tests.conftest import Api
from tests.factories import all_rows
from tests.wire import Request, send_all

SHEET = "xl/worksheets/sheet1.xml"
ROWS = '<row r="1"><c r="A1" t="inlineStr"><is><t>Ref</t></is></c></row>'


def workbook(**parts: bytes) -> bytes:
    """Return a small workbook whose one sheet is called Priorities, with other parts in place of its own or beside."""
    book = openpyxl.Workbook()
    book.active.title = "Priorities"
    book.active.append(["Ref", "Title"])
    book.active.append(["drug-misuse", "Drug misuse"])
    made = io.BytesIO()
    book.save(made)
    changed = {name.replace("__", "/"): content for name, content in parts.items()}
    out = io.BytesIO()
    with zipfile.ZipFile(made) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, changed.pop(name) if name in changed else old.read(name))
        for name, content in changed.items():
            new.writestr(name, content)
    return out.getvalue()


def sheet(rows: str, before: str = "") -> bytes:
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    return f'<?xml version="1.0"?>{before}<worksheet xmlns="{space}"><sheetData>{rows}</sheetData></worksheet>'.encode()


def encrypted() -> bytes:
    """Return a workbook one of whose parts says that it is encrypted."""
    content = bytearray(workbook())
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = content.index(mark)
        struct.pack_into("<H", content, at + place, 1)
    return bytes(content)


def doubled() -> bytes:
    """Return a workbook with a part that is there twice."""
    out = io.BytesIO(workbook())
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(out, "a") as archive:
        archive.writestr(SHEET, sheet(ROWS))
    return out.getvalue()


LAUGHS = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;">]>'
OUTSIDE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
CELL = '<row r="{n}"><c r="A{n}" t="inlineStr"><is><t>x</t></is></c></row>'
HOSTILE: dict[str, Callable[[], bytes]] = {
    "a sheet of zeros": lambda: workbook(**{SHEET: sheet(" " * 50_000_000)}),
    "a part that is packed a thousand to one": lambda: workbook(**{"xl/media/a.bin": b"\0" * 5_000_000}),
    "a zip in a zip": lambda: workbook(**{"xl/a.zip": workbook(b=b"\0" * 20_000_000) * 40}),
    "more than all parts together may hold": lambda: workbook(
        **{f"p{n}": bytes(range(256)) * 40_000 for n in range(8)}
    ),
    "thousands of parts": lambda: workbook(**{f"p{n}": b"x" for n in range(3_000)}),
    "a part that is there twice": doubled,
    "entities that grow": lambda: workbook(**{SHEET: sheet(f"{ROWS}<row><c><v>&c;</v></c></row>", LAUGHS)}),
    "entities from elsewhere": lambda: workbook(**{SHEET: sheet(f"{ROWS}<row><c><v>&a;</v></c></row>", OUTSIDE)}),
    "entities in the styles": lambda: workbook(**{"xl/styles.xml": f"{LAUGHS}<styleSheet/>".encode()}),
    "a million rows": lambda: workbook(**{SHEET: sheet(ROWS + CELL.format(n=1_048_576))}),
    "many rows": lambda: workbook(**{SHEET: sheet(ROWS + "".join(CELL.format(n=n) for n in range(2, 300_000)))}),
    "thousands of columns": lambda: workbook(**{SHEET: sheet('<row r="1"><c r="XFD1"><v>1</v></c></row>')}),
    "formulas": lambda: workbook(**{SHEET: sheet(f'{ROWS}<row r="2"><c r="A2"><f>1+1</f><v>2</v></c></row>')}),
    "macros": lambda: workbook(**{"xl/vbaProject.bin": b"x"}),
    "links to other files": lambda: workbook(**{"xl/externalLinks/externalLink1.xml": b"<x/>"}),
    "a password": encrypted,
    "an old workbook": lambda: bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 5000,
    "half a workbook": lambda: workbook()[: len(workbook()) // 2],
    "a workbook without its end": lambda: workbook()[:-30],
    "broken XML": lambda: workbook(**{SHEET: b"<worksheet><sheetData><row>"}),
    "no workbook in it": lambda: _zip({"a.txt": b"x"}),
    "a picture": lambda: b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 50,
    "a page": lambda: b"<html><body>Ref</body></html>",
    "no text": lambda: b"ref,title\n\x00\x01,\x00",
    "quotes without an end": lambda: b'ref,title\n"a,b\n' * 3,
    "a CSV of very many lines": lambda: b"ref,position\n" + b"a,1\n" * 300_000,
    "a CSV of very many columns": lambda: b"ref,position" + b",x" * 5_000,
    "one very long field": lambda: b'ref,position\n"' + b"a" * 5_000_000,
    "paths that lead out": lambda: _zip({"../../x": b"x", "xl/workbook.xml": b"<x/>"}),
}


def _zip(parts: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return {name: make() for name, make in HOSTILE.items()}


def post(token: str, content: bytes, name: str = "plan.xlsx") -> Request:
    kind, body = form(file=(name, content), strategy_id="1")
    return Request(
        "POST", "/v1/imports", headers={"authorization": f"Bearer {token}".encode(), "content-type": kind}, body=body
    )


@pytest.mark.parametrize("name", HOSTILE)
def test_it_is_refused_in_words_and_leaves_nothing(
    served: Api, shared_url: str, files: dict[str, bytes], name: str
) -> None:
    token = make_token(served, 1, Role.MANAGER)
    assert served.token()
    before = all_rows(shared_url)
    (answer,) = send_all(served, [post(token, files[name])])
    assert answer.status in {413, 422}, answer.body
    (fault, *_) = answer.json()["errors"] or [{"pointer": "/file", "detail": answer.json()["detail"]}]
    assert fault["pointer"] in {"/file", "/sheet"}
    assert fault["detail"].endswith(".")
    assert all_rows(shared_url) == before


@pytest.mark.parametrize("name", HOSTILE)
def test_the_reader_stays_within_its_limits(files: dict[str, bytes], name: str, tmp_path: Path) -> None:
    """Measured from outside: the time on the processor, and the memory beyond what reading nothing takes."""
    used, idle = (_usage(content, tmp_path) for content in (files[name], b"ref\na\n"))
    assert used[0] - idle[0] <= reader.MOST_SECONDS + 0.5
    assert used[1] - idle[1] <= 100 * 1024


def _usage(content: bytes, folder: Path) -> tuple[float, int]:
    """Return seconds of processor time and kibibytes of memory at most."""
    path = folder / "content"
    path.write_bytes(content)
    measure = (
        "import resource, subprocess, sys\n"
        f"subprocess.run([sys.executable, '-I', {reader.__file__!r}, 'priorities'], stdin=open({str(path)!r}, 'rb'),"
        " stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)\n"
        "used = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        "print(used.ru_utime + used.ru_stime, used.ru_maxrss)\n"
    )
    said = subprocess.run([sys.executable, "-c", measure], capture_output=True, text=True, check=True).stdout  # noqa: S603 The script is that above.
    seconds, memory = said.split()
    return float(seconds), int(memory)


def test_a_file_over_the_limit_is_refused_before_it_is_read(served: Api) -> None:
    token = make_token(served, 1, Role.MANAGER)
    (answer,) = send_all(served, [post(token, b"a" * 10_000_001)])
    assert answer.status == 413


@pytest.mark.parametrize(
    ("parts", "pointer"),
    [
        ({"strategy_id": "1"}, "/file"),
        ({"file": ("a", b"ref\na")}, "/strategy_id"),
        ({"file": ("a", b"ref\na"), "strategy_id": "x"}, "/strategy_id"),
        ({"file": ("a", b"ref\na"), "strategy_id": "0"}, "/strategy_id"),
        ({"file": ("a", b"ref\na"), "strategy_id": "9" * 30}, "/strategy_id"),
        ({"file": ("a", b"ref\na"), "strategy_id": "1", "sheet": "Nothing"}, "/sheet"),
        ({"file": ("a", b"ref\na"), "strategy_id": "1", "other": "x"}, "/other"),
        ({"file": ("a", b""), "strategy_id": "1"}, "/file"),
        ({"file": "no file", "strategy_id": "1"}, "/file"),
        ({"file": ("a", b"ref\na"), "strategy_id": "999"}, "/strategy_id"),
    ],
)
def test_every_part_of_the_form_is_checked(served: Api, parts: dict[str, Any], pointer: str) -> None:
    kind, body = form(**parts)
    request = Request("POST", "/v1/imports", headers={"content-type": kind}, body=body)
    (answer,) = send_all(served, [request])
    assert answer.status == 422
    assert pointer in {fault["pointer"] for fault in answer.json()["errors"]}


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        (b"application/json", b"{}", 415),
        (b"multipart/form-data", b"x", 400),
        (b"multipart/form-data; boundary=edge", b"", 400),
        (b"multipart/form-data; boundary=edge", b"--other\r\n\r\nx", 400),
        (b"multipart/form-data; boundary=edge", b"--edge\r\nContent-Disposition: form-data\r\n\r\nx\r\n--edge--", 400),
        (b"multipart/form-data; boundary=" + b"e" * 5000, b"--e", 400),
        (b"multipart/form-data; boundary=edge", form(file=("a", b"x"), a="1", b="2", c="3", d="4")[1], 400),
    ],
)
def test_what_is_no_form_is_refused(served: Api, kind: bytes, body: bytes, status: int) -> None:
    request = Request("POST", "/v1/imports", headers={"content-type": kind}, body=body)
    (answer,) = send_all(served, [request])
    assert answer.status in {status, 422}, answer.body
    assert answer.headers["content-type"] == "application/problem+json"
