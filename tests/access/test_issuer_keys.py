"""The keys of an issuer: taken up when they change, held while it is away, and never asked for in a flood."""

import asyncio
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from joserfc.jwk import RSAKey

from service.access import documents
from service.access.documents import MOST_BYTES, fetch_document
from service.access.oidc import Issuer
from service.core.errors import Unauthenticated, Unavailable
from tests.access.issuer import (
    DISCOVERY,
    KEYS,
    NOW,
    PERSON,
    SECOND,
    MockIssuer,
    after,
    by,
    claims,
    compact,
    public,
    serving_issuer,
)

OLD, NEW = RSAKey.generate_key(2048), RSAKey.generate_key(2048)


def refused() -> Unauthenticated:
    return Unauthenticated("Sign in.")


def token_by(mock: MockIssuer, key: RSAKey, key_id: str, at: datetime = NOW) -> str:
    second = SECOND + int((at - NOW).total_seconds())
    made = claims(mock.issuer, iat=second, nbf=second, exp=second + 3600)
    return compact({"alg": "RS256", "kid": key_id}, made, by("RS256", key))


class Stage:
    """An issuer with one key, and a service that takes its tokens."""

    def __init__(self, mock: MockIssuer, **changes: Any) -> None:
        self.mock = mock
        self.issuer = Issuer(mock.settings(**changes), refused)

    def is_taken(self, key: RSAKey, key_id: str, at: datetime = NOW) -> bool:
        """Tell whether a token that this key signed is taken; one of another issuer's making is not."""
        try:
            return asyncio.run(self.issuer.verify(token_by(self.mock, key, key_id, at), at)).object_id == PERSON
        except Unauthenticated:
            return False


@pytest.fixture
def mock() -> Iterator[MockIssuer]:
    with serving_issuer() as mock:
        mock.keys = [public(OLD, kid="old")]
        yield mock


@pytest.fixture
def stage(mock: MockIssuer) -> Stage:
    return Stage(mock)


def test_nothing_is_fetched_before_the_first_token(stage: Stage) -> None:
    assert not stage.mock.asked


def test_keys_are_fetched_once_and_kept_for_an_hour(stage: Stage) -> None:
    for minutes in (0, 2, 59.9):
        assert stage.is_taken(OLD, "old", after(minutes=minutes))
    assert stage.mock.asked == {DISCOVERY: 1, KEYS: 1}
    assert stage.is_taken(OLD, "old", after(minutes=60))
    assert stage.mock.asked == {DISCOVERY: 2, KEYS: 2}


def test_a_new_key_is_taken_up_when_a_token_names_it(stage: Stage) -> None:
    assert stage.is_taken(OLD, "old")
    stage.mock.keys.append(public(NEW, kid="new"))
    assert stage.is_taken(NEW, "new", after(seconds=60))
    assert stage.is_taken(OLD, "old", after(seconds=60))


def test_a_retired_key_is_refused_once_the_keys_were_fetched_anew(stage: Stage) -> None:
    assert stage.is_taken(OLD, "old")
    stage.mock.keys = [public(NEW, kid="new")]
    assert stage.is_taken(OLD, "old", after(minutes=59))
    assert not stage.is_taken(OLD, "old", after(minutes=60))


def test_another_key_under_a_known_id_is_taken_up_within_the_hour(stage: Stage) -> None:
    assert stage.is_taken(OLD, "old")
    stage.mock.keys = [public(NEW, kid="old")]
    assert not stage.is_taken(NEW, "old", after(minutes=59))
    assert stage.is_taken(NEW, "old", after(minutes=60))


def test_tokens_of_unknown_keys_have_the_keys_fetched_once_a_minute_at_most(stage: Stage) -> None:
    for second in range(180):
        assert not stage.is_taken(NEW, f"junk-{second}", after(seconds=second))
    assert stage.mock.asked[KEYS] == 3


def test_tokens_of_unknown_keys_do_not_flood_an_issuer_that_is_away(stage: Stage) -> None:
    assert stage.is_taken(OLD, "old")
    stage.mock.break_down()
    for second in range(60, 180):
        assert not stage.is_taken(NEW, f"junk-{second}", after(seconds=second))
    assert stage.mock.asked[DISCOVERY] == 3


def test_instants_out_of_order_do_not_flood_the_issuer(stage: Stage) -> None:
    for second in (30, 10, 20, 0, 40, -20):
        assert not stage.is_taken(NEW, "junk", after(seconds=second))
    assert stage.mock.asked[KEYS] == 1


def test_a_clock_that_was_set_back_does_not_stop_keys_from_being_fetched(stage: Stage) -> None:
    assert stage.is_taken(OLD, "old", after(days=1))
    stage.mock.keys = [public(NEW, kid="new")]
    assert stage.is_taken(NEW, "new")


def test_while_the_issuer_is_away_the_keys_go_on_for_a_day(stage: Stage) -> None:
    assert stage.is_taken(OLD, "old")
    stage.mock.break_down()
    for hours in (1, 2, 12, 23.99):
        assert stage.is_taken(OLD, "old", after(hours=hours))


def test_after_a_day_without_the_issuer_no_token_is_judged(stage: Stage) -> None:
    assert stage.is_taken(OLD, "old")
    stage.mock.break_down()
    with pytest.raises(Unavailable) as error:
        stage.is_taken(OLD, "old", after(hours=24))
    assert error.value.headers == {"Retry-After": "60"}


def test_an_issuer_that_comes_back_is_taken_up_within_a_minute(stage: Stage) -> None:
    stage.mock.break_down()
    with pytest.raises(Unavailable):
        stage.is_taken(OLD, "old")
    stage.mock.answers.clear()
    with pytest.raises(Unavailable):
        stage.is_taken(OLD, "old", after(seconds=59))
    assert stage.is_taken(OLD, "old", after(seconds=60))


def test_tokens_that_come_together_have_the_keys_fetched_once(stage: Stage) -> None:
    async def many() -> list[Any]:
        tokens = [token_by(stage.mock, OLD, "old")] * 20 + [token_by(stage.mock, NEW, f"junk-{n}") for n in range(20)]
        stage.mock.held_back.clear()
        waiting = [asyncio.ensure_future(stage.issuer.verify(token, NOW)) for token in tokens]
        while not stage.mock.asked:
            await asyncio.sleep(0)
        stage.mock.held_back.set()
        return await asyncio.gather(*waiting, return_exceptions=True)

    outcomes = asyncio.run(many())
    assert [type(each).__name__ for each in outcomes] == ["FederatedIdentity"] * 20 + ["Unauthenticated"] * 20
    assert stage.mock.asked == {DISCOVERY: 1, KEYS: 1}


def test_a_caller_that_gives_up_leaves_the_fetch_to_the_next(stage: Stage) -> None:
    async def story() -> str:
        stage.mock.held_back.clear()
        token = token_by(stage.mock, OLD, "old")
        first = asyncio.ensure_future(stage.issuer.verify(token, NOW))
        while not stage.mock.asked:
            await asyncio.sleep(0)
        second = asyncio.ensure_future(stage.issuer.verify(token, NOW))
        await asyncio.sleep(0)
        first.cancel()
        stage.mock.held_back.set()
        return (await second).object_id

    assert asyncio.run(story()) == PERSON


def test_an_address_of_the_keys_that_is_configured_takes_no_discovery(mock: MockIssuer) -> None:
    stage = Stage(mock, oidc_keys_url=mock.address + KEYS)
    assert stage.is_taken(OLD, "old")
    assert mock.asked == {KEYS: 1}


def discovery(mock: MockIssuer, **changes: Any) -> bytes:
    return json.dumps({"issuer": mock.issuer, "jwks_uri": mock.address + KEYS, **changes}).encode()


@pytest.mark.parametrize(
    ("path", "status", "headers", "body"),
    [
        (DISCOVERY, 404, {}, b""),
        (DISCOVERY, 500, {}, b"{}"),
        (DISCOVERY, 204, {}, b""),
        (DISCOVERY, 200, {}, b""),
        (DISCOVERY, 200, {}, b"<html>"),
        (DISCOVERY, 200, {}, b"[]"),
        (DISCOVERY, 200, {}, b"[" * 100_000),
        (DISCOVERY, 200, {}, b"{}"),
        (DISCOVERY, 200, {}, {"issuer": "https://another.example/v2.0"}),
        (DISCOVERY, 200, {}, {"issuer": None}),
        (DISCOVERY, 200, {}, {"issuer": "https://login.microsoftonline.com/{tenantid}/v2.0"}),
        (DISCOVERY, 302, {"Location": "/keys"}, b""),
        (KEYS, 302, {"Location": "/elsewhere"}, b""),
        (KEYS, 307, {"Location": "/elsewhere"}, b""),
        (KEYS, 500, {}, b""),
        (KEYS, 200, {}, b"not JSON"),
        (KEYS, 200, {}, b'"keys"'),
        (KEYS, 200, {}, b"{}"),
        (KEYS, 200, {}, b'{"keys":{}}'),
        (KEYS, 200, {}, b'{"keys":[]}'),
        (KEYS, 200, {}, b'{"keys":[],"keys":[]}'),
        (KEYS, 200, {}, b'{"keys":[{"kty":"oct","kid":"old","k":"c2VjcmV0"}]}'),
        (KEYS, 200, {}, b'{"keys":[{"kty":"RSA","kid":"old"},{"kty":["RSA"],"kid":"old"},null,7]}'),
        (KEYS, 200, {"Content-Encoding": "gzip"}, b"\x1f\x8b\x08\x00"),
        (KEYS, 200, {"Content-Length": "100"}, b'{"keys":'),
    ],
    ids=lambda value: None if isinstance(value, dict) and value.keys() <= {"Location"} else str(value)[:60],
)
def test_without_documents_that_can_be_used_no_token_is_judged(
    stage: Stage,
    path: str,
    status: int,
    headers: dict[str, str],
    body: bytes | dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    elsewhere = json.dumps({"keys": stage.mock.keys}).encode()
    stage.mock.answers["/elsewhere"] = (200, {}, elsewhere)
    written = discovery(stage.mock, **body) if isinstance(body, dict) else body
    stage.mock.answers[path] = (status, headers, written)
    with caplog.at_level(logging.WARNING), pytest.raises(Unavailable):
        stage.is_taken(OLD, "old")
    assert "the keys of the issuer could not be fetched" in caplog.text
    assert not stage.mock.asked["/elsewhere"]


@pytest.mark.parametrize("status", [201, 302, 404, 500])
def test_keys_in_an_answer_that_is_not_200_are_not_taken(stage: Stage, status: int) -> None:
    stage.mock.answers[KEYS] = (status, {}, json.dumps({"keys": stage.mock.keys}).encode())
    with pytest.raises(Unavailable):
        stage.is_taken(OLD, "old")


@pytest.mark.parametrize(
    "url",
    [
        None,
        ["http://127.0.0.1/keys"],
        "",
        "/keys",
        "http://another.example/keys",
        "http://127.0.0.1@another.example/keys",
        "ftp://127.0.0.1/keys",
        "file:///etc/passwd",
    ],
)
def test_keys_are_not_fetched_from_an_address_that_is_not_guarded(
    stage: Stage, url: object, caplog: pytest.LogCaptureFixture
) -> None:
    stage.mock.answers[DISCOVERY] = (200, {}, discovery(stage.mock, jwks_uri=url))
    with pytest.raises(Unavailable):
        stage.is_taken(OLD, "old")
    assert "names no https address for the keys" in caplog.text


def test_a_document_as_large_as_is_taken_can_be_read(stage: Stage) -> None:
    small = json.dumps({"keys": stage.mock.keys}).encode()
    stage.mock.answers[KEYS] = (200, {}, small.ljust(MOST_BYTES))
    assert stage.is_taken(OLD, "old")


def test_a_larger_document_is_not_read(stage: Stage) -> None:
    small = json.dumps({"keys": stage.mock.keys}).encode()
    stage.mock.answers[KEYS] = (200, {}, small.ljust(MOST_BYTES + 1))
    with pytest.raises(Unavailable):
        stage.is_taken(OLD, "old")


def test_keys_of_kinds_that_are_not_known_do_not_spoil_the_others(stage: Stage) -> None:
    stage.mock.keys = [{"kty": "AKP", "kid": "new"}, {"kty": "OKP", "crv": "Ed25519"}, *stage.mock.keys]
    assert stage.is_taken(OLD, "old")


def test_private_parts_of_a_key_are_not_kept(stage: Stage) -> None:
    stage.mock.keys = [{**OLD.as_dict(private=True), "kid": "old"}]
    assert stage.is_taken(OLD, "old")
    (key,) = stage.issuer._keys._keys.values()
    assert not key.key.is_private


def test_an_issuer_where_nobody_listens_cannot_be_reached(mock: MockIssuer) -> None:
    stage = Stage(mock, oidc_keys_url="http://127.0.0.1:1/keys")
    with pytest.raises(Unavailable):
        stage.is_taken(OLD, "old")


def test_an_issuer_that_keeps_silent_is_not_waited_for(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "LONGEST_SECONDS", 0.05)

    async def story() -> None:
        stage.mock.held_back.clear()
        try:
            async with asyncio.timeout(2):
                await stage.issuer.verify(token_by(stage.mock, OLD, "old"), NOW)
        finally:
            stage.mock.held_back.set()

    with pytest.raises(Unavailable):
        asyncio.run(story())


def test_a_document_that_comes_byte_by_byte_is_given_up(mock: MockIssuer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "LONGEST_SECONDS", 0)
    with pytest.raises(TimeoutError, match="took too long"):
        documents._fetch(mock.address + KEYS)


@pytest.mark.parametrize("url", ["file:///etc/hostname", "data:application/json,{}", "ftp://127.0.0.1/keys"])
def test_nothing_but_http_is_opened(url: str) -> None:
    with pytest.raises(OSError, match="unknown url type"):
        asyncio.run(fetch_document(url))


def test_a_service_without_an_issuer_does_not_load_the_library() -> None:
    loads = "import sys, service.main; sys.exit('joserfc' in sys.modules or 'cryptography' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", loads], check=False).returncode == 0  # noqa: S603
