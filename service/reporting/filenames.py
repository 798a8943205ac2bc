"""The files of a report by their names, and what proves them."""

import hashlib
from enum import StrEnum


class FileName(StrEnum):
    """The files of a report."""

    DOCX = "report.docx"
    PDF = "report.pdf"
    HTML = "report.html"
    XLSX = "report.xlsx"
    JSON = "report.json"
    ZIP = "data.zip"
    MANIFEST = "manifest.json"


MEDIA_TYPES: dict[str, str] = {
    FileName.DOCX: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    FileName.PDF: "application/pdf",
    FileName.HTML: "text/html; charset=utf-8",
    FileName.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    FileName.JSON: "application/json",
    FileName.ZIP: "application/zip",
    FileName.MANIFEST: "application/json",
}


def digest(content: bytes) -> str:
    """Return the SHA-256 of a file, in hex."""
    return hashlib.sha256(content).hexdigest()
