"""A paper as a Word document that a committee clerk can edit: real headings, numbers, and headers of tables."""

import io
from datetime import datetime

from docx import Document
from docx.document import Document as WordDocument
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt, RGBColor
from docx.table import _Row

from service.reporting.archive import repacked
from service.reporting.blocks import Block, Bullets, Figure, Heading, Paper, Paragraph, Table
from service.reporting.pdffile import picture_bytes

BRITISH = "en-GB"
LONGEST_PROPERTY = 255
TEXT_WIDTH = Cm(16.5)
FONT = "Arial"
BLACK = RGBColor(0x0B, 0x0C, 0x0C)


def docx_bytes(paper: Paper, made_at: datetime) -> bytes:
    """Return a paper as a Word document."""
    document = Document()
    _set_up(document, paper, made_at)
    document.add_paragraph(paper.subtitle.upper()).runs[0].bold = True
    document.add_heading(paper.title, 0)
    for line in paper.about:
        document.add_paragraph(line)
    for block in paper.blocks:
        _add(document, block)
    made = io.BytesIO()
    document.save(made)
    return repacked(made.getvalue())


def _set_up(document: WordDocument, paper: Paper, made_at: datetime) -> None:
    about = document.core_properties
    about.title, about.subject = paper.title[:LONGEST_PROPERTY], paper.subtitle[:LONGEST_PROPERTY]
    about.author, about.comments = "", ""
    about.language, about.created, about.modified = BRITISH, made_at, made_at
    about.last_modified_by, about.revision = "", 1
    section = document.sections[0]
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    section.left_margin = section.right_margin = Cm(2.25)
    section.top_margin = section.bottom_margin = Cm(2.2)
    for name in ("Normal", "Title", "Heading 1", "Heading 2", "Heading 3", "Caption"):
        style = document.styles[name]
        style.font.name, style.font.color.rgb = FONT, BLACK
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        for kind in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
            fonts.attrib.pop(qn(f"w:{kind}"), None)
        for kind in ("ascii", "hAnsi", "cs", "eastAsia"):
            fonts.set(qn(f"w:{kind}"), FONT)
    document.styles["Normal"].font.size = Pt(11)
    document.styles["Title"].font.size = Pt(20)
    document.styles["Caption"].font.size, document.styles["Caption"].font.bold = Pt(10), True
    language = OxmlElement("w:lang")
    language.set(qn("w:val"), BRITISH)
    document.styles["Normal"].element.get_or_add_rPr().append(language)


def _add(document: WordDocument, block: Block) -> None:
    if isinstance(block, Heading):
        document.add_heading(block.text, block.level)
    elif isinstance(block, Paragraph):
        document.add_paragraph(block.text, "List Number" if block.is_numbered else None)
    elif isinstance(block, Bullets):
        for item in block.items:
            document.add_paragraph(item, "List Bullet")
    elif isinstance(block, Table):
        _add_table(document, block)
    elif isinstance(block, Figure):
        _add_figure(document, block)


def _add_figure(document: WordDocument, figure: Figure) -> None:
    document.add_paragraph(figure.caption, "Caption").paragraph_format.keep_with_next = True
    picture = document.add_picture(io.BytesIO(picture_bytes(figure)), TEXT_WIDTH)
    named = picture._inline.docPr
    named.set("name", figure.name)
    named.set("descr", figure.words)
    _add_table(document, figure.data)


def _add_table(document: WordDocument, table: Table) -> None:
    document.add_paragraph(table.caption, "Caption").paragraph_format.keep_with_next = True
    made = document.add_table(rows=1, cols=len(table.head), style="Light List")
    made.autofit = True
    described = OxmlElement("w:tblCaption")
    described.set(qn("w:val"), table.caption)
    made._tbl.tblPr.append(described)
    _fill(made.rows[0], table.head, table)
    _mark_as_header(made.rows[0])
    for row in table.rows:
        _fill(made.add_row(), row, table)
    document.add_paragraph().paragraph_format.space_after = Pt(4)


def _fill(row: _Row, texts: tuple[str, ...], table: Table) -> None:
    for place, (cell, text) in enumerate(zip(row.cells, texts, strict=True)):
        paragraph = cell.paragraphs[0]
        paragraph.add_run(text).font.size = Pt(9.5)
        paragraph.paragraph_format.space_after = Pt(2)
        if place in table.numbers:
            paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    whole = OxmlElement("w:cantSplit")
    row._tr.get_or_add_trPr().append(whole)


def _mark_as_header(row: _Row) -> None:
    """Say that a row is the header, which is repeated on each page and read out with each cell."""
    row._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))
