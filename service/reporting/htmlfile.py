"""A paper as one HTML file, which prints well and needs nothing from outside."""

from collections.abc import Iterator
from html import escape

from service.reporting.blocks import Block, Bullets, Figure, Heading, Paper, Paragraph, Table, numbered

STYLE = """
:root { color: #0b0c0c; background: #fff; font: 100%/1.5 Arial, Helvetica, sans-serif; }
body { max-width: 50rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 .5rem; }
h2 { font-size: 1.5rem; margin: 2.5rem 0 .5rem; border-bottom: 2px solid #0b0c0c; }
h3 { font-size: 1.2rem; margin: 1.8rem 0 .3rem; }
h4 { font-size: 1rem; margin: 1.5rem 0 .2rem; }
.board { text-transform: uppercase; font-weight: bold; margin: 0 0 1rem; }
.about { margin: 0; color: #505a5f; }
p.numbered { padding-left: 2.5rem; text-indent: -2.5rem; }
p.numbered > b { display: inline-block; width: 2.5rem; text-indent: 0; font-weight: normal; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; margin: 1rem 0; font-size: .95rem; }
caption { text-align: left; font-weight: bold; padding-bottom: .3rem; }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem .35rem 0; border-bottom: 1px solid #b1b4b6; }
th[scope=row] { font-weight: normal; }
.number { text-align: right; white-space: nowrap; }
figure { margin: 1.5rem 0; }
figure svg { max-width: 100%; height: auto; }
figcaption { font-weight: bold; }
@media print {
  body { max-width: none; padding: 0; font-size: 10.5pt; }
  h2, h3, h4, caption { break-after: avoid; }
  tr, figure svg { break-inside: avoid; }
  thead { display: table-header-group; }
  .wide { overflow: visible; }
}
"""


def html_bytes(paper: Paper) -> bytes:
    """Return a paper as HTML."""
    return "\n".join(_lines(paper)).encode()


def _lines(paper: Paper) -> Iterator[str]:
    yield "<!DOCTYPE html>"
    yield '<html lang="en-GB">'
    yield f'<head><meta charset="utf-8"><title>{escape(paper.title)}</title>'
    yield f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head>'
    yield "<body><main>"
    yield f'<p class="board">{escape(paper.subtitle)}</p>'
    yield f"<h1>{escape(paper.title)}</h1>"
    for line in paper.about:
        yield f'<p class="about">{escape(line)}</p>'
    for block, number in numbered(paper):
        if isinstance(block, Paragraph) and number is not None:
            yield f'<p class="numbered"><b>{number}.</b>{escape(block.text)}</p>'
        else:
            yield from _block(block)
    yield "</main></body></html>"
    yield ""


def _block(block: Block) -> Iterator[str]:
    if isinstance(block, Heading):
        yield f"<h{block.level + 1}>{escape(block.text)}</h{block.level + 1}>"
    elif isinstance(block, Paragraph):
        yield f"<p>{escape(block.text)}</p>"
    elif isinstance(block, Bullets):
        yield "<ul>"
        yield from (f"<li>{escape(item)}</li>" for item in block.items)
        yield "</ul>"
    elif isinstance(block, Table):
        yield from _table(block)
    elif isinstance(block, Figure):
        yield f"<figure><figcaption>{escape(block.caption)}</figcaption>{block.svg}</figure>"
        yield from _table(block.data)


def _table(table: Table) -> Iterator[str]:
    # What is wider than a small screen can be moved there, by the keyboard too.
    label = escape(table.caption, quote=True)
    yield f'<div class="wide" role="region" tabindex="0" aria-label="{label}"><table>'
    yield f"<caption>{escape(table.caption)}</caption>"
    heads = (f'<th scope="col"{_kind(table, place)}>{escape(head)}</th>' for place, head in enumerate(table.head))
    yield f"<thead><tr>{''.join(heads)}</tr></thead>"
    yield "<tbody>"
    for first, *others in table.rows:
        cells = (f"<td{_kind(table, place)}>{escape(cell)}</td>" for place, cell in enumerate(others, 1))
        yield f'<tr><th scope="row">{escape(first)}</th>{"".join(cells)}</tr>'
    yield "</tbody></table></div>"


def _kind(table: Table, place: int) -> str:
    return ' class="number"' if place in table.numbers else ""
