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


def render(content: Content, position: int) -> dict[str, bytes]:
    """Return the files of a report: see `rendering`."""
    from service.reporting import rendering  # noqa: PLC0415 Its libraries are many, and not always needed.

    return rendering.render(content, position)


async def press(content: Content, position: int) -> dict[str, bytes]:
    """Return the files of a report, made by a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    try:
        made, _ = await process.communicate(pickle.dumps((content, position)))
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
    content, position = pickle.load(sys.stdin.buffer)  # noqa: S301 It comes from the service itself.
    pickle.dump(render(content, position), sys.stdout.buffer)


if __name__ == "__main__":
    main()
