"""Fetching a document of the issuer over HTTP, with everything about it bounded.

The standard library serves: a document or two an hour are not worth a client with a pool, and it takes the
certificates that the machine trusts and the proxy that the machine names.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from http.client import HTTPException
from urllib.request import (
    HTTPHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    UnknownHandler,
    getproxies,
)

Fetch = Callable[[str], Awaitable[bytes]]
SILENCE_SECONDS = 3
# A name server can be slow beyond that, and an issuer can send a byte at a time.
LONGEST_SECONDS = 6
MOST_BYTES = 256 * 1024


async def fetch_document(url: str) -> bytes:
    """Return the body of an answer 200. Redirects are not followed: the address is the one that was checked.

    Raises:
        OSError: there was no such answer in time, or it is over 256 KiB.
    """
    async with asyncio.timeout(LONGEST_SECONDS):
        return await asyncio.to_thread(_fetch, url)


def _fetch(url: str) -> bytes:
    ends = time.monotonic() + LONGEST_SECONDS
    try:
        with _opener().open(url, timeout=SILENCE_SECONDS) as answer:
            if answer.status != HTTPStatus.OK:
                raise OSError(f"the answer has the status {answer.status}")
            body = bytearray()
            while part := answer.read1(MOST_BYTES):
                body += part
                if len(body) > MOST_BYTES:
                    raise OSError("the document is too large")
                if time.monotonic() > ends:
                    raise TimeoutError("the document took too long")
    except HTTPException as fault:
        raise OSError(f"the answer cannot be read: {type(fault).__name__}") from None
    return bytes(body)


def _opener() -> OpenerDirector:
    """Return what opens http and https, and nothing else: no file, no redirect, no proxy to this machine itself."""
    opener = OpenerDirector()
    opener.addheaders = [("Accept", "application/json"), ("User-Agent", "partnership-action-tracker")]
    proxies = {scheme: proxy for scheme, proxy in getproxies().items() if scheme == "https"}
    for handler in (ProxyHandler(proxies), HTTPHandler(), HTTPSHandler(), UnknownHandler()):
        opener.add_handler(handler)
    return opener
