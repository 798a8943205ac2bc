"""Tokens: `trk_<id>_<secret>`, of whose secret only the SHA-256 is kept."""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field

PATTERN = re.compile(r"trk_([0-9a-f]{16})_([A-Za-z0-9_-]{22,86})", re.ASCII)
ID_BYTES = 8
SECRET_BYTES = 32
DAYS_BY_DEFAULT, DAYS_AT_MOST = 90, 365
LONGEST_HEADER = 1000
# As long as a token of an issuer may be, with the scheme before it.
LONGEST_ISSUER_HEADER = 8200
PARTS_OF_SIGNED = 3


@dataclass(frozen=True)
class Credentials:
    """What a caller showed: the public id of a token and its secret, which is never printed."""

    public_id: str
    secret: str

    def __repr__(self) -> str:
        return f"Credentials({self.public_id})"

    def hold_for(self, digest: str) -> bool:
        """Tell whether the secret is the one of which this digest was kept."""
        return hmac.compare_digest(digest_of(self.secret), digest)


@dataclass(frozen=True)
class IssuerToken:
    """What may be a token that an OpenID Connect issuer signed; it is never printed."""

    text: str = field(repr=False)


def digest_of(secret: str) -> str:
    """Return the SHA-256 of a secret, in hex."""
    return hashlib.sha256(secret.encode()).hexdigest()


def make_token() -> tuple[str, str, str]:
    """Return a new token, its public id, and the digest to keep. The secret has 256 bits."""
    public_id, secret = secrets.token_hex(ID_BYTES), secrets.token_urlsafe(SECRET_BYTES)
    return f"trk_{public_id}_{secret}", public_id, digest_of(secret)


def parse_feed_key(text: str) -> Credentials | None:
    """Return the credentials in the address of a feed: `<id>_<secret>`, a token without what it begins with."""
    found = PATTERN.fullmatch(f"trk_{text}")
    return Credentials(found[1], found[2]) if found else None


def parse_authorization(header: str) -> Credentials | IssuerToken | None:
    """Return the credentials of an Authorization header: Bearer, or Basic with a token of ours as password."""
    scheme, _, rest = header.partition(" ")
    token = rest.strip()
    if scheme.lower() == "bearer" and len(token.split(".")) == PARTS_OF_SIGNED and len(header) <= LONGEST_ISSUER_HEADER:
        return IssuerToken(token)
    if len(header) > LONGEST_HEADER:
        return None
    if scheme.lower() == "basic":
        try:
            token = base64.b64decode(token, validate=True).decode().partition(":")[2]
        except (binascii.Error, ValueError):
            return None
    elif scheme.lower() != "bearer":
        return None
    found = PATTERN.fullmatch(token)
    return Credentials(found[1], found[2]) if found else None
