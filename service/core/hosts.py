"""The names by which the service may be called: a request under any other is not answered."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from service.core.problems import problem

# Those that watch over a process call it by its address.
ALWAYS = frozenset({"/livez", "/readyz"})
REFUSED = "The service is not known by this name. Call it by the one that you were given."


class TrustedHosts:
    """Refuse requests whose Host is not one of these names; `*.example.org` stands for every name below it."""

    def __init__(self, app: ASGIApp, *, names: Sequence[str]) -> None:
        self.app = app
        self.names = frozenset(name.lower() for name in names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or scope["path"] in ALWAYS or self.is_trusted(_host_of(scope)):
            await self.app(scope, receive, send)
            return
        await problem(Request(scope), 400, REFUSED)(scope, receive, send)

    def is_trusted(self, host: str) -> bool:
        """Tell whether a host is one of ours: board.example.org where *.example.org is."""
        _, _, parent = host.partition(".")
        return host in self.names or (bool(parent) and f"*.{parent}" in self.names)


def _host_of(scope: Scope) -> str:
    """Return the name in the Host header, in small letters and without its port; none where there are two."""
    named = [value for name, value in scope["headers"] if name == b"host"]
    host = named[0].decode("latin-1").lower() if len(named) == 1 else ""
    return host if host.endswith("]") else host.rpartition(":")[0] or host
