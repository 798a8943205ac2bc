"""Making and reading tokens."""

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.access.tokens import PATTERN, Credentials, IssuerToken, make_token, parse_authorization

TOKEN = "trk_0123456789abcdef_" + "s" * 43
CREDENTIALS = Credentials("0123456789abcdef", "s" * 43)


def basic(user_and_password: str) -> str:
    return "Basic " + base64.b64encode(user_and_password.encode()).decode()


def test_a_token_carries_its_id_and_a_secret_of_256_bits() -> None:
    token, public_id, _ = make_token()
    found = PATTERN.fullmatch(token)
    assert found is not None
    assert found[1] == public_id
    assert len(base64.urlsafe_b64decode(found[2] + "=")) == 32


def test_of_the_secret_only_the_sha_256_is_kept() -> None:
    token, _, digest = make_token()
    assert digest == hashlib.sha256(token.split("_", 2)[2].encode()).hexdigest()


def test_no_two_tokens_are_alike() -> None:
    made = [make_token() for _ in range(100)]
    assert len({token for token, *_ in made}) == len({public_id for _, public_id, _ in made}) == 100


def test_a_token_holds_for_its_own_digest_and_no_other() -> None:
    (token, _, digest), (_, _, other) = make_token(), make_token()
    shown = parse_authorization(f"Bearer {token}")
    assert isinstance(shown, Credentials)
    assert (shown.hold_for(digest), shown.hold_for(other)) == (True, False)


@pytest.mark.parametrize(
    "header",
    [
        f"Bearer {TOKEN}",
        f"bearer {TOKEN}",
        f"BEARER   {TOKEN}  ",
        basic(f":{TOKEN}"),
        basic(f"anyone:{TOKEN}"),
        basic(f"trk:{TOKEN}").replace("Basic", "basic"),
    ],
)
def test_a_token_is_found_in_the_header(header: str) -> None:
    assert parse_authorization(header) == CREDENTIALS


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        TOKEN,
        f"Token {TOKEN}",
        f"Bearer {TOKEN} more",
        f"Bearer {TOKEN}\n\nx",
        f"Bearer {TOKEN.upper()}",
        f"Bearer {TOKEN[:-22]}",
        f"Bearer {TOKEN}é",
        f"Bearer {TOKEN}{'s' * 1000}",
        "Bearer trk_0123456789abcde_" + "s" * 43,
        "Bearer trk_٠123456789abcdef_" + "s" * 43,
        basic(TOKEN),
        basic(f"user:{TOKEN}:more"),
        basic(f"user:{TOKEN}")[:-3],
        "Basic ****",
        "Basic " + base64.b64encode(b"user:\xff").decode(),
    ],
)
def test_what_is_no_token_is_nobody(header: str) -> None:
    assert parse_authorization(header) is None


@given(st.text(max_size=300), st.sampled_from(["", "Bearer ", "Basic "]))
def test_any_header_whatever_is_read_or_refused(text: str, scheme: str) -> None:
    found = parse_authorization(scheme + text)
    if isinstance(found, Credentials):
        assert PATTERN.fullmatch(f"trk_{found.public_id}_{found.secret}")
    else:
        assert found is None or (isinstance(found, IssuerToken) and found.text.count(".") == 2)


def test_credentials_never_print_their_secret() -> None:
    assert CREDENTIALS.secret not in f"{CREDENTIALS} {CREDENTIALS!r}"
