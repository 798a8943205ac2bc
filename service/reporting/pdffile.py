"""A paper as PDF, tagged and accessible (PDF/UA-1), set by Typst; and charts as pictures for who takes no SVG."""

import json
import re
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from importlib.resources import files
from typing import Any

import typst

from service.reporting.blocks import Block, Bullets, Figure, Heading, Paper, Paragraph, Table, changed, numbered

PICTURE_DOTS = 192.0
BOX = "\N{WHITE SQUARE}"
HAS_BOXES = f"{BOX} stands for a character that this file cannot show; the Word document and the web page do"
# What the typesetter says of text that its fonts lack.
NOT_SHOWN, NOT_FOUND = "could not be displayed with font", "text with missing codepoints"
UNSHOWN = re.compile(rf'the text `"(.*?)"` {NOT_SHOWN}', re.DOTALL)
# These are always shown; they hold the markup of charts together.
PLAIN = frozenset({*map(chr, range(128)), BOX})
QUOTED = re.compile(r"\\u\{([0-9a-f]+)\}|\\(.)", re.DOTALL)
# It takes several files as a mapping, of which its types do not tell.
_compile: Any = typst.compile


def pdf_bytes(paper: Paper, made_at: datetime) -> bytes:
    """Return a paper as PDF. The texts go in as data, and are never read as markup.

    The standard has every character shown, and the fonts that come with the typesetter have those of Europe's
    languages, Hebrew and Arabic. A box stands for any other; the Word document and the page hold it.
    """
    missing: set[str] = set()
    while True:
        try:
            return _set(_boxed(paper, missing), made_at)
        except typst.TypstError as error:
            told = str(error.diagnostic)
            if NOT_SHOWN not in told and NOT_FOUND not in told:
                raise
            found = {letter for each in UNSHOWN.findall(told) for letter in _unquoted(each)} - missing - PLAIN
            # Where it does not say which they are, none but the plain ones are left.
            found = found or _letters(paper) - missing - PLAIN
            if not found:
                raise
            missing |= found


def _letters(paper: Paper) -> set[str]:
    found: set[str] = set()

    def note(text: str) -> str:
        found.update(text)
        return text

    changed(paper, note)
    return found


def _set(paper: Paper, made_at: datetime) -> bytes:
    charts = {f"{block.name}.svg": block.svg.encode() for block in paper.blocks if isinstance(block, Figure)}
    told = {
        "title": paper.title,
        "subtitle": paper.subtitle,
        "about": list(paper.about),
        "blocks": [_told(block, number) for block, number in numbered(paper)],
    }
    made: bytes = _compile(
        {"main.typ": _template(), "paper.json": json.dumps(told).encode(), **charts},
        format="pdf",
        ignore_system_fonts=True,
        pdf_standards=["ua-1"],
        timestamp=int(made_at.timestamp()),
    )
    return made


def _boxed(paper: Paper, missing: set[str]) -> Paper:
    """Return a paper with boxes in place of what cannot be shown, and a line that says so."""
    if not missing:
        return paper
    boxes = str.maketrans(dict.fromkeys(missing, BOX))
    boxed = changed(paper, lambda text: text.translate(boxes))
    return replace(boxed, about=(*boxed.about, HAS_BOXES))


def _unquoted(text: str) -> str:
    """Return what a message of the typesetter quotes, in the manner of Rust."""
    return QUOTED.sub(lambda found: chr(int(found[1], 16)) if found[1] else found[2], text)


def picture_bytes(figure: Figure) -> bytes:
    """Return a chart as PNG."""
    source = f'#set page(width: auto, height: auto, margin: 0pt)\n#image("{figure.name}.svg", alt: "chart")'
    made: bytes = _compile(
        {"main.typ": source.encode(), f"{figure.name}.svg": figure.svg.encode()},
        format="png",
        ppi=PICTURE_DOTS,
        ignore_system_fonts=True,
    )
    return made


@lru_cache
def _template() -> bytes:
    return files("service.reporting").joinpath("paper.typ").read_bytes()


def _told(block: Block, number: int | None) -> dict[str, Any]:
    if isinstance(block, Heading):
        return {"kind": "heading", "level": block.level, "text": block.text}
    if isinstance(block, Paragraph):
        return {"kind": "paragraph", "text": block.text, "number": number}
    if isinstance(block, Bullets):
        return {"kind": "bullets", "items": list(block.items)}
    if isinstance(block, Table):
        return _told_table(block)
    return {
        "kind": "figure",
        "name": block.name,
        "caption": block.caption,
        "words": block.words,
        "data": _told_table(block.data),
    }


def _told_table(table: Table) -> dict[str, Any]:
    return {
        "kind": "table",
        "caption": table.caption,
        "head": list(table.head),
        "rows": [list(row) for row in table.rows],
        "numbers": sorted(table.numbers),
        "wide": sorted(table.wide),
    }
