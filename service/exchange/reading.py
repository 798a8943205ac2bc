"""Files from outside: read in a process of its own, which is given little memory and time."""

import asyncio
import hashlib
import sys
from dataclasses import dataclass

import orjson

from service.core.errors import Fault, Invalid
from service.exchange import reader
from service.exchange.lines import FILE, Grids
from service.exchange.sheets import SHEETS

# Beside the limit on its own time: on a machine with much to do it takes longer.
LONGEST_SECONDS = 20
AT_ONCE = 2
LONGEST_NAME = 300
_turns = asyncio.Semaphore(AT_ONCE)


@dataclass(frozen=True)
class Sent:
    """A file that was sent in, read."""

    name: str
    sha256: str
    grids: Grids
    sheet: str | None
    """Which sheet a CSV file is, where that was said."""


async def read_sent(name: str, content: bytes, sheet: str | None) -> Sent:
    """Return what a file holds.

    Raises:
        Invalid: the file is not read, and why.
    """
    return Sent(name[:LONGEST_NAME] or "file", hashlib.sha256(content).hexdigest(), await _read_file(content), sheet)


async def _read_file(content: bytes) -> Grids:
    """Return the cells of those sheets that are ours, by their names in small letters; of a CSV file those of ""."""
    wanted = (sheet.name.casefold() for sheet in SHEETS)
    async with _turns:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            reader.__file__,
            *wanted,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            said, _ = await asyncio.wait_for(process.communicate(content), LONGEST_SECONDS)
        except TimeoutError:
            raise Invalid(Fault(FILE, reader.TOO_LARGE)) from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    return _read(said, process.returncode)


def _read(said: bytes, code: int | None) -> Grids:
    if code != 0:
        # It was stopped where it went past its limits.
        raise Invalid(Fault(FILE, reader.TOO_LARGE))
    found = orjson.loads(said)
    if "refused" in found:
        raise Invalid(Fault(FILE, found["refused"]))
    grids: Grids = found["sheets"]
    return grids
