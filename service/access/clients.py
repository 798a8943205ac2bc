"""Whose address a request comes from, where proxies stand in between: pure."""

import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# As proxies write them: 192.0.2.7, 192.0.2.7:4711, 2001:db8::7, [2001:db8::7], [2001:db8::7]:4711.
BRACKETED = re.compile(r"\[([0-9A-Fa-f:.]{2,45})\](?::\d{1,5})?", re.ASCII)
WITH_PORT = re.compile(r"([0-9.]{7,15}):\d{1,5}", re.ASCII)
# No real chain of proxies is as long; a forged one costs no more than this.
MOST_HOPS = 20


def client_address(peer: str | None, forwarded: Sequence[str], trusted: Sequence[Network]) -> Address | None:
    """Return the nearest address that is none of our proxies; None where the peer itself has none.

    `forwarded` are the values of X-Forwarded-For. Each proxy adds on the right whom it heard from, so they are
    believed from the right, and only as far as trusted proxies wrote them: with 10.0.0.0/8 trusted, a peer 10.0.0.1
    that passes on `1.1.1.1, 192.0.2.7, 10.0.0.2` stands for 192.0.2.7. What cannot be read ends the walk at the
    proxy that passed it on.
    """
    client = _read_address(peer or "")
    entries = ",".join(forwarded).split(",") if forwarded else []
    for entry in reversed(entries[-MOST_HOPS:]):
        if client is None or not any(client in network for network in trusted):
            break
        before = _read_address(entry.strip(" \t"))
        if before is None:
            break
        client = before
    return client


def _read_address(text: str) -> Address | None:
    """Return an address without its port and its zone; an IPv4 address that is written as IPv6 is IPv4."""
    found = BRACKETED.fullmatch(text) or WITH_PORT.fullmatch(text)
    try:
        address = ip_address(found[1] if found else text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        return address.ipv4_mapped or IPv6Address(int(address))
    return address
