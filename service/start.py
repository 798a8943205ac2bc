"""Where the processes of the service begin.

What a process is made of, a hundred thousand objects and more, stays until it ends. To look through them for garbage
while they are made is a fifth of the start, and later a pause in the midst of requests, so they are left out of that.
"""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi import FastAPI

# How long a thread that works out a file or a figure goes on while the one that answers all requests waits for its
# turn, of which each takes several: a tenth of what Python would let it.
TURN_SECONDS = 0.0005


def run_command() -> None:
    """Run `tracker …`."""
    with _made_to_stay():
        from service import main  # noqa: PLC0415 To import it is most of what is made.
    main.run_command()


def serve_app() -> "FastAPI":
    """Return the application that a server process runs, by the settings of its environment."""
    sys.setswitchinterval(TURN_SECONDS)
    with _made_to_stay():
        from service import main  # noqa: PLC0415 To import it is most of what is made.

        return main.serve_app()


@contextmanager
def _made_to_stay() -> Iterator[None]:
    """Look for no garbage meanwhile, and never again among what there is at the end."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
