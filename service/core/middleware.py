"""Around every request: an id, a log line, and headers that keep browsers honest."""

import logging
import re
import secrets
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.core.metrics import count

GIVEN_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
HEADERS = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer"))
# Anybody can make up methods; each would be a series of its own for ever.
METHODS = frozenset({"GET", "HEAD", "POST", "PATCH", "DELETE", "OPTIONS", "PUT"})
access = logging.getLogger("tracker.access")


def headers_of(request_id: str, hsts_seconds: int) -> list[tuple[bytes, bytes]]:
    """Return the headers that every answer has; with HSTS browsers keep to https for so long."""
    kept = [(b"strict-transport-security", f"max-age={hsts_seconds}".encode())] if hsts_seconds else []
    return [(b"x-request-id", request_id.encode()), *HEADERS, *kept]


class RequestFrame:
    """Give each request an id (the caller's own where it is plain), count it, and log it where that is wanted."""

    def __init__(self, app: ASGIApp, *, is_logged: bool, hsts_seconds: int) -> None:
        self.app = app
        self.is_logged = is_logged
        self.hsts_seconds = hsts_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id, method = _request_id(scope), scope["method"]
        # A fault is answered outside of here, and names the request by what stands in this scope.
        scope["request_id"] = request_id
        # HEAD is GET without the body.
        scope = {**scope, "method": "GET" if method == "HEAD" else method}
        started, status = time.perf_counter(), 500

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *headers_of(request_id, self.hsts_seconds)]
            elif method == "HEAD":
                message = {**message, "body": b""}
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        finally:
            seconds = time.perf_counter() - started
            route = getattr(scope.get("route"), "path", "none")
            count(method if method in METHODS else "other", route, status, seconds)
            if self.is_logged:
                said = {
                    "request_id": request_id,
                    "method": method,
                    "route": route,
                    "status": status,
                    "milliseconds": round(seconds * 1000, 1),
                }
                access.info("request", extra=said)


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and GIVEN_ID.fullmatch(value):
            return str(value.decode())
    return secrets.token_hex(8)
