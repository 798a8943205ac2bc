"""Posting to addresses that somebody else chose: not into our own network, not where they send us on, not for ever."""

import asyncio
import socket
import ssl
from collections.abc import Mapping, Sequence
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import httpx

from service.automation.outbox import Undeliverable

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
LONGEST_SECONDS = 15
PORTS = {"https": 443, "http": 80}
# An IPv4 address of any network can stand in these, and a router may translate it.
TRANSLATED = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"), IPv6Network("::/96"))
GONE = 410


async def post(url: str, headers: Mapping[str, str], body: bytes, networks: Sequence[Network]) -> None:
    """Post a body to an address; `networks` are those inside that may be posted to.

    The name is looked up once, and what is connected to is what was checked. Redirects are not followed.

    Raises:
        Undeliverable: the address may not be posted to, it cannot be reached, or it answers with no 2xx in time.
    """
    try:
        target = httpx.URL(url)
    except httpx.InvalidURL:
        raise Undeliverable("The address of the receiver cannot be read.", is_final=True) from None
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            found = await _look_up(target.host, target.port or PORTS[target.scheme])
            status = await _send(target, _checked(found, target.scheme, networks), headers, body)
    except TimeoutError:
        raise Undeliverable(f"There was no answer within {LONGEST_SECONDS} seconds.") from None
    except (httpx.HTTPError, OSError) as error:
        raise Undeliverable(f"The address could not be reached: {type(error).__name__}.") from None
    if not httpx.codes.is_success(status):
        raise Undeliverable(f"The receiver answered {status}.", is_final=status == GONE)


async def _look_up(host: str, port: int) -> list[Address]:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError):
        raise Undeliverable("The name of the receiver is not known.") from None
    return [ip_address(str(each[4][0]).partition("%")[0]) for each in found]


def _checked(addresses: Sequence[Address], scheme: str, networks: Sequence[Network]) -> Address:
    """Return the address to connect to.

    Raises:
        Undeliverable: one of them lies inside and was not allowed, or what is sent there would not be encrypted.
    """
    are_allowed = [_is_within(address, networks) for address in addresses]
    for address, is_allowed in zip(addresses, are_allowed, strict=True):
        if not is_allowed and not is_outside(address):
            raise Undeliverable("The receiver is inside the network: TRACKER_WEBHOOK_NETWORKS does not name it.")
    if scheme != "https" and not all(are_allowed):
        raise Undeliverable("The receiver must be called by https.", is_final=True)
    return addresses[0]


def _is_within(address: Address, networks: Sequence[Network]) -> bool:
    plain = address.ipv4_mapped or address if isinstance(address, IPv6Address) else address
    return any(plain in network for network in networks)


def is_outside(address: Address) -> bool:
    """Tell whether an address is one of the open internet, whatever IPv4 address is wrapped in it."""
    if isinstance(address, IPv6Address):
        wrapped = address.ipv4_mapped or address.sixtofour or (address.teredo and address.teredo[1])
        if wrapped:
            return is_outside(wrapped)
        if any(address in network for network in TRANSLATED):
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved)


async def _send(url: httpx.URL, address: Address, headers: Mapping[str, str], body: bytes) -> int:
    """Return the status of the answer; its body is not read."""
    named = {**headers, "Host": url.netloc.decode(), "Content-Type": "application/json", "Accept": "*/*"}
    named["User-Agent"] = "partnership-action-tracker"
    async with (
        httpx.AsyncClient(verify=_trust(), trust_env=False, timeout=LONGEST_SECONDS) as client,
        client.stream(
            "POST",
            url.copy_with(host=str(address)),
            content=body,
            headers=named,
            extensions={"sni_hostname": url.host},
        ) as answer,
    ):
        return answer.status_code


@cache
def _trust() -> ssl.SSLContext:
    return ssl.create_default_context()
