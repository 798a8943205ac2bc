"""Files from outside: read in a process of its own, which is given little memory and time."""

import asyncio
import hashlib
import subprocess
import sys
from dataclasses import dataclass

import orjson

from service.core.errors import Fault, Invalid
from service.exchange import reader
from service.exchange.lines import FILE, Line, lines_of
from service.exchange.sheets import SHEETS

# Beside the limit on its own time: on a machine with much to do it takes longer.
LONGEST_SECONDS = 20
AT_ONCE = 2
LONGEST_NAME = 300
COMMAND = (sys.executable, "-I", reader.__file__, *(sheet.name.casefold() for sheet in SHEETS))
_turns = asyncio.Semaphore(AT_ONCE)


@dataclass(frozen=True)
class Sent:
    """A file that was sent in, read."""

    name: str
    sha256: str
    sheet: str | None
    """Which sheet a CSV file is, where that was said."""
    grids: bytes
    """The cells of its sheets: `Grids` as JSON."""
    lines: list[Line]


async def read_sent(name: str, content: bytes, sheet: str | None) -> Sent:
    """Return what a file holds.

    Raises:
        Invalid: the file is not read, and why, or its sheets cannot be made out.
    """
    async with _turns:
        return await asyncio.to_thread(_read, name, content, sheet)


def _read(name: str, content: bytes, sheet: str | None) -> Sent:
    grids = _read_apart(content)
    digest = hashlib.sha256(content).hexdigest()
    return Sent(name[:LONGEST_NAME] or "file", digest, sheet, grids, lines_in(grids, sheet))


def lines_in(grids: bytes, sheet: str | None) -> list[Line]:
    """Return the lines of the sheets of a file that was read.

    Raises:
        Invalid: its sheets cannot be made out.
    """
    return list(lines_of(orjson.loads(grids), sheet))


def _read_apart(content: bytes) -> bytes:
    """Return what the process that reads files makes of one."""
    try:
        done = subprocess.run(  # noqa: S603 Our own program.
            COMMAND,
            check=False,
            input=content,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=LONGEST_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise Invalid(Fault(FILE, reader.TOO_LARGE)) from None
    if done.returncode == reader.EXIT_REFUSED:
        raise Invalid(Fault(FILE, done.stdout.decode()))
    if done.returncode != 0:
        # It was stopped where it went past its limits.
        raise Invalid(Fault(FILE, reader.TOO_LARGE))
    return done.stdout
