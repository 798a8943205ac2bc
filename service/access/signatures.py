"""Signed tokens: the compact form of a JSON Web Signature (RFC 7515), read strictly and held against a public key.

Only what is imported where an issuer is configured imports this: the library takes a good part of a start.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey
from joserfc.util import urlsafe_b64decode

from service.access.claims import Unfit
from service.core.body import read_json
from service.core.errors import Malformed

LONGEST_TOKEN = 8192
COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)
# What a header may hold. A key, or an address of one, that a token brings itself is not even looked at.
HEADER_NAMES = {"alg", "kid", "typ", "x5t", "x5t#S256"}
TYPES = {"jwt", "at+jwt", "application/at+jwt"}
CURVES = {"P-256", "P-384", "P-521"}
# Smaller ones are not safe, and checking much larger ones takes too long.
LEAST_BITS, MOST_BITS = 2048, 4096


@dataclass(frozen=True)
class SigningKey:
    """A public key of the issuer."""

    key_id: str
    key: RSAKey | ECKey = field(repr=False)
    issuer: str | None
    """The issuer that this key signs for, where the key says so: of many tenants, one may have its own."""


@dataclass(frozen=True)
class SignedToken:
    """A token whose form is right, and whose signature is still to be checked."""

    text: str = field(repr=False)
    algorithm: str
    key_id: str

    def claims_by(self, key: SigningKey) -> dict[str, Any]:
        """Return the claims that the holder of a key signed.

        Raises:
            Unfit: the signature is not of this key, the key is not for this algorithm, or what was signed is no object.
        """
        try:
            payload = jws.deserialize_compact(self.text, key.key, algorithms=[self.algorithm]).payload
        except (JoseError, ValueError):
            raise Unfit("its signature does not hold") from None
        return _read_object(payload, "its claims")


def read_signed_token(text: str, algorithms: Collection[str]) -> SignedToken:
    """Return a token that says by which of these algorithms and by which key it is signed.

    Raises:
        Unfit: it is not of three parts, is over 8 KiB, or its header is not what an access token has.
    """
    found = COMPACT.fullmatch(text) if len(text) <= LONGEST_TOKEN else None
    if found is None:
        raise Unfit("it does not have the form of a signed token")
    try:
        header = _read_object(urlsafe_b64decode(found[1].encode()), "its header")
    except ValueError:
        raise Unfit("its header is not in base64url") from None
    if not header.keys() <= HEADER_NAMES:
        raise Unfit("its header holds what is not taken")
    algorithm, key_id, kind = header.get("alg"), header.get("kid"), header.get("typ", "jwt")
    if not isinstance(algorithm, str) or algorithm not in algorithms:
        raise Unfit("it is signed by another algorithm")
    if not isinstance(key_id, str) or not key_id:
        raise Unfit("it names no key")
    if not isinstance(kind, str) or kind.lower() not in TYPES:
        raise Unfit("it is of another type")
    return SignedToken(text, algorithm, key_id)


def read_keys(raw: bytes) -> dict[str, SigningKey]:
    """Return the keys of a key set (RFC 7517) that can check signatures, by their ids.

    Raises:
        ValueError: it is no key set, or none of its keys can be used.
    """
    try:
        listed = _read_object(raw, "the key set").get("keys")
    except Unfit as fault:
        raise ValueError(str(fault)) from None
    found = [_find_key(each) for each in listed] if isinstance(listed, list) else []
    # Where an id comes twice, the first key that can be used has it.
    keys = {key.key_id: key for key in reversed(found) if key is not None}
    if not keys:
        raise ValueError("the key set holds no key that can be used")
    return keys


def _find_key(listed: object) -> SigningKey | None:
    """Return one key of a set, or None where it is not one that may check signatures; private parts are left out."""
    if not isinstance(listed, dict) or listed.get("use", "sig") != "sig" or not _may_verify(listed.get("key_ops")):
        return None
    key_id, issuer = listed.get("kid"), listed.get("issuer")
    if not isinstance(key_id, str) or not key_id or not isinstance(issuer, str | None):
        return None
    try:
        key = _import_key(listed)
    except (JoseError, ValueError, TypeError, AttributeError, KeyError):
        # A key that cannot be read does not spoil the others.
        return None
    return SigningKey(key_id, key, issuer) if key is not None else None


def _may_verify(operations: object) -> bool:
    return operations is None or (isinstance(operations, list) and "verify" in operations)


def _import_key(listed: dict[str, Any]) -> RSAKey | ECKey | None:
    # The library refuses a key that names another algorithm than the token does, so that name goes along.
    public: dict[str, Any] = {
        name: listed[name] for name in ("kty", "alg", "n", "e", "crv", "x", "y") if name in listed
    }
    if public.get("kty") == "RSA":
        bits = int.from_bytes(urlsafe_b64decode(public["n"].encode())).bit_length()
        return RSAKey.import_key(public) if LEAST_BITS <= bits <= MOST_BITS else None
    if public.get("kty") == "EC" and public.get("crv") in CURVES:
        return ECKey.import_key(public)
    return None


def _read_object(raw: bytes, what: str) -> dict[str, Any]:
    """Return a JSON object in which no name comes twice, and no number that is none."""
    try:
        content = read_json(raw)
    except Malformed:
        raise Unfit(f"{what} cannot be read as JSON") from None
    if not isinstance(content, dict):
        raise Unfit(f"{what} is no JSON object")
    return content
