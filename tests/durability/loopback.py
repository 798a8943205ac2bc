"""The service as a real server on the loopback address, and a light client that tells an answer from silence."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Connection, select

from service.access.roles import Role, Scope
from service.access.service import create_token
from service.core import clock
from service.core.history import Recorder
from service.plan.models import organisation
from tests.conftest import run_once

HOST = "127.0.0.1"
TRACKER = Path(sys.executable).with_name("tracker")
# Nothing here takes so long unless it hangs.
LONGEST_SECONDS = 120
LOOK_AGAIN_SECONDS = 0.01


class NoAnswer(ConnectionError):
    """The connection could not be made, or ended before a whole answer was read: nobody knows what was done."""


@dataclass(frozen=True)
class Answer:
    """What the server said."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body read as JSON."""
        return json.loads(self.body)


class Caller:
    """One connection to a server; it is made anew where it is gone."""

    def __init__(self, port: int, token: str = "") -> None:
        self.port = port
        self.token = token
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection."""
        if self._streams is None:
            return
        _, writer = self._streams
        self._streams = None
        writer.close()
        try:
            await writer.wait_closed()
        except OSError:
            return

    async def call(self, method: str, path: str, content: Any = None, **headers: str) -> Answer:
        """Send a request and return its answer; `if_match="…"` becomes the header If-Match.

        Raises:
            NoAnswer: there was none.
        """
        body = b"" if content is None else json.dumps(content).encode()
        said = {
            "Host": HOST,
            "Content-Length": str(len(body)),
            **{_header(name): each for name, each in headers.items()},
        }
        if self.token:
            said["Authorization"] = f"Bearer {self.token}"
        if body:
            said["Content-Type"] = "application/json"
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in said.items())]
        try:
            async with asyncio.timeout(LONGEST_SECONDS):
                return await self._exchange("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        except (OSError, EOFError) as error:
            await self.close()
            raise NoAnswer(f"{method} {path}") from error

    async def _exchange(self, request: bytes) -> Answer:
        if self._streams is not None and self._streams[0].at_eof():
            await self.close()
        if self._streams is None:
            self._streams = await asyncio.open_connection(HOST, self.port)
        reader, writer = self._streams
        writer.write(request)
        await writer.drain()
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").rstrip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        if headers.get("connection") == "close":
            await self.close()
        return Answer(int(first.split(" ")[1]), headers, body)


def _header(name: str) -> str:
    return name.replace("_", "-").title()


def tracker(url: str, *arguments: str) -> str:
    """Run a command of the service on a database, and return what it printed."""
    environment = {"TRACKER_DATABASE_URL": url}
    done = subprocess.run([TRACKER, *arguments], env=environment, capture_output=True, text=True, check=False)  # noqa: S603 The arguments are those of the tests.
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def make_token(url: str) -> str:
    """Make a token of a manager who is an admin too."""

    def act(connection: Connection) -> str:
        lead = connection.execute(select(organisation.c.id).where(organisation.c.ref == "lcc")).scalar_one()
        roles = [Role.MANAGER, Role.ADMIN]
        recorder = Recorder(connection, None, clock.now())
        return create_token(recorder, name="Tester", roles=roles, organisation_id=lead, scopes=list(Scope), days=1)

    return run_once(url, act)


def _children(parent: int) -> set[int]:
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            # The name of the program may hold anything; the state and the parent's id follow its closing bracket.
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == parent and fields[0] != "Z":
            found.add(int(folder.name))
    return found


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _free_port() -> int:
    with socket.socket() as found:
        found.bind((HOST, 0))
        return int(found.getsockname()[1])


class Server:
    """`tracker serve` on one database, in a process group of its own."""

    def __init__(self, url: str, log: Path, *, workers: int = 1, **settings: object) -> None:
        self.port = _free_port()
        self.workers = workers
        self._log = log
        self._settings = {f"TRACKER_{name.upper()}": str(value) for name, value in settings.items()}
        self._settings["TRACKER_DATABASE_URL"] = url
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process that was started."""
        assert self._process is not None
        return self._process

    def start(self) -> None:
        """Start the processes; `ready` tells when they can work."""
        command: list[str] = [
            str(TRACKER),
            "serve",
            "--host",
            HOST,
            "--port",
            str(self.port),
            "--workers",
            str(self.workers),
        ]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 The arguments are those of the tests.
                command,
                env=self._settings,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    async def ready(self) -> float:
        """Wait until the service says that it can do its work, and return the seconds that it took from now."""
        began = time.perf_counter()
        async with asyncio.timeout(LONGEST_SECONDS), Caller(self.port) as caller:
            while True:
                try:
                    if (await caller.call("GET", "/readyz")).status == 200:
                        return time.perf_counter() - began
                except NoAnswer:
                    assert self.process.poll() is None, f"The server ended by itself:\n{self.logged()}"
                await asyncio.sleep(LOOK_AGAIN_SECONDS)

    def worker_pids(self) -> set[int]:
        """Return the ids of the worker processes under a server of several (Linux)."""
        return {pid for pid in _children(self.process.pid) if b"spawn_main" in _command_line(pid)}

    def kill_one_worker(self) -> int:
        """Kill the youngest of several workers where it stands, and return its id."""
        pid = max(self.worker_pids())
        os.kill(pid, signal.SIGKILL)
        return pid

    async def all_workers(self, without: int) -> None:
        """Wait until there are as many workers as there should be, other than the one named."""
        async with asyncio.timeout(LONGEST_SECONDS):
            while len(self.worker_pids() - {without}) < self.workers:
                await asyncio.sleep(LOOK_AGAIN_SECONDS)

    def kill(self) -> None:
        """Kill the server and its workers where they stand."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(LONGEST_SECONDS)

    def ask_to_stop(self) -> None:
        """Send SIGTERM to the server, as a supervisor does."""
        self.process.send_signal(signal.SIGTERM)

    async def stopped(self) -> int:
        """Wait until the server has ended, and return its exit code."""
        return await asyncio.to_thread(self.process.wait, LONGEST_SECONDS)

    def logged(self) -> str:
        """Return what the server has logged."""
        return self._log.read_text()


@contextmanager
def serving(url: str, log: Path, *, workers: int = 1, **settings: object) -> Iterator[Server]:
    """Run a server for as long as the block runs."""
    server = Server(url, log, workers=workers, **settings)
    server.start()
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.kill()
