"""`python -m service.reporting.press`: make the files of a report from a content on standard input.

A large report takes seconds of work and memory that would else stay with a server; a process of its own takes both with
it when it ends. It is called by the service alone, which gives it what it made itself.
"""

import asyncio
import os
import pickle
import sys

from service.reporting.rules import Content

# Below this many milestones the work is shorter than the start of a process.
FEW = 500
NICE = 10


def pack(content: Content, position: int) -> bytes:
    """Return a content, and the place in history that it is of, as `render` and `press` take them."""
    return pickle.dumps((content, position))


def render(packed: bytes) -> dict[str, bytes]:
    """Return the files of a report: see `rendering`."""
    from service.reporting import rendering  # noqa: PLC0415 Its libraries are many, and not always needed.

    content, position = pickle.loads(packed)  # noqa: S301 It comes from the service itself.
    return rendering.render(content, position)


async def press(packed: bytes) -> dict[str, bytes]:
    """Return the files of a report, made by a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    try:
        made, _ = await process.communicate(packed)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise RuntimeError(f"The process that makes the files of a report ended with {process.returncode}.")
    files: dict[str, bytes] = pickle.loads(made)  # noqa: S301 It comes from our own process.
    return files


def main() -> None:
    """Read a content and write its files, while nobody else wants the processor."""
    os.nice(NICE)
    pickle.dump(render(sys.stdin.buffer.read()), sys.stdout.buffer)


if __name__ == "__main__":
    main()
