"""A client that costs next to nothing: HTTP/1.1 by hand over kept connections."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

HEAD_END = b"\r\n\r\n"
LENGTH = b"content-length:"
BODILESS = (204, 304)
CONNECTIONS = 16

Requests = Callable[[], bytes]


@dataclass(frozen=True)
class Answer:
    """One answer and how long it took."""

    status: int
    head: bytes
    body: bytes
    seconds: float

    def header(self, name: str) -> str:
        """Return the value of a header; KeyError where there is none."""
        for line in self.head.split(b"\r\n")[1:]:
            key, _, value = line.partition(b":")
            if key.decode().lower() == name:
                return value.strip().decode()
        raise KeyError(name)


class BadAnswer(RuntimeError):
    """The service answered otherwise than a measurement needs."""


class Line(asyncio.Protocol):
    """One kept connection, on which one request is under way at a time."""

    def __init__(self) -> None:
        self._received = b""
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[tuple[int, bytes, bytes]] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Take a part of an answer."""
        received = self._received + data if self._received else data
        split = received.find(HEAD_END)
        head = received[:split]
        if split < 0 or len(received) < split + len(HEAD_END) + length_of(head):
            self._received = received
            return
        self._received = b""
        if self._waiting is not None:
            self._waiting.set_result((int(head[9:12]), head, received[split + len(HEAD_END) :]))

    def connection_lost(self, exc: Exception | None) -> None:
        """Let whoever waits know."""
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(exc or ConnectionResetError("The server closed the connection."))

    async def send(self, request: bytes) -> tuple[int, bytes, bytes]:
        """Send a request and return the status, the head and the body of its answer."""
        assert self._transport is not None  # noqa: S101 It was made by `connect`.
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._waiting

    def close(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.close()


def length_of(head: bytes) -> int:
    """Return how many bytes follow a head."""
    if int(head[9:12]) in BODILESS:
        return 0
    lower = head.lower()
    start = lower.index(LENGTH) + len(LENGTH)
    end = lower.find(b"\r", start)
    return int(lower[start:end] if end > 0 else lower[start:])


async def connect(port: int) -> Line:
    """Open a connection to a server on this machine."""
    _, line = await asyncio.get_running_loop().create_connection(Line, "127.0.0.1", port)
    return line


@dataclass(frozen=True)
class Caller:
    """Who sends requests to one server."""

    port: int
    token: str = ""

    def get(self, path: str, headers: str = "") -> bytes:
        """Return the bytes of a GET."""
        return f"GET {path} HTTP/1.1\r\n{self._common()}{headers}\r\n".encode()

    def post(self, path: str, body: bytes, kind: str = "application/json") -> bytes:
        """Return the bytes of a POST."""
        about = f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
        return f"POST {path} HTTP/1.1\r\n{self._common()}{about}\r\n".encode() + body

    async def ask(self, request: bytes, status: int = 200) -> Answer:
        """Send one request over a connection of its own.

        Raises:
            BadAnswer: the status is another than the one expected.
        """
        line = await connect(self.port)
        started = time.perf_counter()
        try:
            got, head, body = await line.send(request)
        finally:
            line.close()
        answer = Answer(got, head, body, time.perf_counter() - started)
        if got != status:
            raise BadAnswer(f"{got} in place of {status} to {request[:200]!r}: {body[:500]!r}")
        return answer

    async def rate(self, requests: Requests, seconds: float, connections: int = CONNECTIONS) -> "Rate":
        """Send requests over so many kept connections for a while."""
        rate = Rate()
        lines = await asyncio.gather(*(connect(self.port) for _ in range(connections)))
        started = time.perf_counter()
        await asyncio.gather(*(_keep_sending(line, requests, started + seconds, rate.statuses) for line in lines))
        rate.seconds = time.perf_counter() - started
        for line in lines:
            line.close()
        return rate

    def _common(self) -> str:
        secret = f"Authorization: Bearer {self.token}\r\n" if self.token else ""
        return f"Host: 127.0.0.1:{self.port}\r\nAccept: application/json\r\n{secret}"


@dataclass
class Rate:
    """How many answers came in how long, by status."""

    statuses: Counter[int] = field(default_factory=Counter)
    seconds: float = 0.0

    def per_second(self, status: int) -> float:
        """Return the rate.

        Raises:
            BadAnswer: some answers had another status than the one expected.
        """
        if set(self.statuses) != {status}:
            raise BadAnswer(f"{dict(self.statuses)} in place of {status} alone")
        return self.statuses[status] / self.seconds


async def _keep_sending(line: Line, requests: Requests, until: float, statuses: Counter[int]) -> None:
    while time.perf_counter() < until:
        status, _, _ = await line.send(requests())
        statuses[status] += 1
