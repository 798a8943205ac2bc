"""Whose address a request comes from."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.access.clients import MOST_HOPS, client_address

PROXIES = [ip_network("10.0.0.0/8"), ip_network("2001:db8:ff::/48")]


def found(peer: str | None, *forwarded: str) -> str | None:
    address = client_address(peer, forwarded, PROXIES)
    return None if address is None else str(address)


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("192.0.2.1", [], "192.0.2.1"),
        ("192.0.2.1", ["198.51.100.7"], "192.0.2.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", ["1.1.1.1, 198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", ["1.1.1.1, 198.51.100.7, 10.0.0.2"], "198.51.100.7"),
        ("10.0.0.1", ["1.1.1.1", "198.51.100.7", "10.0.0.2"], "198.51.100.7"),
        ("10.0.0.1", ["10.0.0.3,10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", ["198.51.100.7\t,  10.0.0.2  "], "198.51.100.7"),
        ("2001:db8:ff::1", ["2001:db8:1::7"], "2001:db8:1::7"),
    ],
)
def test_the_client_is_the_nearest_address_that_is_no_proxy(peer: str, forwarded: list[str], client: str) -> None:
    assert found(peer, *forwarded) == client


@pytest.mark.parametrize(
    "written",
    [
        "198.51.100.7:4711",
        "::ffff:198.51.100.7",
        "::FFFF:c633:6407",
        "[::ffff:198.51.100.7]:80",
    ],
)
def test_ports_are_left_out_and_ipv4_stays_ipv4(written: str) -> None:
    assert found("10.0.0.1", written) == "198.51.100.7"


@pytest.mark.parametrize("written", ["2001:db8::7", "[2001:db8::7]", "[2001:DB8::0007]:4711", "2001:db8::7%eth0"])
def test_ipv6_is_read_as_proxies_write_it(written: str) -> None:
    assert found("10.0.0.1", written) == "2001:db8::7"


@pytest.mark.parametrize(
    "malformed",
    [
        "",
        "unknown",
        "_hidden",
        "198.51.100",
        "198.51.100.7.8",
        "198.51.100.256",
        "198.051.100.7",
        "198.51.100.7:",
        "198.51.100.7:123456",
        "[198.51.100.7",
        "[2001:db8::7]x",
        "2001:db8::g",
        "١٩٨.51.100.7",
        "198.51.100.7\x00",
        "198.51.100.7/32",
        '"198.51.100.7"',
        "for=198.51.100.7",
    ],
)
def test_what_cannot_be_read_ends_the_walk_at_the_proxy_that_passed_it_on(malformed: str) -> None:
    assert found("10.0.0.1", f"1.1.1.1, {malformed}, 10.0.0.2") == "10.0.0.2"


@pytest.mark.parametrize("peer", [None, "", "testclient", "/run/tracker.sock"])
def test_a_peer_without_an_address_is_nobody_and_is_not_believed(peer: str | None) -> None:
    assert found(peer, "198.51.100.7") is None


def test_a_proxy_that_is_named_by_ipv4_is_known_by_ipv6_too() -> None:
    assert found("::ffff:10.0.0.1", "198.51.100.7") == "198.51.100.7"


def test_without_trusted_proxies_only_the_peer_counts() -> None:
    assert client_address("10.0.0.1", ["198.51.100.7"], []) == ip_address("10.0.0.1")


def test_a_chain_that_goes_on_and_on_is_followed_only_so_far() -> None:
    chain = ", ".join(["198.51.100.7"] + ["10.0.0.2"] * MOST_HOPS)
    assert found("10.0.0.1", chain) == "10.0.0.2"


@given(st.lists(st.text(max_size=60), max_size=5))
def test_what_a_stranger_says_changes_nothing(forwarded: list[str]) -> None:
    assert found("192.0.2.1", *forwarded) == "192.0.2.1"


@given(st.lists(st.text(max_size=60), max_size=5), st.ip_addresses(v=4).filter(lambda each: each not in PROXIES[0]))
def test_what_stands_before_the_nearest_stranger_changes_nothing(forged: list[str], nearest: object) -> None:
    assert found("10.0.0.1", *forged, f"{nearest}, 10.0.0.2") == str(nearest)
