"""The files of a report, all of them from its content alone: the same content gives the same bytes."""

from importlib.metadata import version
from typing import Any

from service.core.answers import to_json
from service.progress.rules import RULES_VERSION
from service.reporting.docxfile import docx_bytes
from service.reporting.filenames import FileName, digest
from service.reporting.htmlfile import html_bytes
from service.reporting.paper import write_paper
from service.reporting.pdffile import pdf_bytes
from service.reporting.rules import Content
from service.reporting.subjects import xlsx_bytes, zip_bytes

# Whose versions a byte of a file can rest on.
LIBRARIES = ("typst", "python-docx", "xlsxwriter")


def render(content: Content, position: int) -> dict[str, bytes]:
    """Return the files of a report by their names; `position` is where the change feed stood at its instant.

    The manifest names every other file with its SHA-256, and what made them.
    """
    paper, made_at = write_paper(content), content["report"]["known_at"]
    files = {
        FileName.DOCX.value: docx_bytes(paper, made_at),
        FileName.PDF.value: pdf_bytes(paper, made_at),
        FileName.HTML.value: html_bytes(paper),
        FileName.XLSX.value: xlsx_bytes(content, paper.title, made_at),
        FileName.JSON.value: to_json(content),
        FileName.ZIP.value: zip_bytes(content),
    }
    files[FileName.MANIFEST.value] = to_json(_manifest(content, position, files))
    return files


def _manifest(content: Content, position: int, files: dict[str, bytes]) -> dict[str, Any]:
    report = content["report"]
    return {
        "format": "tracker-report-manifest",
        "format_version": 1,
        **{name: report[name] for name in ("ref", "quarter", "edition", "as_at", "known_at")},
        "strategy": report["strategy"]["ref"],
        "rules_version": RULES_VERSION,
        "feed_position": position,
        "libraries": {name: version(name) for name in LIBRARIES},
        "files": [{"name": name, "bytes": len(held), "sha256": digest(held)} for name, held in files.items()],
    }
