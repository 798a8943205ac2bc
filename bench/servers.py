"""Servers to measure: the service and L, each in a process of its own on the server's core."""

import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.client import Caller
from bench.cores import SERVER_CORE, on_core
from bench.databases import TRACKER, environment

MOST_SECONDS = 60


@dataclass(frozen=True)
class Served:
    """A running server."""

    port: int
    process_id: int
    seconds_to_ready: float

    def caller(self, token: str = "") -> Caller:
        """Return somebody who sends requests to it."""
        return Caller(self.port, token)

    @property
    def resident_megabytes(self) -> float:
        """The memory that the process has in use; only Linux says."""
        status = Path(f"/proc/{self.process_id}/status").read_text(encoding="utf-8")
        line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) / 1024


@asynccontextmanager
async def service_over(url: str) -> AsyncIterator[Served]:
    """Serve a database with `tracker serve`."""
    port = free_port()
    async with _running([TRACKER, "serve", "--port", str(port)], port, "/readyz", environment(url)) as served:
        yield served


@asynccontextmanager
async def constant(length: int) -> AsyncIterator[Served]:
    """Serve L with answers of a length."""
    port = free_port()
    async with _running([sys.executable, "-m", "bench.baseline", str(port), str(length)], port, "/constant") as served:
        yield served


@asynccontextmanager
async def _running(
    command: Sequence[str], port: int, path: str, variables: dict[str, str] | None = None
) -> AsyncIterator[Served]:
    started = time.perf_counter()
    with on_core(SERVER_CORE):
        process = subprocess.Popen(command, env=variables)  # noqa: S603 Our own command.
    try:
        await _ready(port, path)
        yield Served(port, process.pid, time.perf_counter() - started)
    finally:
        process.terminate()
        process.wait()


async def _ready(port: int, path: str) -> None:
    caller = Caller(port)
    until = time.perf_counter() + MOST_SECONDS
    while True:
        try:
            await caller.ask(caller.get(path))
        except OSError:
            if time.perf_counter() > until:
                raise
            await asyncio.sleep(0.005)
        else:
            return


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
