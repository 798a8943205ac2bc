"""A sheet's own address: a key that stands in the address, and opens one list as CSV and nothing else.

Spreadsheets that fetch an address (IMPORTDATA, WEBSERVICE) cannot sign in. The key is a token like others: of its
secret a digest alone is kept, it ends, it can be revoked, its use shows, and what it reads is what its holder may see
at each request. It is never in a log, which holds the route and not the address.
"""

from functools import partial

from fastapi import Request
from starlette.types import Receive, Scope, Send

from service.access.door import ADMITTED, client_of
from service.access.tokens import parse_feed_key
from service.core import clock

PATH = "/feeds/{key}.csv"


def feed_url(token: str) -> str:
    """Return the address of the feed whose key is a token."""
    return PATH.replace("{key}", token.removeprefix("trk_"))


class Feeds:
    """Answers at the address of a feed with the list that its key opens."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the key in, and ask for its list in its place."""
        request = Request(scope)
        key = parse_feed_key(request.path_params["key"])
        callers = scope["app"].state.callers
        caller, newest = await callers.identify_feed(key, partial(client_of, request), clock.now())
        path, _, query = caller.feed.partition("?")
        asked = f"{query}&format=csv" if query else "format=csv"
        inner = {
            **scope,
            "path": path,
            "raw_path": path.encode(),
            "query_string": asked.encode(),
            ADMITTED: (caller, newest),
        }
        await scope["app"].router(inner, receive, send)
