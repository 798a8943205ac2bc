"""Reading the documents: their blocks, their links, and the `curl` commands with the answers that stand below them."""

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
TAG = re.compile(r'"[0-9a-f]{24}"')
MORE = "…"
TAKES_A_VALUE = {"-H", "-X", "-d", "-u", "-o", "--data-urlencode"}


@dataclass(frozen=True)
class Exchange:
    """A `curl` command of a document, and the block below it that shows the answer: its language and its text."""

    command: str
    shown: tuple[str, str] | None


@dataclass
class Command:
    """What a `curl` command sends."""

    method: str = "GET"
    url: str = ""
    body: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    user: tuple[str, str] | None = None


def name_of(document: Path) -> str:
    """Return a document's path in the repository."""
    return document.relative_to(ROOT).as_posix()


def blocks(text: str) -> list[tuple[str, str]]:
    """Return the fenced blocks of a text, each with its language."""
    return [(found[1], found[2]) for found in BLOCK.finditer(text)]


def code_lines(text: str) -> Iterator[str]:
    """Yield everything that stands as code: the lines of blocks and what is between backticks."""
    for _, block in blocks(text):
        yield from block.replace("\\\n", " ").splitlines()
    yield from INLINE.findall(BLOCK.sub("", text))


def anchors(text: str) -> set[str]:
    """Return the anchors that the headings of a text make."""
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in HEADING.findall(BLOCK.sub("", text)))
    return {heading.replace(" ", "-") for heading in plain}


def exchanges(text: str) -> list[Exchange]:
    """Return the `curl` commands of a text in their order."""
    found: list[Exchange] = []
    held = [*blocks(text), ("", "")]
    for (language, block), following in zip(held, held[1:], strict=False):
        if language == "sh" and block.startswith("curl "):
            found.append(Exchange(block, following if following[0] in ("json", "http") else None))
    return found


def parse_curl(command: str, token: str) -> Command:
    """Return what a command sends, with the shell's variables filled in."""
    words = shlex.split(command.replace("\\\n", " ").replace("$TRACKER", "").replace("$TOKEN", token))
    sent, waiting = Command(), iter(words[1:])
    for word in waiting:
        if word not in TAKES_A_VALUE:
            sent.url = sent.url if word.startswith("-") else word
            continue
        value = next(waiting)
        if word == "-X":
            sent.method = value
        elif word == "-d":
            sent.body = value
        elif word == "--data-urlencode":
            # With -G, which stands before it, the value goes to the query.
            name, _, said = value.partition("=")
            sent.url += f"{'&' if '?' in sent.url else '?'}{name}={quote(said)}"
        elif word == "-u":
            name, _, password = value.partition(":")
            sent.user = (name, password)
        elif word == "-H":
            name, _, said = value.partition(":")
            sent.headers[name.strip().lower()] = said.strip()
    return sent


class Likeness:
    """What a document shows against what the service says, where instants and tags differ from run to run.

    Each of them stands for one real value throughout a document; `real` puts that into a command.
    """

    def __init__(self) -> None:
        self._real: dict[str, str] = {}

    def real(self, command: str) -> str:
        """Return a command with the instants and tags of this run."""
        for shown, real in self._real.items():
            command = command.replace(shown, real)
        return command

    def check(self, shown: Any, real: Any, place: str = "") -> None:
        """Fail unless everything that is shown is so; objects may be cut short, and lists that end in `…`."""
        if isinstance(shown, dict) and isinstance(real, dict):
            for name, value in shown.items():
                assert name in real, f"{place}/{name} is not there"
                self.check(value, real[name], f"{place}/{name}")
        elif isinstance(shown, list) and isinstance(real, list):
            wanted = shown[:-1] if shown[-1:] == [MORE] else shown
            assert len(wanted) == len(real) or (wanted != shown and len(wanted) < len(real)), f"{place}: {len(real)}"
            for position, (value, other) in enumerate(zip(wanted, real, strict=False)):
                self.check(value, other, f"{place}/{position}")
        elif isinstance(shown, str) and isinstance(real, str):
            self._check_text(shown, real, place)
        else:
            assert type(shown) is type(real), f"{place}: {real!r}"
            assert shown == real, f"{place}: {real!r}"

    def check_answer(self, shown: str, real: Any) -> None:
        """Fail unless an answer has the status, the headers and the body that are shown."""
        head, _, body = shown.partition("\n\n")
        status, *headers = head.splitlines()
        assert status.split()[1] == str(real.status_code), real.text
        for line in headers:
            name, _, value = line.partition(": ")
            self._check_text(value, real.headers[name], name)
        if body.strip():
            self.check(json.loads(body), real.json())

    def _check_text(self, shown: str, real: str, place: str) -> None:
        for pattern in (INSTANT, TAG):
            for one, other in zip(pattern.findall(shown), pattern.findall(real), strict=False):
                assert self._real.setdefault(one, other) == other, f"{place}: {one} stands for two values"
        expected = self.real(shown)
        if shown.endswith(MORE):
            assert real.startswith(expected.removesuffix(MORE)), f"{place}: {real}"
        else:
            assert real == expected, place
