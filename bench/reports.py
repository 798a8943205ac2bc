"""Measuring reports: all files of a large one, what it takes of the machine, and a round in which nothing is due."""

import asyncio
import io
import subprocess
import time
import zipfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

import orjson
import xlsxwriter
from docx import Document
from docx.shared import Cm

from bench.cores import SERVER_CORE, on_core
from bench.databases import TRACKER, environment
from bench.files import cells_of_all
from bench.measure import Finding, shown_seconds
from bench.stage import House, Stage
from service.automation.due import last_ended
from service.core import clock
from service.core.db import Database
from service.reporting.blocks import Bullets, Figure, Heading, Paper, Paragraph, Table
from service.reporting.folders import draft_of
from service.reporting.paper import write_paper
from service.reporting.pdffile import pdf_bytes, picture_bytes
from service.reporting.rules import Content
from service.reporting.service import content_of

LOOK_AGAIN_SECONDS = 0.02


async def files_of_a_report(stage: Stage) -> list[Finding]:
    """Measure all files of the draft of the last quarter against the libraries that write them, alone."""
    house = stage.alone
    body = {"strategy_id": 1, "quarter": last_ended(clock.today()).name}
    made = orjson.loads((await house.caller.ask(house.caller.post("/v1/reports", orjson.dumps(body)), 201)).body)
    where = f"/v1/reports/{made['id']}/files"

    async def ask(name: str) -> bytes:
        return (await house.caller.ask(house.caller.get(f"{where}/{name}"))).body

    async def others() -> float:
        return (await house.caller.rate(lambda: house.caller.get("/v1/milestones/1"), 2.0, 1)).per_second(200)

    undisturbed = await others()
    idle = _megabytes(house)
    started = time.perf_counter()
    asked = asyncio.create_task(ask("manifest.json"))
    disturbed, peak = await asyncio.gather(others(), _peak(house, asked))
    await asked
    seconds = time.perf_counter() - started
    # Another report, or the files would be those of before.
    await house.report()
    again = time.perf_counter()
    await ask("report.json")
    seconds = min(seconds, time.perf_counter() - again)
    workbook, archive = await ask("report.xlsx"), await ask("data.zip")
    content = await _content(house)
    # In a process of its own: Typst keeps what it has set, and would set it again in no time.
    with on_core(SERVER_CORE), ProcessPoolExecutor(1, get_context("spawn")) as apart:
        alone = await asyncio.wrap_future(apart.submit(_by_libraries, content, workbook, archive))
    total = sum(alone.values())
    raw = f"{shown_seconds(seconds)}; {', '.join(f'{name} {shown_seconds(each)}' for name, each in alone.items())}"
    told = f"{undisturbed:,.0f}/s before, {disturbed:,.0f}/s meanwhile"
    return [
        Finding(
            f"files of a report on {stage.size.first_milestones:,} milestones", 2.0, seconds / total, raw, "× libraries"
        ),
        Finding("memory of the largest process meanwhile", 300, peak, f"the server took {idle:.0f} MB before", "MB"),
        Finding("other requests meanwhile", 0.4, disturbed / undisturbed, told, "× undisturbed", is_least=True),
    ]


async def _content(house: House) -> Content:
    database = Database(house.url)
    row = draft_of(1, last_ended(clock.today()))
    content, _ = await database.snapshot(lambda connection: content_of(connection, row))
    await database.dispose()
    return content


def _by_libraries(content: Content, workbook: bytes, archive: bytes) -> dict[str, float]:
    """Return how long each library takes to write the same content, in the plainest way."""
    paper = write_paper(content)
    sheets = cells_of_all(workbook)
    found = {}
    for name, write in (
        ("Typst", lambda: pdf_bytes(paper, content["report"]["known_at"])),
        ("python-docx", lambda: _write_document(paper)),
        ("XlsxWriter", lambda: _write_workbook(sheets)),
        ("zip", lambda: _write_archive(archive)),
    ):
        started = time.perf_counter()
        write()
        found[name] = time.perf_counter() - started
    return found


def _write_document(paper: Paper) -> None:
    document = Document()
    document.add_heading(paper.title, 0)
    for block in paper.blocks:
        if isinstance(block, Heading):
            document.add_heading(block.text, block.level)
        elif isinstance(block, Paragraph):
            document.add_paragraph(block.text, "List Number" if block.is_numbered else None)
        elif isinstance(block, Bullets):
            for item in block.items:
                document.add_paragraph(item, "List Bullet")
        elif isinstance(block, Figure):
            document.add_picture(io.BytesIO(picture_bytes(block)), Cm(16))
            _write_table(document, block.data)
        else:
            _write_table(document, block)
    document.save(io.BytesIO())


def _write_table(document: Any, table: Table) -> None:
    document.add_paragraph(table.caption, "Caption")
    made = document.add_table(rows=0, cols=len(table.head), style="Light List")
    for row in (table.head, *table.rows):
        for cell, text in zip(made.add_row().cells, row, strict=True):
            cell.text = text


def _write_workbook(sheets: Sequence[Sequence[Sequence[Any]]]) -> None:
    book = xlsxwriter.Workbook(io.BytesIO(), {"in_memory": True})
    for rows in sheets:
        sheet = book.add_worksheet()
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
    book.close()


def _write_archive(archive: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(archive)) as held, zipfile.ZipFile(io.BytesIO(), "w") as made:
        for name in held.namelist():
            made.writestr(name, held.read(name))


def _megabytes(house: House) -> float:
    """Return the memory of a server or of the processes that it has started, whichever takes the most."""
    server = house.served.process_id
    children = Path(f"/proc/{server}/task/{server}/children").read_text(encoding="ascii").split()
    found = []
    for process in (str(server), *children):
        try:
            status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
        except FileNotFoundError:
            continue
        found += [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:")]
    return max(found) / 1024


async def _peak(house: House, until: "asyncio.Task[bytes]") -> float:
    peak = 0.0
    while not until.done():
        peak = max(peak, _megabytes(house))
        await asyncio.sleep(LOOK_AGAIN_SECONDS)
    return peak


async def nothing_due(stage: Stage) -> list[Finding]:
    """Measure `tracker run-due` with nothing due, beyond the start of the same command."""
    due = [await asyncio.to_thread(_seconds, stage) for _ in range(stage.pace.rounds)]
    start = [await asyncio.to_thread(_seconds, stage, "--help") for _ in range(stage.pace.rounds)]
    beyond = median(due) - median(start)
    raw = f"{shown_seconds(median(due))}; its start alone {shown_seconds(median(start))}"
    return [Finding("run-due with nothing due", 0.2, beyond, raw, "s")]


def _seconds(stage: Stage, *options: str) -> float:
    with on_core(SERVER_CORE):
        started = time.perf_counter()
        command, held = [TRACKER, "run-due", *options], environment(stage.alone.url)
        subprocess.run(command, env=held, check=True, capture_output=True)  # noqa: S603 Our own command.
        return time.perf_counter() - started
