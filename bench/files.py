"""Measuring files and feeds: tables out, a workbook back, and pages of the OData feed."""

import asyncio
import csv
import http.client
import io
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from statistics import median
from typing import Any

import orjson
import xlsxwriter
from openpyxl import load_workbook
from python_calamine import CalamineWorkbook

from bench.asking import statements_of
from bench.client import Answer
from bench.cores import SERVER_CORE, on_core
from bench.databases import bare
from bench.measure import Finding, duel, shown_seconds
from bench.reading import endless
from bench.stage import House, Stage

PART = 1 << 18
PAGE = 1000
MANY = 100_000_000
BOUNDARY = "----part"
# Each takes seconds, and few will do.
ROUNDS_OF_FILES = 3


@dataclass(frozen=True)
class Streamed:
    """How long a file took, to its first byte and in all, and how much memory the server took meanwhile."""

    first: float
    seconds: float
    megabytes: float
    body: bytes


async def table_as_csv(stage: Stage) -> list[Finding]:
    """Measure the CSV of all updates against the same statement by the bare driver, written by Python's csv module."""
    house = stage.full
    streamed: list[Streamed] = []

    async def served() -> float:
        streamed.append(await asyncio.to_thread(_stream, house, "/v1/updates?format=csv"))
        return streamed[-1].seconds

    found = await duel(served, lambda: _csv_seconds(house), ROUNDS_OF_FILES)
    plain = streamed[0]
    raw = f"{shown_seconds(found.thing)}; {shown_seconds(found.other)}"
    count = f"{stage.size.updates:,}"
    return [
        Finding(f"CSV of {count} updates", 2.0, found.quotient, raw, "× csv"),
        Finding("memory of the server while it writes that", 50, plain.megabytes, "above idle", "MB"),
        Finding("first byte of that", 0.1, plain.first / plain.seconds, shown_seconds(plain.first), "× all"),
    ]


async def _csv_seconds(house: House) -> float:
    """Return how long it takes to fetch the same rows by the bare driver and to write them."""
    sql, parameters = (await asyncio.to_thread(statements_of, house, f"/v1/updates?limit={PAGE}"))[-1]
    async with bare(house.url) as driver:
        with on_core(SERVER_CORE):
            started = time.perf_counter()
            rows = await driver.run(sql, [MANY if each == PAGE + 1 else each for each in parameters])
            csv.writer(io.StringIO()).writerows(rows)
            return time.perf_counter() - started


async def table_as_xlsx(stage: Stage) -> list[Finding]:
    """Measure the XLSX of all milestones against XlsxWriter with the same cells."""
    house = stage.full
    found = await asyncio.to_thread(_stream, house, "/v1/milestones?format=xlsx")
    path = stage.home.folder / "bare.xlsx"
    rows = await asyncio.to_thread(_cells_of, found.body)
    with on_core(SERVER_CORE):
        bare_seconds = await asyncio.to_thread(_xlsx_seconds, path, rows)
    path.unlink()
    raw = f"{shown_seconds(found.seconds)}; {shown_seconds(bare_seconds)}"
    count = f"{stage.size.milestones:,}"
    return [
        Finding(f"XLSX of {count} milestones", 1.5, found.seconds / bare_seconds, raw, "× XlsxWriter"),
        Finding("first byte of that", 0.1, found.first / found.seconds, shown_seconds(found.first), "× all"),
    ]


def _cells_of(content: bytes) -> list[list[Any]]:
    return cells_of_all(content)[0]


def cells_of_all(content: bytes) -> list[list[list[Any]]]:
    """Return the cells of every sheet of a workbook."""
    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    return [book.get_sheet_by_name(name).to_python() for name in book.sheet_names]


def _xlsx_seconds(path: Path, rows: Sequence[Sequence[Any]]) -> float:
    started = time.perf_counter()
    book = xlsxwriter.Workbook(str(path), {"constant_memory": True})
    sheet, dated = book.add_worksheet(), book.add_format({"num_format": "yyyy-mm-dd"})
    for number, row in enumerate(rows):
        for place, cell in enumerate(row):
            if isinstance(cell, str):
                if cell:
                    sheet.write_string(number, place, cell)
            elif isinstance(cell, bool):
                sheet.write_boolean(number, place, cell)
            elif isinstance(cell, date | datetime):
                sheet.write_datetime(number, place, cell, dated)
            else:
                sheet.write_number(number, place, cell)
    book.close()
    return time.perf_counter() - started


async def workbook_back(stage: Stage) -> list[Finding]:
    """Measure the preview and the applying of a workbook of the strategy that is asked about."""
    house = stage.alone
    workbook, paths = await _workbook(house), await _pages(house)
    parts: list[tuple[float, float]] = []

    async def previewed() -> float:
        return (await _preview(house, workbook)).seconds

    async def read_and_listed() -> float:
        read = await asyncio.to_thread(_read_seconds, workbook)
        listed = sum([(await house.caller.ask(house.caller.get(path))).seconds for path in paths])
        parts.append((read, listed))
        return read + listed

    async def applied() -> float:
        changed = await asyncio.to_thread(_with_other_titles, await _workbook(house))
        return (await _apply(house, await _preview(house, changed))).seconds

    preview = await duel(previewed, read_and_listed, stage.pace.rounds)
    applying = await duel(applied, lambda: _bare_changes(stage), ROUNDS_OF_FILES)
    read, listed = (median(each) for each in zip(*parts[1:], strict=True))
    told = f"{shown_seconds(preview.thing)}; reading {shown_seconds(read)}, list {shown_seconds(listed)}"
    done = f"{shown_seconds(applying.thing)}; bare {shown_seconds(applying.other)}"
    lines, changes = 2 * stage.size.first_milestones, stage.size.first_milestones
    return [
        Finding(f"preview of a workbook of {lines:,} lines", 2.0, preview.quotient, told, "× reading + list"),
        Finding(f"applying {changes:,} changed lines", 3.0, applying.quotient, done, "× bare"),
    ]


async def _workbook(house: House) -> bytes:
    return (await asyncio.to_thread(_stream, house, "/v1/strategies/1/workbook")).body


async def _pages(house: House) -> list[str]:
    paths, path = [], f"/v1/milestones?strategy_id=1&limit={PAGE}"
    while path:
        paths.append(path)
        path = orjson.loads((await house.caller.ask(house.caller.get(path))).body)["next"]
    return paths


def _read_seconds(workbook: bytes) -> float:
    with on_core(SERVER_CORE):
        started = time.perf_counter()
        book = CalamineWorkbook.from_filelike(io.BytesIO(workbook))
        for name in book.sheet_names:
            book.get_sheet_by_name(name).to_python()
        return time.perf_counter() - started


def _with_other_titles(workbook: bytes) -> bytes:
    """Return a workbook in which every milestone has another title."""
    book = load_workbook(io.BytesIO(workbook))
    sheet = book["Milestones"]
    heads = [str(cell.value) for cell in sheet[1]]
    place = next(number for number, head in enumerate(heads, 1) if head.lower() == "title")
    for row in range(2, sheet.max_row + 1):
        if sheet.cell(row, place).value:
            sheet.cell(row, place).value = f"{sheet.cell(row, place).value} again"
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


async def _preview(house: House, workbook: bytes) -> Answer:
    part = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="strategy_id"\r\n\r\n1\r\n--{BOUNDARY}\r\n'
        'Content-Disposition: form-data; name="file"; filename="plan.xlsx"\r\n\r\n'
    )
    body = part.encode() + workbook + f"\r\n--{BOUNDARY}--\r\n".encode()
    kind = f"multipart/form-data; boundary={BOUNDARY}"
    return await house.caller.ask(house.caller.post("/v1/imports", body, kind), 201)


async def _apply(house: House, preview: Answer) -> Answer:
    made = orjson.loads(preview.body)
    body = orjson.dumps({"sha256": made["sha256"], "accept": []})
    return await house.caller.ask(house.caller.post(f"/v1/imports/{made['id']}/apply", body))


async def _bare_changes(stage: Stage) -> float:
    """Return how long it takes to change as many rows by the bare driver, each kept as it was and logged."""
    async with bare(stage.alone.url) as driver:
        rows = await driver.run("SELECT id, version FROM milestone WHERE strategy_id = 1 ORDER BY id")
        columns = [each[0] for each in await driver.run(NAMES[stage.is_sqlite])]
        names, mark = ", ".join(columns), "?" if stage.is_sqlite else "$1"
        with on_core(SERVER_CORE):
            started = time.perf_counter()
            await driver.run("BEGIN")
            ((seq, at),) = await driver.run("SELECT max(seq) + 1, max(at) + 1 FROM stamp")
            await driver.insert_many("stamp", ("seq", "at"), [(seq, at)])
            keep = f"INSERT INTO milestone_history ({names}, to_seq) SELECT {names}, {seq} FROM milestone"  # noqa: S608 Our own names.
            change = f"UPDATE milestone SET title = title || '.', version = version + 1, from_seq = {seq}"  # noqa: S608 As above.
            for row_id, _ in rows:
                await driver.run(f"{keep} WHERE id = {mark}", [row_id])
                await driver.run(f"{change} WHERE id = {mark}", [row_id])
            logged = [
                (seq, number, "milestones", row_id, version + 1, "changed")
                for number, (row_id, version) in enumerate(rows)
            ]
            await driver.insert_many("change", ("seq", "position", "resource", "row_id", "version", "action"), logged)
            await driver.run("COMMIT")
            return time.perf_counter() - started


NAMES = {
    True: "SELECT name FROM pragma_table_info('milestone') ORDER BY cid",
    False: "SELECT attname FROM pg_attribute WHERE attrelid = 'milestone'::regclass AND attnum > 0 ORDER BY attnum",
}


async def feed_page(stage: Stage) -> list[Finding]:
    """Measure a page of the OData feed against the same page of the JSON list."""
    caller, pace = stage.full.caller, stage.pace

    async def rate(request: Callable[[], bytes]) -> float:
        return (await caller.rate(request, pace.seconds, 1)).per_second(200)

    feed = endless(caller.get("/odata/Milestones?$top=1000"))
    listed = endless(caller.get(f"/v1/milestones?limit={PAGE}"))
    found = await duel(lambda: rate(feed.__next__), lambda: rate(listed.__next__), pace.rounds)
    raw = f"{found.thing:,.1f}/s; {found.other:,.1f}/s"
    return [Finding(f"OData page of {PAGE:,} milestones", 0.7, found.quotient, raw, "× JSON list", is_least=True)]


def _stream(house: House, path: str) -> Streamed:
    """Get a file as it comes."""
    process = Path(f"/proc/{house.served.process_id}")
    idle = house.served.resident_megabytes
    # The highest mark of its memory starts afresh.
    (process / "clear_refs").write_text("5", encoding="ascii")
    connection = http.client.HTTPConnection("127.0.0.1", house.caller.port)
    started = time.perf_counter()
    connection.request("GET", path, headers={"Authorization": f"Bearer {house.caller.token}"})
    answer = connection.getresponse()
    parts = [answer.read(1)]
    first = time.perf_counter() - started
    while part := answer.read(PART):
        parts.append(part)
    seconds = time.perf_counter() - started
    assert answer.status == http.client.OK, parts[0]  # noqa: S101 A measurement of a refusal is none.
    status = (process / "status").read_text(encoding="utf-8")
    peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")) / 1024
    return Streamed(first, seconds, peak - idle, b"".join(parts))
