"""Files from outside: read in a process of its own, which is given little memory and time."""

import asyncio
import json
import sys
from dataclasses import dataclass
from typing import Any

from service.core.errors import Fault, Invalid
from service.exchange import reader

# Beside the limit on its own time: on a machine with much to do it takes longer.
LONGEST_SECONDS = 20
AT_ONCE = 2
FILE = "/file"
_turns = asyncio.Semaphore(AT_ONCE)


@dataclass(frozen=True)
class Grid:
    """The cells of one sheet; None is an empty one, a date is {"date": "2019-01-31"}."""

    rows: list[list[Any]]


async def read_file(content: bytes, wanted: tuple[str, ...]) -> dict[str, Grid]:
    """Return the sheets of a workbook that are wanted, by their names in small letters; of a CSV file the one of "".

    Raises:
        Invalid: the file is not read, and why.
    """
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


def _read(said: bytes, code: int | None) -> dict[str, Grid]:
    if code != 0:
        # It was stopped where it went past its limits.
        raise Invalid(Fault(FILE, reader.TOO_LARGE))
    found = json.loads(said)
    if "refused" in found:
        raise Invalid(Fault(FILE, found["refused"]))
    return {name: Grid(rows) for name, rows in found["sheets"].items()}
