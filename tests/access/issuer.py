"""An issuer of tokens on the loopback address: its documents can be changed, and what is asked of it is counted."""

import base64
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from joserfc.jwk import ECKey, RSAKey
from joserfc.jws import JWSRegistry

from service.settings import Settings

NOW = datetime(2018, 12, 10, 9, 30, tzinfo=UTC)
SECOND = int(NOW.timestamp())
TENANT = "11111111-aaaa-4aaa-8aaa-111111111111"
OTHER_TENANT = "22222222-bbbb-4bbb-8bbb-222222222222"
AUDIENCE = "33333333-cccc-4ccc-8ccc-333333333333"
PERSON = "44444444-dddd-4ddd-8ddd-444444444444"
PROGRAM = "55555555-eeee-4eee-8eee-555555555555"
DISCOVERY = "/v2.0/.well-known/openid-configuration"
KEYS = "/keys"
# A claim of this value is left out.
MISSING = object()

Sign = Callable[[bytes], bytes]


def public(key: RSAKey | ECKey, **parameters: Any) -> dict[str, Any]:
    """Return a key as a key set lists it."""
    return {**key.as_dict(private=False), **parameters}


class MockIssuer:
    """The documents of an issuer, and how often each was asked for."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.issuer = f"{address}/v2.0"
        self.keys: list[Any] = []
        self.answers: dict[str, tuple[int, dict[str, str], bytes]] = {}
        """What is answered in place of a document."""
        self.asked: Counter[str] = Counter()
        self.held_back = threading.Event()
        """Clear while answers wait."""
        self.held_back.set()

    def answer(self, path: str) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers and body."""
        self.asked[path] += 1
        self.held_back.wait(5)
        documents = {
            DISCOVERY: {"issuer": self.issuer, "jwks_uri": self.address + KEYS},
            KEYS: {"keys": self.keys},
        }
        if path in self.answers:
            return self.answers[path]
        return (200, {}, json.dumps(documents[path]).encode()) if path in documents else (404, {}, b"")

    def break_down(self) -> None:
        """Answer nothing but errors."""
        self.answers = {DISCOVERY: (503, {}, b"busy"), KEYS: (503, {}, b"busy")}

    def settings(self, **changes: Any) -> Settings:
        """Return the settings of a service that takes this issuer's tokens."""
        given = {"oidc_issuer": self.issuer, "oidc_audience": AUDIENCE, "oidc_tenants": TENANT, **changes}
        return Settings(**given)


@contextmanager
def serving_issuer() -> Iterator[MockIssuer]:
    """Serve an issuer as long as the block runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # noqa: N802 The server looks for this name.
            status, headers, body = issuer.answer(self.path)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Be quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        issuer = MockIssuer(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield issuer
        server.shutdown()
        thread.join()


def base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def by(algorithm: str, key: Any) -> Sign:
    """Return what signs by an algorithm with a key."""
    return lambda message: JWSRegistry.algorithms[algorithm].sign(message, key)


def compact(header: dict[str, Any] | bytes, payload: Any, sign: Sign) -> str:
    """Return a token, whatever stands in it."""
    parts = [each if isinstance(each, bytes) else json.dumps(each).encode() for each in (header, payload)]
    signed = ".".join(base64url(part) for part in parts)
    return f"{signed}.{base64url(sign(signed.encode()))}"


def claims(issuer: str, **changes: Any) -> dict[str, Any]:
    """Return the claims of a person, as Entra ID makes them."""
    made = {
        "aud": AUDIENCE,
        "iss": issuer,
        "iat": SECOND,
        "nbf": SECOND,
        "exp": SECOND + 3600,
        "azp": "66666666-ffff-4fff-8fff-666666666666",
        "name": "Asha Patel",
        "oid": PERSON,
        "preferred_username": "asha.patel@council.example",
        "roles": ["manager:lcc-public-health"],
        "scp": "access_as_user",
        "sub": "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ",
        "tid": TENANT,
        "uti": "fqiBqXLPj0eQa82S-IYFAA",
        "ver": "2.0",
        **changes,
    }
    return {name: value for name, value in made.items() if value is not MISSING}


def program_claims(issuer: str, **changes: Any) -> dict[str, Any]:
    """Return the claims of a program that acts for itself."""
    of_programs = {"scp": MISSING, "name": MISSING, "preferred_username": MISSING, "oid": PROGRAM, "sub": PROGRAM}
    return claims(issuer, **{**of_programs, "idtyp": "app", **changes})


def after(**time: float) -> datetime:
    """Return an instant after the present one of these tests."""
    return NOW + timedelta(**time)
