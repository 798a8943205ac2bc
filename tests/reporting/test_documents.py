"""The files of a report, looked at by other people's programs: structure, tags, alternatives, and that they open."""

import csv
import io
import json
import re
import shutil
import subprocess
import zipfile
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import html5lib
import openpyxl
import pikepdf
import pytest
from docx import Document
from docx.oxml.ns import qn

from tests.conftest import SAMPLE, load_file, run_once, serving
from tests.factories import published_report

ROOT = Path(__file__).parents[2]
AXE = ROOT / ".ci" / "axe" / "node_modules" / "axe-core" / "axe.min.js"
CHROMIUM, SOFFICE, PDFTOPPM = (shutil.which(name) for name in ("chromium", "soffice", "pdftoppm"))
WRITER = Path("/usr/lib/libreoffice/program/libswlo.so")
HOW = "run .ci/programs, which installs it"
CHARTS = 3
FILES = ("report.docx", "report.pdf", "report.html", "report.xlsx", "report.json", "data.zip")


@pytest.fixture(scope="module")
def files(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of the report on the sample plan: the other database gives the same, see test_reports."""
    path = tmp_path_factory.mktemp("documents") / "tracker.db"
    shutil.copy(sqlite_template, path)
    run_once(f"sqlite:///{path}", lambda connection: load_file(connection, SAMPLE.read_bytes()))
    with contextmanager(serving)(f"sqlite:///{path}") as api:
        published_report(api, 1)
        return {name: api.get(f"/v1/reports/1/files/{name}").content for name in FILES}


@pytest.fixture
def page(files: dict[str, bytes]) -> Any:
    """The page, read by a parser that takes nothing but what the standard has."""
    return html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(files["report.html"])


class TestPage:
    """The page for browsers."""

    def test_headings_go_down_one_level_at_a_time(self, page: Any) -> None:
        levels = [int(each.tag[1]) for each in page.iter() if re.fullmatch("h[1-6]", str(each.tag))]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(after <= before + 1 for before, after in pairwise(levels))

    def test_tables_have_captions_and_headers(self, page: Any) -> None:
        tables = list(page.iter("table"))
        assert len(tables) > CHARTS
        for table in tables:
            assert table.find("caption").text
            assert [each.get("scope") for each in table.find("thead").iter("th")].count("col") >= 2
            assert all(row[0].get("scope") == "row" for row in table.find("tbody").iter("tr"))

    def test_charts_are_told_in_words_and_have_their_data_beside_them(self, page: Any) -> None:
        figures = list(page.iter("figure"))
        assert len(figures) == CHARTS
        for figure in figures:
            (drawing,) = (each for each in figure.iter() if str(each.tag).endswith("svg"))
            named = {each.get("id"): "".join(each.itertext()) for each in drawing.iter() if each.get("id")}
            told = [named[each] for each in drawing.get("aria-labelledby").split()]
            assert drawing.get("role") == "img"
            assert all(told)

    def test_ids_are_given_once_and_nothing_comes_from_outside(self, page: Any, files: dict[str, bytes]) -> None:
        ids = [each.get("id") for each in page.iter() if each.get("id")]
        assert len(ids) == len(set(ids))
        assert not re.search(rb"(src|href)=|url\(|@import|<script|<link|<iframe", files["report.html"])

    @pytest.mark.skipif(CHROMIUM is None or not AXE.is_file(), reason=f"It takes Chromium and axe: {HOW}")
    @pytest.mark.parametrize("width", [320, 1280])
    def test_nothing_keeps_people_from_reading_it(self, files: dict[str, bytes], tmp_path: Path, width: int) -> None:
        look = (
            f"<script>{AXE.read_text()}</script><script>axe.run({{reporter: 'v2'}}).then(found => "
            "{ document.body.innerHTML = ''; const told = document.createElement('pre'); told.id = 'found';"
            "told.textContent = JSON.stringify({broken: found.violations.map(each => [each.id, "
            "each.nodes.slice(0, 3).map(node => node.html)]), passed: found.passes.length});"
            "document.body.append(told); });</script>"
        )
        place = tmp_path / "page.html"
        place.write_text(files["report.html"].decode().replace("</body>", f"{look}</body>"))
        command = [
            *(str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"),
            *("--disable-background-networking", "--disable-component-update", f"--user-data-dir={tmp_path / 'user'}"),
            *(f"--window-size={width},900", "--virtual-time-budget=60000", "--dump-dom", place.as_uri()),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 The arguments are those above.
        shown = html5lib.parse(done.stdout, namespaceHTMLElements=False)
        (told,) = (each for each in shown.iter("pre") if each.get("id") == "found")
        found = json.loads("".join(told.itertext()))
        assert found["broken"] == []
        assert found["passed"] > 20


class TestPdf:
    """The PDF."""

    @pytest.fixture
    def pdf(self, files: dict[str, bytes]) -> pikepdf.Pdf:
        return pikepdf.open(io.BytesIO(files["report.pdf"]))

    def test_it_says_that_it_is_accessible_and_in_which_language(self, pdf: pikepdf.Pdf) -> None:
        root = pdf.Root
        assert bool(root.MarkInfo.Marked)
        assert str(root.Lang) == "en-GB"
        assert bool(root.ViewerPreferences.DisplayDocTitle)
        with pdf.open_metadata() as about:
            assert about["pdfuaid:part"] == "1"
            assert "Joint priorities" in about["dc:title"] or about["dc:title"]

    def test_its_tags_are_those_of_the_paper(self, pdf: pikepdf.Pdf, page: Any) -> None:
        tags = list(_tags(pdf.Root.StructTreeRoot.K))
        count = {name: sum(f"/{name}" == tag.S for tag in tags) for name in ("H1", "H2", "H3", "Table", "Figure", "TH")}
        assert count["Table"] == len(list(page.iter("table")))
        assert count["Figure"] == CHARTS
        assert count["TH"] >= 2 * count["Table"]
        headings = [int(str(tag.S)[2:]) for tag in tags if re.fullmatch("/H[1-6]", str(tag.S))]
        assert headings[0] == 1
        assert all(after <= before + 1 for before, after in pairwise(headings))
        assert all(str(tag.Alt) for tag in tags if tag.S == "/Figure")

    def test_every_font_is_in_it(self, pdf: pikepdf.Pdf) -> None:
        fonts = [
            each
            for each in pdf.objects
            if isinstance(each, pikepdf.Dictionary) and each.get("/Type") == "/FontDescriptor"
        ]
        assert fonts
        assert all(any(name in font for name in ("/FontFile", "/FontFile2", "/FontFile3")) for font in fonts)

    @pytest.mark.skipif(PDFTOPPM is None, reason=f"It takes pdftoppm: {HOW}")
    def test_every_page_can_be_drawn(self, files: dict[str, bytes], pdf: pikepdf.Pdf, tmp_path: Path) -> None:
        (tmp_path / "report.pdf").write_bytes(files["report.pdf"])
        command = [str(PDFTOPPM), "-r", "30", "-gray", str(tmp_path / "report.pdf"), str(tmp_path / "page")]
        done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 The arguments are those above.
        assert done.stderr == ""
        drawn = sorted(tmp_path.glob("page-*.pgm"))
        assert len(drawn) == len(pdf.pages)
        assert all(min(each.read_bytes()[-1000 * 100 :]) < 128 for each in drawn)


def _tags(element: Any) -> Any:
    """Yield the tags of a PDF in the order in which they are read."""
    if isinstance(element, pikepdf.Array):
        for each in element:
            yield from _tags(each)
    elif isinstance(element, pikepdf.Dictionary):
        if "/S" in element:
            yield element
        if "/K" in element:
            yield from _tags(element.K)


class TestWord:
    """The Word document."""

    def test_it_has_headings_headers_of_tables_and_words_for_pictures(self, files: dict[str, bytes], page: Any) -> None:
        document = Document(io.BytesIO(files["report.docx"]))
        names = [each.style.name for each in document.paragraphs if each.style is not None]
        levels = [int(name.removeprefix("Heading ")) for name in names if name.startswith("Heading ")]
        assert names.count("Title") == 1
        assert levels[0] == 1
        assert all(after <= before + 1 for before, after in pairwise(levels))
        assert len(levels) == sum(1 for each in page.iter() if re.fullmatch("h[2-6]", str(each.tag)))
        assert len(document.tables) == len(list(page.iter("table")))
        for table in document.tables:
            assert list(table.rows[0]._tr.iter(qn("w:tblHeader")))
        pictures = list(document.element.body.iter(qn("wp:docPr")))
        assert len(pictures) == CHARTS
        assert all(each.get("descr") for each in pictures)

    @pytest.mark.skipif(SOFFICE is None or not WRITER.exists(), reason=f"It takes LibreOffice Writer: {HOW}")
    def test_libreoffice_opens_it_and_finds_all_of_it(self, files: dict[str, bytes], tmp_path: Path) -> None:
        (tmp_path / "report.docx").write_bytes(files["report.docx"])
        profile = f"-env:UserInstallation=file://{tmp_path}/profile"
        command = [str(SOFFICE), "--headless", profile, "--convert-to", "pdf", "--outdir", str(tmp_path)]
        subprocess.run([*command, str(tmp_path / "report.docx")], check=True, capture_output=True)  # noqa: S603 The arguments are those above.
        with pikepdf.open(tmp_path / "report.pdf") as drawn:
            assert len(drawn.pages) > 3


class TestTables:
    """The workbook and the archive."""

    def test_each_sheet_is_one_table_with_its_heads_in_sight(self, files: dict[str, bytes]) -> None:
        book = openpyxl.load_workbook(io.BytesIO(files["report.xlsx"]))
        assert len(book.worksheets) >= 8
        for sheet in book.worksheets:
            (table,) = sheet.tables.values()
            assert table.ref.startswith("A1:")
            assert sheet.freeze_panes == "A2"
            assert not sheet.merged_cells.ranges

    def test_each_file_of_the_archive_is_as_its_description_says(self, files: dict[str, bytes]) -> None:
        book = openpyxl.load_workbook(io.BytesIO(files["report.xlsx"]))
        with zipfile.ZipFile(io.BytesIO(files["data.zip"])) as archive:
            assert archive.testzip() is None
            names = [name for name in archive.namelist() if name.endswith(".csv")]
            assert [name.removesuffix(".csv").capitalize() for name in names] == book.sheetnames
            for name in names:
                rows = list(csv.reader(io.StringIO(archive.read(name).decode(), newline="")))
                said = json.loads(archive.read(f"{name}-metadata.json"))
                assert said["url"] == name
                assert [each["name"] for each in said["tableSchema"]["columns"]] == rows[0]
                assert {len(row) for row in rows} == {len(rows[0])}
                assert len(rows) == book[name.removesuffix(".csv").capitalize()].max_row or len(rows) == 1
