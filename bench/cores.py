"""Which core does what: the server has the first to itself; client and database share the next."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]
SERVER_CORE = CORES[0]
CLIENT_CORE = DATABASE_CORE = CORES[-1]


@contextmanager
def on_core(core: int) -> Iterator[None]:
    """Stay on one core, with every process that is started meanwhile; nothing where the system knows no such thing."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
