"""A clock that can be put forward, a server of mail, and a receiver of events, all on this machine."""

import asyncio
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import partialmethod
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from service.automation.due import Done, run_due
from service.core import clock
from service.settings import Settings
from tests.conftest import Api

REAL_TIME = clock.now
REFUSED = "refused.example.org"


class Moment:
    """The time, as much ahead of what it is as a test has it."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def now(self) -> datetime:
        """Return the time."""
        return REAL_TIME() + self._ahead

    def set(self, at: datetime) -> None:
        """Let it be another time, later than any that was."""
        self._ahead = at - REAL_TIME()

    def forward(self, by: timedelta) -> None:
        """Let time pass."""
        self._ahead += by


@pytest.fixture
def moment(monkeypatch: pytest.MonkeyPatch) -> Moment:
    """The clock of the service."""
    made = Moment()
    monkeypatch.setattr(clock, "now", made.now)
    # Quarters pass while a test looks on.
    monkeypatch.setattr(Api, "token", partialmethod(Api.token, days=365))
    return made


Do = Callable[..., Done]


@pytest.fixture
def do_due(api: Api) -> Do:
    """What is due is done, under settings that a test names."""

    def do(**settings: Any) -> Done:
        assert api.client.portal is not None
        return api.client.portal.call(run_due, api.database, Settings(**settings))

    return do


@dataclass
class Mailbox:
    """A mail server: where it is reached, and what it took in."""

    url: str = ""
    taken: list[EmailMessage] = field(default_factory=list)

    async def handle_RCPT(self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _: Any) -> str:  # noqa: N802 The library calls it so.
        """Refuse the addresses of one place."""
        if address.endswith(REFUSED):
            return "550 There is nobody of this name"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take a message in."""
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.taken.append(message)
        return "250 OK"


class AnyPort(Controller):
    """A mail server at a port that the system chose, not at the one that was asked for."""

    def _trigger_server(self) -> None:
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


@contextmanager
def mail_server(**settings: Any) -> Iterator[Mailbox]:
    """Run a mail server on this machine."""
    made = Mailbox()
    controller = AnyPort(made, hostname="127.0.0.1", port=0, **settings)
    controller.start()
    made.url = f"smtp://127.0.0.1:{controller.port}"
    try:
        yield made
    finally:
        controller.stop()


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    """A mail server on this machine that offers nothing but to take mail."""
    with mail_server() as made:
        yield made


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a certificate for 127.0.0.1 that is signed by itself, and its key."""
    key, this = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = REAL_TIME()
    signed = (
        x509.CertificateBuilder()
        .subject_name(this)
        .issuer_name(this)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=True)
        .sign(key, hashes.SHA256())
    )
    form, plain = PrivateFormat.PKCS8, NoEncryption()
    path = tmp_path_factory.mktemp("certificate") / "own.pem"
    path.write_bytes(signed.public_bytes(Encoding.PEM) + key.private_bytes(Encoding.PEM, form, plain))
    return path


@pytest.fixture(scope="session")
def private(certificate: Path) -> ssl.SSLContext:
    """What a server with that certificate speaks by."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return context


@dataclass
class Receiver:
    """Other software that is told of events: what it was sent, and what it answers, in turn and then for good."""

    url: str = ""
    taken: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=lambda: [204])

    def answer(self) -> int:
        """Return what is answered next."""
        return self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver of events on this machine."""
    made = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            made.taken.append(({name.lower(): value for name, value in self.headers.items()}, body))
            status = made.answer()
            self.send_response(status)
            if status // 100 == 3:  # noqa: PLR2004 Any redirect.
                self.send_header("Location", f"{made.url}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_GET(self) -> None:
            made.taken.append(({"followed": "true"}, b""))

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_port}"
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


def run_many(api: Api, count: int, settings: Settings, make: Callable[[], Any]) -> list[Done]:
    """Do what is due many times at once, each over a database object of its own, as so many processes would."""

    async def all_at_once() -> list[Done]:
        databases = [make() for _ in range(count)]
        try:
            return await asyncio.gather(*(run_due(each, settings) for each in databases))
        finally:
            for each in databases:
                await each.dispose()

    assert api.client.portal is not None
    return api.client.portal.call(all_at_once)
