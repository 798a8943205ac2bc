"""What a paper is made of, whatever it is written as: headings, paragraphs, lists, tables and figures. Pure."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any

# A text of more letters than this takes more than one line of a column.
LONG = 24


@dataclass(frozen=True)
class Heading:
    """A heading; 1 is the highest level below the title."""

    level: int
    text: str


@dataclass(frozen=True)
class Paragraph:
    """A paragraph. Those of a board paper are numbered, so that a meeting can name them."""

    text: str
    is_numbered: bool = True


@dataclass(frozen=True)
class Bullets:
    """A list of short texts."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A table with one row of headings; the first column names each row."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: frozenset[int] = frozenset()
    """The columns that hold numbers, and stand to the right."""

    @property
    def wide(self) -> frozenset[int]:
        """The columns whose texts are long, and share the room that the others leave."""
        lengths = {place: max(len(row[place]) for row in (self.head, *self.rows)) for place in range(len(self.head))}
        return frozenset(place for place, length in lengths.items() if length > LONG) or frozenset({0})


@dataclass(frozen=True)
class Figure:
    """A chart as SVG, what it shows in words, and its data as a table."""

    name: str
    caption: str
    words: str
    svg: str
    data: Table


Block = Heading | Paragraph | Bullets | Table | Figure


@dataclass(frozen=True)
class Paper:
    """A whole paper: its title, what stands below that, and the rest block by block."""

    title: str
    subtitle: str
    about: tuple[str, ...]
    blocks: tuple[Block, ...] = field(default=())


def numbered(paper: Paper) -> Iterator[tuple[Block, int | None]]:
    """Yield the blocks of a paper, each with the number that it bears, if any."""
    number = 0
    for block in paper.blocks:
        bears = isinstance(block, Paragraph) and block.is_numbered
        number += bears
        yield block, number if bears else None


def changed(paper: Paper, change: Callable[[str], str]) -> Paper:
    """Return a paper with every text in it changed in the same way."""
    found: Paper = _changed(paper, change)
    return found


def _changed(part: Any, change: Callable[[str], str]) -> Any:
    if isinstance(part, str):
        return change(part)
    if isinstance(part, tuple):
        return tuple(_changed(each, change) for each in part)
    if is_dataclass(part) and not isinstance(part, type):
        return replace(part, **{each.name: _changed(getattr(part, each.name), change) for each in fields(part)})
    return part
