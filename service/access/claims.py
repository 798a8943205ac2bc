"""What the claims of an access token say of who is calling: pure, the signature is checked before.

The claims are those of Microsoft Entra ID (learn.microsoft.com/entra/identity-platform/access-token-claims-reference)
and of RFC 9068.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from service.access.roles import Role
from service.settings import TENANT_PLACE, Settings

# Clocks of two machines differ by no more, and no token that is worth taking lives longer.
LEEWAY_SECONDS = 60
LONGEST_LIFE_SECONDS = 24 * 3600
# Beyond the year 36000 nothing is a time, and arithmetic stays exact.
LAST_SECOND = 2**40
MOST_AUDIENCES = 10
MOST_ROLES = 100
LONGEST_NAME = 300
LONGEST_EMAIL = 254
IDENTIFIER = re.compile(r"[!-~]{1,100}")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
GRANT = re.compile(rf"({'|'.join(Role)}):([A-Za-z0-9][A-Za-z0-9-]{{0,39}})", re.ASCII)
# Only a token that tells a client who signed in has these; it is no key to an API.
OF_ID_TOKENS = {"nonce", "at_hash", "c_hash", "s_hash"}


class Unfit(Exception):
    """A token does not hold. The text says why, in words of ours alone, so that it may stand in a log."""


@dataclass(frozen=True)
class FederatedIdentity:
    """Who an issuer says is calling: a user is known by tenant and object id, and by nothing else.

    Name and e-mail address are for showing: the issuer's customers choose them, and give them to others later.
    """

    tenant: str
    object_id: str
    name: str
    email: str | None
    grants: frozenset[tuple[Role, str]]
    """Roles, each with the ref of the organisation that it is held for."""
    expires_at: datetime
    """When the token ends to hold, the leeway included."""


def identify(claims: dict[str, Any], key_issuer: str | None, settings: Settings, now: datetime) -> FederatedIdentity:
    """Return who the claims are about, where the token is for this service and holds now.

    Raises:
        Unfit: it is another issuer's, another audience's, another tenant's, not an access token, or out of time.
    """
    tenant = _tenant_of(claims, key_issuer, settings)
    object_id = _identifier(claims, "oid")
    _check_audience(claims.get("aud"), settings.oidc_audience)
    expires_at = _end_of(claims, now.timestamp())
    roles = _roles_of(claims)
    _check_kind(claims, settings.oidc_scope, roles)
    return FederatedIdentity(
        tenant=tenant,
        object_id=object_id,
        name=_clean(claims.get("name")) or object_id,
        email=_find_email(claims),
        grants=grants_of(roles),
        expires_at=expires_at,
    )


def grants_of(roles: list[str]) -> frozenset[tuple[Role, str]]:
    """Return what app roles give here: `manager:lcc-public-health` gives manager for that organisation.

    Others are another service's and give nothing; beyond the first 100 none is read.
    """
    found = (GRANT.fullmatch(role) for role in roles[:MOST_ROLES])
    return frozenset((Role(each[1]), each[2]) for each in found if each)


def _tenant_of(claims: dict[str, Any], key_issuer: str | None, settings: Settings) -> str:
    """Return the tenant, where it is one of ours and the token is of its issuer."""
    tenant, issuer = _identifier(claims, "tid"), claims.get("iss")
    if tenant not in settings.oidc_tenants:
        raise Unfit("its tenant is not one of ours")
    if issuer != settings.oidc_issuer.replace(TENANT_PLACE, tenant):
        raise Unfit("it is of another issuer")
    if key_issuer is not None and issuer != key_issuer.replace(TENANT_PLACE, tenant):
        raise Unfit("its key signs for another issuer")
    return tenant


def _check_audience(audience: object, ours: list[str]) -> None:
    """Refuse a token that is not for this service; it may be for others besides."""
    named = audience if isinstance(audience, list) else [audience]
    if len(named) > MOST_AUDIENCES or not all(isinstance(each, str) for each in named):
        raise Unfit("its audience cannot be read")
    if not set(named) & set(ours):
        raise Unfit("it is for another audience")


def _end_of(claims: dict[str, Any], now: float) -> datetime:
    """Return when a token ends, where it has begun, is not over, and does not live too long.

    At 60 seconds past `exp` it is over; at 60 seconds before `nbf` and `iat` it has begun.
    """
    issued_at, expires_at = _second(claims, "iat"), _second(claims, "exp")
    begins_at = _second(claims, "nbf") if "nbf" in claims else issued_at
    if max(issued_at, begins_at) > now + LEEWAY_SECONDS:
        raise Unfit("it has not begun")
    if expires_at + LEEWAY_SECONDS <= now:
        raise Unfit("it is over")
    if not 0 < expires_at - issued_at <= LONGEST_LIFE_SECONDS:
        raise Unfit("it lives too long, or not at all")
    return datetime.fromtimestamp(expires_at + LEEWAY_SECONDS, UTC)


def _second(claims: dict[str, Any], name: str) -> float:
    value = claims.get(name)
    # True is a number to Python.
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < LAST_SECOND:
        raise Unfit(f"its {name} is no time")
    return float(value)


def _roles_of(claims: dict[str, Any]) -> list[str]:
    roles = claims.get("roles", [])
    if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles):
        raise Unfit("its roles cannot be read")
    return roles


def _check_kind(claims: dict[str, Any], scope: str, roles: list[str]) -> None:
    """Refuse what is not an access token: of a person, with our scope, or of a program, with roles.

    A token without scopes could be one that tells a client who signed in: that too may hold roles, and is for the same
    audience where client and API are registered as one. So the token of a program must say that it is one: by `idtyp`,
    or by having itself as its subject, which no person's token has.
    """
    if claims.keys() & OF_ID_TOKENS:
        raise Unfit("it is an ID token")
    kind = claims.get("idtyp", "user" if "scp" in claims else "app" if claims.get("sub") == claims["oid"] else None)
    if kind == "user" and scope in _scopes_of(claims):
        return
    if kind == "app" and "scp" not in claims and roles:
        return
    raise Unfit("it is neither of a person with our scope nor of a program with roles")


def _scopes_of(claims: dict[str, Any]) -> list[str]:
    scopes = claims.get("scp")
    return scopes.split(" ") if isinstance(scopes, str) else []


def _identifier(claims: dict[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not IDENTIFIER.fullmatch(value):
        raise Unfit(f"its {name} is missing or cannot be read")
    return value


def _clean(name: object) -> str:
    """Return a name that can be kept and shown: one line, without what cannot be printed, at most 300 characters."""
    words = " ".join(name.split()) if isinstance(name, str) else ""
    return "".join(each for each in words if each.isprintable())[:LONGEST_NAME].strip()


def _find_email(claims: dict[str, Any]) -> str | None:
    named = (claims.get(name) for name in ("email", "preferred_username", "upn"))
    return next((each for each in named if isinstance(each, str) and _is_email(each)), None)


def _is_email(text: str) -> bool:
    return len(text) <= LONGEST_EMAIL and text.isprintable() and EMAIL.fullmatch(text) is not None
