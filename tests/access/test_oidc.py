"""Access tokens of an OpenID Connect issuer: which are taken, and that no other is."""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OctKey, RSAKey

from service.access.claims import FederatedIdentity
from service.access.oidc import Issuer
from service.access.roles import Role
from service.core.errors import Unauthenticated
from tests.access.issuer import (
    AUDIENCE,
    MISSING,
    NOW,
    OTHER_TENANT,
    PERSON,
    PROGRAM,
    SECOND,
    TENANT,
    MockIssuer,
    after,
    base64url,
    by,
    claims,
    compact,
    program_claims,
    public,
    serving_issuer,
)

SECRET = b"a secret that ought to be nowhere"
HEADER = {"alg": "RS256", "kid": "good", "typ": "JWT"}


def refused() -> Unauthenticated:
    return Unauthenticated("Sign in.")


class Stage:
    """An issuer with keys of every kind, and a service that takes its tokens."""

    def __init__(self, mock: MockIssuer) -> None:
        self.mock = mock
        self.good, self.stranger = RSAKey.generate_key(2048), RSAKey.generate_key(2048)
        self.elliptic = ECKey.generate_key("P-256")
        self.small = generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 It is to be refused.
        self.secret = OctKey.import_key(SECRET)
        numbers = self.small.public_key().public_numbers()
        mock.keys = [
            "no key",
            {"kty": "RSA", "kid": "cut", "n": "AQAB"},
            {"kty": "EC", "kid": "off-curve", "crv": "P-256", "x": base64url(b"x" * 32), "y": base64url(b"y" * 32)},
            {"kty": "RSA", "kid": "small", "e": "AQAB", "n": base64url(numbers.n.to_bytes(128))},
            {"kty": "RSA", "kid": "large", "e": "AQAB", "n": base64url((2**8191 + 1).to_bytes(1024))},
            {"kty": "oct", "kid": "secret", "k": base64url(SECRET)},
            public(self.good, kid="good", use="sig", x5c=["not looked at"]),
            public(self.stranger, kid="good", use="sig"),
            public(self.elliptic, kid="elliptic", use="sig"),
            public(self.good, kid="for-encryption", use="enc"),
            public(self.good, kid="for-rs512", use="sig", alg="RS512"),
            public(self.good, kid="for-signing-alone", key_ops=["sign"]),
            public(self.good, kid="of-another-issuer", issuer="https://another.example/{tenantid}/v2.0"),
            public(self.good, kid="of-this-issuer", issuer=mock.issuer),
        ]
        self.settings = mock.settings()
        self.issuer = Issuer(self.settings, refused)

    def verify(self, token: str, now: datetime = NOW) -> FederatedIdentity:
        return asyncio.run(self.issuer.verify(token, now))

    def claims(self, **changes: Any) -> dict[str, Any]:
        return claims(self.mock.issuer, **changes)

    def token(self, header: dict[str, Any] | None = None, payload: Any = None, **changes: Any) -> str:
        """Return a token signed by the good key, with these changes to its claims."""
        written = self.claims(**changes) if payload is None else payload
        return compact({**HEADER, **(header or {})}, written, by("RS256", self.good))

    def program_token(self, **changes: Any) -> str:
        return compact(HEADER, program_claims(self.mock.issuer, **changes), by("RS256", self.good))


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with serving_issuer() as mock:
        yield Stage(mock)


def test_a_person_is_known_by_tenant_and_object_id(stage: Stage) -> None:
    assert stage.verify(stage.token()) == FederatedIdentity(
        tenant=TENANT,
        object_id=PERSON,
        name="Asha Patel",
        email="asha.patel@council.example",
        grants=frozenset({(Role.MANAGER, "lcc-public-health")}),
        expires_at=datetime.fromtimestamp(SECOND + 3660, UTC),
    )


def test_a_program_is_known_by_its_object_id_and_has_its_roles(stage: Stage) -> None:
    found = stage.verify(stage.program_token(roles=["viewer:lcc"]))
    assert (found.object_id, found.name, found.email) == (PROGRAM, PROGRAM, None)
    assert found.grants == {(Role.VIEWER, "lcc")}


GOOD: dict[str, Callable[[Stage], str]] = {
    "type in lower case": lambda s: s.token({"typ": "jwt"}),
    "type of RFC 9068": lambda s: s.token({"typ": "at+jwt"}),
    "no type": lambda s: compact({"alg": "RS256", "kid": "good"}, s.claims(), by("RS256", s.good)),
    "thumbprints beside the key id": lambda s: s.token({"x5t": "good", "x5t#S256": "good"}),
    "a key that names its issuer": lambda s: s.token({"kid": "of-this-issuer"}),
    "one audience of several": lambda s: s.token(aud=["another", AUDIENCE]),
    "one scope of several": lambda s: s.token(scp="profile access_as_user"),
    "kind said": lambda s: s.token(idtyp="user"),
    "scope without roles": lambda s: s.token(roles=MISSING),
    "no roles": lambda s: s.token(roles=[]),
    "no nbf": lambda s: s.token(nbf=MISSING),
    "begins within the leeway": lambda s: s.token(iat=SECOND + 60, nbf=SECOND + 60),
    "ended within the leeway": lambda s: s.token(iat=SECOND - 3600, exp=SECOND - 59),
    "lives for a day": lambda s: s.token(exp=SECOND + 24 * 3600),
    "times with a fraction": lambda s: s.token(iat=SECOND - 0.5, exp=SECOND + 0.5),
    "program by subject": lambda s: s.program_token(idtyp=MISSING),
}


@pytest.mark.parametrize("make", GOOD.values(), ids=GOOD)
def test_a_good_token_is_taken(stage: Stage, make: Callable[[Stage], str]) -> None:
    assert stage.verify(make(stage)).tenant == TENANT


def unsigned(_: bytes) -> bytes:
    return b""


def with_public_key_as_secret(stage: Stage) -> str:
    secret = stage.good.as_pem(private=False)
    return compact({**HEADER, "alg": "HS256"}, stage.claims(), lambda text: hmac.digest(secret, text, hashlib.sha256))


def with_signature(token: str, change: Callable[[bytes], bytes]) -> str:
    head, _, signature = token.rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    return f"{head}.{base64url(change(raw))}"


def with_payload_of(stage: Stage, **changes: Any) -> str:
    """Return a token whose claims were changed after it was signed."""
    (head, _, signature), (_, payload, _) = stage.token().split("."), stage.token(**changes).split(".")
    return f"{head}.{payload}.{signature}"


FORM, SIGNATURE, ALGORITHM, KEY = "have the form", "signature does not hold", "another algorithm", "key is not one"
HEADER_NAME, HEADER_JSON, CLAIMS_JSON = "header holds", "header cannot be read as JSON", "claims cannot be read as JSON"
BAD_FORMS: dict[str, tuple[str, Callable[[Stage], str]]] = {
    "empty": (FORM, lambda _: ""),
    "no token": (FORM, lambda _: "trk_0123456789abcdef_" + "s" * 43),
    "dots alone": (FORM, lambda _: ".."),
    "two parts": (FORM, lambda s: s.token().rpartition(".")[0]),
    "four parts": (FORM, lambda s: s.token() + ".AAAA"),
    "five parts, encrypted": (FORM, lambda s: s.token() + ".AAAA.AAAA"),
    "JSON in place of the compact form": (FORM, lambda s: json.dumps({"payload": s.token()})),
    "empty signature": (FORM, lambda s: s.token().rpartition(".")[0] + "."),
    "empty payload": (FORM, lambda s: compact(HEADER, b"", by("RS256", s.good))),
    "detached payload": (FORM, lambda s: ".".join([s.token().split(".")[0], "", s.token().split(".")[2]])),
    "space before": (FORM, lambda s: " " + s.token()),
    "line end after": (FORM, lambda s: s.token() + "\n"),
    "space within": (FORM, lambda s: s.token().replace(".", ". ", 1)),
    "padding": (FORM, lambda s: s.token() + "="),
    "base64 that is not for URLs": (FORM, lambda s: s.token() + "+/"),
    "letter that is not ASCII": (FORM, lambda s: s.token().replace("e", "е", 1)),
    "digit that is not ASCII": (FORM, lambda s: s.token() + "٣"),
    "NUL": (FORM, lambda s: s.token() + "\x00"),
    "lone surrogate": (FORM, lambda s: s.token() + "\ud800"),
    "huge": (FORM, lambda s: s.token(more="x" * 8192)),
    "header that is no base64": ("base64url", lambda s: "A" + s.token()),
    "header that is no JSON": (HEADER_JSON, lambda s: compact(b"{alg:RS256}", s.claims(), by("RS256", s.good))),
    "header that is no UTF-8": (HEADER_JSON, lambda s: compact(b'{"alg":"\xff"}', s.claims(), by("RS256", s.good))),
    "header that is no object": (
        "header is no JSON object",
        lambda s: compact(b'["alg","kid"]', s.claims(), by("RS256", s.good)),
    ),
    "header that names the algorithm twice": (
        HEADER_JSON,
        lambda s: compact(b'{"alg":"none","kid":"good","alg":"RS256"}', s.claims(), by("RS256", s.good)),
    ),
    "header that nests without end": (
        HEADER_JSON,
        lambda s: compact(b'{"alg":' + b"[" * 3000, s.claims(), by("RS256", s.good)),
    ),
    "payload that is no JSON": (CLAIMS_JSON, lambda s: s.token(payload=b"sub=1")),
    "payload that is no UTF-8": (CLAIMS_JSON, lambda s: s.token(payload=b'{"name":"\xff"}')),
    "payload that is no object": ("claims is no JSON object", lambda s: s.token(payload=[s.claims()])),
    "payload that is null": ("claims is no JSON object", lambda s: s.token(payload=b"null")),
    "payload that nests without end": (CLAIMS_JSON, lambda s: s.token(payload=b"[" * 3000)),
    "payload that names a claim twice": (
        CLAIMS_JSON,
        lambda s: s.token(
            payload=json.dumps(s.claims(aud="another")).encode()[:-1] + f',"aud":"{AUDIENCE}"}}'.encode()
        ),
    ),
    "payload that is packed": (CLAIMS_JSON, lambda s: s.token(payload=b"x\x9c\xabV\x02")),
}
BAD_HEADERS: dict[str, tuple[str, Callable[[Stage], str]]] = {
    "no algorithm": (ALGORITHM, lambda s: compact({"kid": "good"}, s.claims(), by("RS256", s.good))),
    "algorithm none": (ALGORITHM, lambda s: s.token({"alg": "none"})),
    "algorithm none in other letters": (ALGORITHM, lambda s: s.token({"alg": "nOnE"})),
    "algorithm none without a signature": (FORM, lambda s: compact({**HEADER, "alg": "none"}, s.claims(), unsigned)),
    "algorithm in lower case": (ALGORITHM, lambda s: s.token({"alg": "rs256"})),
    "algorithm with a space": (ALGORITHM, lambda s: s.token({"alg": "RS256 "})),
    "algorithm that is null": (ALGORITHM, lambda s: s.token({"alg": None})),
    "algorithm that is a list": (ALGORITHM, lambda s: s.token({"alg": ["RS256"]})),
    "algorithm that is not configured": (
        ALGORITHM,
        lambda s: compact({**HEADER, "alg": "RS512"}, s.claims(), by("RS512", s.good)),
    ),
    "elliptic algorithm that is not configured": (
        ALGORITHM,
        lambda s: compact({**HEADER, "alg": "ES256", "kid": "elliptic"}, s.claims(), by("ES256", s.elliptic)),
    ),
    "public key as the secret of HS256": (ALGORITHM, with_public_key_as_secret),
    "secret among the keys, HS256": (
        ALGORITHM,
        lambda s: compact({**HEADER, "alg": "HS256", "kid": "secret"}, s.claims(), by("HS256", s.secret)),
    ),
    "secret among the keys": (KEY, lambda s: s.token({"kid": "secret"})),
    "elliptic key for RS256": (SIGNATURE, lambda s: s.token({"kid": "elliptic"})),
    "key for encryption": (KEY, lambda s: s.token({"kid": "for-encryption"})),
    "key for another algorithm": (SIGNATURE, lambda s: s.token({"kid": "for-rs512"})),
    "key that may only sign": (KEY, lambda s: s.token({"kid": "for-signing-alone"})),
    "key of another issuer": ("key signs for another", lambda s: s.token({"kid": "of-another-issuer"})),
    "key that is too small": (
        KEY,
        lambda s: compact({**HEADER, "kid": "small"}, s.claims(), by("RS256", RSAKey(s.small, s.small))),
    ),
    "key that is too large": (KEY, lambda s: s.token({"kid": "large"})),
    "key that cannot be read": (KEY, lambda s: s.token({"kid": "cut"})),
    "key that is not on its curve": (KEY, lambda s: s.token({"kid": "off-curve"})),
    "no key id": ("names no key", lambda s: compact({"alg": "RS256"}, s.claims(), by("RS256", s.good))),
    "empty key id": ("names no key", lambda s: s.token({"kid": ""})),
    "key id that is a number": ("names no key", lambda s: s.token({"kid": 1})),
    "key id that is a list": ("names no key", lambda s: s.token({"kid": ["good"]})),
    "unknown key": (KEY, lambda s: s.token({"kid": "unknown"})),
    "key id in other letters": (KEY, lambda s: s.token({"kid": "Good"})),
    "key id that is a path": (KEY, lambda s: s.token({"kid": "../../../../dev/null"})),
    "another key of the set": (SIGNATURE, lambda s: compact(HEADER, s.claims(), by("RS256", s.stranger))),
    "key that the token brings": (
        HEADER_NAME,
        lambda s: compact({**HEADER, "jwk": public(s.stranger)}, s.claims(), by("RS256", s.stranger)),
    ),
    "address of a key set": (HEADER_NAME, lambda s: s.token({"jku": "https://thief.example/keys"})),
    "address of a certificate": (HEADER_NAME, lambda s: s.token({"x5u": "https://thief.example/key.pem"})),
    "certificates": (HEADER_NAME, lambda s: s.token({"x5c": ["MIIB"]})),
    "critical extension": (HEADER_NAME, lambda s: s.token({"crit": ["exp"], "exp": SECOND})),
    "empty list of critical extensions": (HEADER_NAME, lambda s: s.token({"crit": []})),
    "payload as it is": (HEADER_NAME, lambda s: s.token({"b64": False, "crit": ["b64"]})),
    "payload as it is, not critical": (HEADER_NAME, lambda s: s.token({"b64": False})),
    "encrypted": (HEADER_NAME, lambda s: s.token({"enc": "A256GCM"})),
    "packed": (HEADER_NAME, lambda s: s.token({"zip": "DEF"})),
    "token within a token": (HEADER_NAME, lambda s: s.token({"cty": "JWT"})),
    "proof of possession": ("another type", lambda s: s.token({"typ": "dpop+jwt"})),
    "logout token": ("another type", lambda s: s.token({"typ": "logout+jwt"})),
    "type that is no text": ("another type", lambda s: s.token({"typ": None})),
    "type that is empty": ("another type", lambda s: s.token({"typ": ""})),
}
BAD_SIGNATURES: dict[str, tuple[str, Callable[[Stage], str]]] = {
    "one bit other": (
        SIGNATURE,
        lambda s: with_signature(s.token(), lambda raw: raw[:-1] + bytes([raw[-1] ^ 1])),
    ),
    "cut": (SIGNATURE, lambda s: with_signature(s.token(), lambda raw: raw[:-1])),
    "longer": (SIGNATURE, lambda s: with_signature(s.token(), lambda raw: raw + b"\x00")),
    "zero": (SIGNATURE, lambda s: with_signature(s.token(), lambda raw: b"\x00" * len(raw))),
    "of the other padding": (SIGNATURE, lambda s: compact(HEADER, s.claims(), by("PS256", s.good))),
    "of another token": (SIGNATURE, lambda s: with_payload_of(s, oid=PROGRAM)),
    "other letters for the same bits": (SIGNATURE, lambda s: s.token()[:-1] + "B"),
}
AUDIENCES, ISSUER, TENANTS, KIND = (
    "for another audience",
    "of another issuer",
    "tenant is not one",
    "neither of a person",
)
BAD_CLAIMS: dict[str, tuple[str, dict[str, Any]]] = {
    "no issuer": (ISSUER, {"iss": MISSING}),
    "another issuer": (ISSUER, {"iss": "https://thief.example/v2.0"}),
    "issuer with a slash more": (ISSUER, {"iss": lambda issuer: f"{issuer}/"}),
    "issuer in capitals": (ISSUER, {"iss": str.upper}),
    "issuer in a list": (ISSUER, {"iss": lambda issuer: [issuer]}),
    "issuer of version 1": (ISSUER, {"iss": f"https://sts.windows.net/{TENANT}/", "ver": "1.0"}),
    "no audience": ("audience cannot be read", {"aud": MISSING}),
    "another audience": (AUDIENCES, {"aud": "another"}),
    "audience in capitals": (AUDIENCES, {"aud": AUDIENCE.upper()}),
    "start of the audience": (AUDIENCES, {"aud": AUDIENCE[:8]}),
    "audience as an address": (AUDIENCES, {"aud": f"api://{AUDIENCE}"}),
    "list without our audience": (AUDIENCES, {"aud": ["another", "third"]}),
    "empty list of audiences": (AUDIENCES, {"aud": []}),
    "audience in a list in a list": ("audience cannot be read", {"aud": [[AUDIENCE]]}),
    "audience in an object": ("audience cannot be read", {"aud": {AUDIENCE: True}}),
    "audience that is a number": ("audience cannot be read", {"aud": 1}),
    "audiences without end": ("audience cannot be read", {"aud": [AUDIENCE] * 11}),
    "no tenant": ("tid is missing", {"tid": MISSING}),
    "another tenant": (TENANTS, {"tid": OTHER_TENANT}),
    "tenant in capitals": (TENANTS, {"tid": TENANT.upper()}),
    "tenant in a list": ("tid is missing", {"tid": [TENANT]}),
    "tenant with a line end": ("tid is missing", {"tid": f"{TENANT}\n"}),
    "empty tenant": ("tid is missing", {"tid": ""}),
    "no object id": ("oid is missing", {"oid": MISSING}),
    "empty object id": ("oid is missing", {"oid": ""}),
    "object id that is a number": ("oid is missing", {"oid": 7}),
    "object id with NUL": ("oid is missing", {"oid": f"{PERSON}\x00"}),
    "object id without end": ("oid is missing", {"oid": "4" * 101}),
    "no end": ("exp is no time", {"exp": MISSING}),
    "over": ("it is over", {"iat": SECOND - 3600, "nbf": SECOND - 3600, "exp": SECOND - 60}),
    "over since long": ("it is over", {"iat": 1, "nbf": 1, "exp": 3600}),
    "ends before it was made": ("lives too long", {"exp": SECOND - 1}),
    "lives for more than a day": ("lives too long", {"exp": SECOND + 24 * 3600 + 1}),
    "lives for ever": ("exp is no time", {"exp": 2**62}),
    "end as a text": ("exp is no time", {"exp": str(SECOND + 3600)}),
    "end as a date": ("exp is no time", {"exp": "2018-12-10T10:30:00Z"}),
    "end that is true": ("exp is no time", {"exp": True}),
    "end that is null": ("exp is no time", {"exp": None}),
    "end in a list": ("exp is no time", {"exp": [SECOND + 3600]}),
    "end that is no number": (CLAIMS_JSON, {"exp": float("nan")}),
    "end without end": (CLAIMS_JSON, {"exp": float("inf")}),
    "end of hundreds of digits": (CLAIMS_JSON, {"exp": 10**400}),
    "end before the epoch": ("exp is no time", {"exp": -SECOND}),
    "not made yet": ("has not begun", {"iat": SECOND + 61}),
    "no time of making": ("iat is no time", {"iat": MISSING}),
    "time of making as a text": ("iat is no time", {"iat": str(SECOND)}),
    "time of making that is true": ("iat is no time", {"iat": True}),
    "not begun yet": ("has not begun", {"nbf": SECOND + 61}),
    "begin as a text": ("nbf is no time", {"nbf": str(SECOND)}),
    "begin that is null": ("nbf is no time", {"nbf": None}),
    "begin that is false": ("nbf is no time", {"nbf": False}),
    "neither scope nor roles": (KIND, {"scp": MISSING, "roles": MISSING}),
    "another scope": (KIND, {"scp": "openid profile"}),
    "scope that begins like ours": (KIND, {"scp": "access_as_user_of_another"}),
    "scope in capitals": (KIND, {"scp": "ACCESS_AS_USER"}),
    "empty scope": (KIND, {"scp": ""}),
    "scopes in a list": (KIND, {"scp": ["access_as_user"]}),
    "scope under another name": (KIND, {"scp": MISSING, "roles": MISSING, "scope": "access_as_user"}),
    "ID token, which has no scope": (KIND, {"scp": MISSING}),
    "ID token of a client that asked for a nonce": ("ID token", {"scp": MISSING, "nonce": "n-0S6_WzA2Mj"}),
    "ID token with the hash of an access token": ("ID token", {"at_hash": "77QmUPtjPfzWtF2AnpK9RQ"}),
    "ID token with the hash of a code": ("ID token", {"c_hash": "LDktKdoQak3Pk0cnXxCltA"}),
    "person without a scope": (KIND, {"scp": MISSING, "idtyp": "user"}),
    "program with a scope": (KIND, {"idtyp": "app"}),
    "device": (KIND, {"idtyp": "device"}),
    "kind in a list": (KIND, {"idtyp": ["user"]}),
    "kind that is null": (KIND, {"idtyp": None}),
    "program without roles": (KIND, {"scp": MISSING, "idtyp": "app", "roles": []}),
    "roles as a text": ("roles cannot be read", {"roles": "manager:lcc"}),
    "roles that are no texts": ("roles cannot be read", {"roles": [["manager:lcc"]]}),
    "roles that are null": ("roles cannot be read", {"roles": None}),
}


def with_claims(changes: dict[str, Any]) -> Callable[[Stage], str]:
    """Return what makes a token with these changes; one that can be called makes its value from the issuer."""

    def make(stage: Stage) -> str:
        issuer = stage.mock.issuer
        changed: dict[str, Any] = {name: value(issuer) if callable(value) else value for name, value in changes.items()}
        return stage.token(**changed)

    return make


BAD = {
    **{f"form: {name}": each for name, each in BAD_FORMS.items()},
    **{f"header: {name}": each for name, each in BAD_HEADERS.items()},
    **{f"signature: {name}": each for name, each in BAD_SIGNATURES.items()},
    **{f"claims: {name}": (why, with_claims(changes)) for name, (why, changes) in BAD_CLAIMS.items()},
}


@pytest.mark.parametrize(("why", "make"), BAD.values(), ids=BAD)
def test_a_bad_token_is_refused_for_what_is_bad_about_it(
    stage: Stage, why: str, make: Callable[[Stage], str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "tracker.oidc"), pytest.raises(Unauthenticated):
        stage.verify(make(stage))
    assert why in caplog.text


@pytest.mark.parametrize("make", [make for _, make in BAD.values()], ids=BAD)
def test_every_refusal_reads_the_same_and_holds_nothing_of_the_token(
    stage: Stage, make: Callable[[Stage], str], caplog: pytest.LogCaptureFixture
) -> None:
    token = make(stage)
    with caplog.at_level(logging.DEBUG), pytest.raises(Unauthenticated) as error:
        stage.verify(token)
    assert error.value.detail == "Sign in."
    assert error.value.__suppress_context__ or error.value.__context__ is None
    written = f"{caplog.text}{error.value!r}"
    assert not [part for part in token.split(".") if len(part) > 20 and part in written]


def test_an_identity_and_a_read_token_print_nothing_of_the_token(stage: Stage) -> None:
    from service.access.signatures import read_signed_token  # noqa: PLC0415

    token = stage.token()
    printed = f"{stage.verify(token)!r}{read_signed_token(token, ['RS256'])!r}"
    assert not [part for part in token.split(".") if part in printed]


@pytest.mark.parametrize(("algorithm", "kid"), [("RS512", "for-rs512"), ("PS256", "good"), ("ES256", "elliptic")])
def test_other_algorithms_are_taken_where_they_are_configured(stage: Stage, algorithm: str, kid: str) -> None:
    issuer = Issuer(stage.mock.settings(oidc_algorithms=algorithm), refused)
    key = stage.elliptic if algorithm == "ES256" else stage.good
    token = compact({**HEADER, "alg": algorithm, "kid": kid}, stage.claims(), by(algorithm, key))
    assert asyncio.run(issuer.verify(token, NOW)).object_id == PERSON


def test_an_elliptic_key_serves_its_own_curve_alone(stage: Stage) -> None:
    issuer = Issuer(stage.mock.settings(oidc_algorithms="ES256,ES384"), refused)
    token = compact({**HEADER, "alg": "ES384", "kid": "elliptic"}, stage.claims(), by("ES384", stage.elliptic))
    with pytest.raises(Unauthenticated):
        asyncio.run(issuer.verify(token, NOW))


def test_a_token_is_over_a_minute_after_its_end(stage: Stage) -> None:
    token = stage.token()
    expires_at = stage.verify(token, after(seconds=3659.999)).expires_at
    assert expires_at == after(seconds=3660)
    with pytest.raises(Unauthenticated):
        stage.verify(token, expires_at)


def test_any_of_several_audiences_will_do(stage: Stage) -> None:
    issuer = Issuer(stage.mock.settings(oidc_audience=f"another,api://{AUDIENCE}"), refused)
    token = stage.token(aud=f"api://{AUDIENCE}")
    assert asyncio.run(issuer.verify(token, NOW)).object_id == PERSON


def test_the_scope_is_the_configured_one(stage: Stage) -> None:
    issuer = Issuer(stage.mock.settings(oidc_scope="plan.use"), refused)
    assert asyncio.run(issuer.verify(stage.token(scp="plan.use"), NOW)).object_id == PERSON
    with pytest.raises(Unauthenticated):
        asyncio.run(issuer.verify(stage.token(), NOW))


@pytest.mark.parametrize(
    ("roles", "grants"),
    [
        (["manager:lcc"], {(Role.MANAGER, "lcc")}),
        (
            ["viewer:lcc", "contributor:lcc-public-health"],
            {(Role.VIEWER, "lcc"), (Role.CONTRIBUTOR, "lcc-public-health")},
        ),
        (["admin:lcc", "admin:lcc"], {(Role.ADMIN, "lcc")}),
        (["manager"], set()),
        (["manager:"], set()),
        (["manager:lcc:more", "manager: lcc", "manager:lcc\n", "manager:lcç"], set()),
        (["Manager:lcc", "owner:lcc", ":lcc", ""], set()),
        ([f"manager:{'l' * 41}"], set()),
        (["manager:*", "manager:-lcc"], set()),
        ([*["other"] * 100, "manager:lcc"], set()),
    ],
)
def test_app_roles_give_roles_for_organisations(stage: Stage, roles: list[str], grants: set[Any]) -> None:
    assert stage.verify(stage.token(roles=roles)).grants == grants


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Asha Patel", "Asha Patel"),
        ("  Asha\u00a0\tPatel\r\n", "Asha Patel"),
        ("Asha\x00 \x1b[31mPatel", "Asha [31mPatel"),
        ("\u202eletaP ahsA", "letaP ahsA"),
        ("Siân Ó Néill", "Siân Ó Néill"),
        ("x" * 1000, "x" * 300),
        ("\ud800", PERSON),
        (" \x00 ", PERSON),
        ("", PERSON),
        (None, PERSON),
        (["Asha"], PERSON),
        (MISSING, PERSON),
    ],
)
def test_a_name_can_be_kept_and_shown(stage: Stage, name: Any, shown: str) -> None:
    assert stage.verify(stage.token(name=name)).name == shown


@pytest.mark.parametrize(
    ("changes", "email"),
    [
        ({"email": "a@b.example"}, "a@b.example"),
        ({"email": "not one"}, "asha.patel@council.example"),
        ({"preferred_username": MISSING, "upn": "a@b.example"}, "a@b.example"),
        ({"preferred_username": "a@b.example\x00"}, None),
        ({"preferred_username": "\ud800@b.example"}, None),
        ({"preferred_username": f"{'a' * 250}@b.example"}, None),
        ({"preferred_username": 7}, None),
    ],
)
def test_an_email_address_is_shown_where_there_is_one(stage: Stage, changes: dict[str, Any], email: str | None) -> None:
    assert stage.verify(stage.token(**changes)).email == email


def test_one_address_held_by_two_people_makes_them_no_one_user(stage: Stage) -> None:
    one, other = (stage.verify(stage.token(oid=oid)) for oid in (PERSON, PROGRAM))
    assert (one.email, one.object_id == other.object_id) == (other.email, False)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(text=st.text(max_size=200) | st.from_regex(r"[A-Za-z0-9_-]{1,40}(\.[A-Za-z0-9_-]{1,40}){2}", fullmatch=True))
def test_any_text_whatever_is_refused(stage: Stage, text: str) -> None:
    with pytest.raises(Unauthenticated):
        stage.verify(text)


@given(name=st.sampled_from(["alg", "kid", "typ", "x5t"]), value=JSON_VALUES)
def test_any_value_in_the_header_is_taken_or_refused(stage: Stage, name: str, value: Any) -> None:
    with contextlib.suppress(Unauthenticated):
        assert stage.verify(stage.token({name: value})).object_id == PERSON


@given(name=st.sampled_from(sorted(claims(""))), value=JSON_VALUES)
def test_any_value_of_a_claim_is_taken_or_refused(stage: Stage, name: str, value: Any) -> None:
    try:
        found = stage.verify(stage.token(**{name: value}))
    except Unauthenticated:
        return
    assert (found.tenant, 0 < len(found.name) <= 300, found.name.isprintable()) == (TENANT, True, True)


@given(position=st.integers(0), bit=st.integers(0, 7))
def test_a_token_of_which_any_bit_is_other_is_refused(stage: Stage, position: int, bit: int) -> None:
    raw = bytearray(stage.token().encode())
    raw[position % len(raw)] ^= 1 << bit
    with pytest.raises(Unauthenticated):
        stage.verify(raw.decode("latin-1"))


class TestSeveralTenants:
    """An issuer of many tenants, of which some are ours."""

    @pytest.fixture
    def many(self, stage: Stage) -> Iterator[Issuer]:
        template = f"{stage.mock.address}/{{tenantid}}/v2.0"
        where = "/organizations/v2.0/.well-known/openid-configuration"
        document = {"issuer": template, "jwks_uri": f"{stage.mock.address}/keys"}
        stage.mock.answers[where] = (200, {}, json.dumps(document).encode())
        settings = stage.mock.settings(oidc_issuer=template, oidc_tenants=f"{TENANT}, {OTHER_TENANT}")
        yield Issuer(settings, refused)
        del stage.mock.answers[where]

    @pytest.mark.parametrize("tenant", [TENANT, OTHER_TENANT])
    def test_a_token_of_each_of_ours_is_taken(self, stage: Stage, many: Issuer, tenant: str) -> None:
        token = stage.token(tid=tenant, iss=f"{stage.mock.address}/{tenant}/v2.0")
        assert asyncio.run(many.verify(token, NOW)).tenant == tenant

    @pytest.mark.parametrize(
        ("tenant", "in_issuer"),
        [
            (TENANT, OTHER_TENANT),
            ("77777777-9999-4999-8999-777777777777", "77777777-9999-4999-8999-777777777777"),
            (TENANT, "{tenantid}"),
            (TENANT, "organizations"),
            ("organizations", "organizations"),
            ("{tenantid}", "{tenantid}"),
        ],
    )
    def test_issuer_and_tenant_must_agree_and_be_ours(
        self, stage: Stage, many: Issuer, tenant: str, in_issuer: str
    ) -> None:
        token = stage.token(tid=tenant, iss=f"{stage.mock.address}/{in_issuer}/v2.0")
        with pytest.raises(Unauthenticated):
            asyncio.run(many.verify(token, NOW))
