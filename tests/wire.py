"""Requests as they go over the wire: straight into the application, or to a real server on the loopback interface."""

import asyncio
import json
import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import uvicorn

from service.main import create_app
from service.settings import Settings
from tests.conftest import MANY, Api

STARTING_SECONDS = 30
SHOWN = 200


@dataclass(frozen=True)
class Request:
    """A request to the byte, which no client library has put in order; a header may be there with no value."""

    method: str
    path: str
    query: str = ""
    headers: dict[str, bytes] = field(default_factory=dict)
    body: bytes = b""

    def __str__(self) -> str:
        shown = {name: value[:SHOWN] for name, value in self.headers.items() if name != "authorization"}
        return f"{self.method} {self.path[:SHOWN]}?{self.query[:SHOWN]} {shown} {self.body[:SHOWN]!r}"


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """Return what the body says."""
        return json.loads(self.body)


def send_all(api: Api, requests: Iterable[Request]) -> list[Answer]:
    """Send requests to the application, one after the other; who is asking is added where that is left open."""
    token = f"Bearer {api.token()}".encode()
    kept = list(requests)

    async def run() -> list[Answer]:
        return [await _send(api.client.app, each, token) for each in kept]

    assert api.client.portal is not None
    return api.client.portal.call(run)


async def _send(app: Any, request: Request, token: bytes) -> Answer:
    """Send one request, in the form in which uvicorn would hand it on."""
    raw_path = request.path.encode()
    headers = {"authorization": token, "content-length": str(len(request.body)).encode(), **request.headers}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": "http",
        "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 1),
        "root_path": "",
        "path": unquote(request.path),
        "raw_path": raw_path,
        "query_string": request.query.encode(),
        "headers": [(name.encode(), value) for name, value in headers.items()],
        "state": {},
    }
    sent: list[dict[str, Any]] = []
    waiting = [{"type": "http.request", "body": request.body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        return waiting.pop() if waiting else {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    try:
        await app(scope, receive, send)
    except Exception:
        # Starlette answers 500 and raises: the answer is what counts here.
        if not sent:
            raise
    said = {name.decode(): value.decode("latin-1") for name, value in sent[0]["headers"]}
    return Answer(sent[0]["status"], said, b"".join(message.get("body", b"") for message in sent[1:]))


@contextmanager
def loopback_server(database_url: str) -> Iterator[str]:
    """Serve a database by uvicorn in a thread, on a port of the loopback interface; gives the address."""
    listener = socket.create_server(("127.0.0.1", 0))
    # Else the second part of each answer waits 40 ms for the client's word on the first: asyncio sees to that only
    # where it makes the listener itself.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    config = uvicorn.Config(
        create_app(Settings(database_url=database_url, bad_credentials_per_minute=MANY)),
        log_level="critical",
        lifespan="on",
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])), name="server")
    thread.start()
    try:
        with socket.create_connection(listener.getsockname()[:2], STARTING_SECONDS):
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
