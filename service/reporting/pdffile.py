"""A paper as PDF, tagged and accessible (PDF/UA-1), set by Typst; and charts as pictures for who takes no SVG."""

import json
from datetime import datetime
from functools import lru_cache
from importlib.resources import files
from typing import Any

import typst

from service.reporting.blocks import Block, Bullets, Figure, Heading, Paper, Paragraph, Table

PICTURE_DOTS = 192.0
# It takes several files as a mapping, of which its types do not tell.
_compile: Any = typst.compile


def pdf_bytes(paper: Paper, made_at: datetime) -> bytes:
    """Return a paper as PDF. The texts go in as data, and are never read as markup."""
    charts = {f"{block.name}.svg": block.svg.encode() for block in paper.blocks if isinstance(block, Figure)}
    told = {
        "title": paper.title,
        "subtitle": paper.subtitle,
        "about": list(paper.about),
        "blocks": [_told(block) for block in paper.blocks],
    }
    made: bytes = _compile(
        {"main.typ": _template(), "paper.json": json.dumps(told).encode(), **charts},
        format="pdf",
        ignore_system_fonts=True,
        pdf_standards=["ua-1"],
        timestamp=int(made_at.timestamp()),
    )
    return made


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


def _told(block: Block) -> dict[str, Any]:
    if isinstance(block, Heading):
        return {"kind": "heading", "level": block.level, "text": block.text}
    if isinstance(block, Paragraph):
        return {"kind": "paragraph", "text": block.text, "numbered": block.is_numbered}
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
