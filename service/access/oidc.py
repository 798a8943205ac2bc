"""Access tokens of an OpenID Connect issuer, such as Microsoft Entra ID: who is calling, in the issuer's word."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from service.access.claims import FederatedIdentity, Unfit, identify
from service.access.documents import Fetch, fetch_document
from service.access.signatures import SigningKey, read_keys, read_signed_token
from service.core.body import read_json
from service.core.errors import Malformed, Unauthenticated, Unavailable
from service.settings import TENANT_PLACE, Settings, is_guarded_address

LOG = logging.getLogger("tracker.oidc")
DISCOVERY = "/.well-known/openid-configuration"
# Where Entra ID says what holds for every tenant of an organisation.
EVERY_TENANT = "organizations"
FRESH_FOR = timedelta(hours=1)
HELD_FOR = timedelta(hours=24)
# However many tokens name keys that nobody knows, the issuer is asked no more often than this.
BETWEEN_FETCHES = timedelta(minutes=1)
NO_KEYS = "The keys of the sign-in service cannot be fetched. Try again in a minute, or use a token of this service."


class Issuer:
    """The issuer that is configured, with the keys it was last seen to have."""

    def __init__(
        self, settings: Settings, refused: Callable[[], Unauthenticated], fetch: Fetch = fetch_document
    ) -> None:
        self._settings = settings
        self._refused = refused
        self._keys = IssuerKeys(settings, fetch)

    async def verify(self, token: str, now: datetime) -> FederatedIdentity:
        """Return who is calling with a token.

        Raises:
            Unauthenticated: the token does not hold; the answer never says why, the log does at the level DEBUG.
            Unavailable: the issuer's keys are not known and cannot be fetched.
        """
        try:
            signed = read_signed_token(token, self._settings.oidc_algorithms)
            key = await self._keys.find(signed.key_id, now)
            if key is None:
                raise Unfit("its key is not one of the issuer's")
            return identify(signed.claims_by(key), key.issuer, self._settings, now)
        except Unfit as fault:
            LOG.debug("a token of the issuer was refused: %s", fault)
        raise self._refused()


class IssuerKeys:
    """The issuer's keys, fetched anew each hour, and when a token names one that is not among them."""

    def __init__(self, settings: Settings, fetch: Fetch) -> None:
        self._settings = settings
        self._fetch = fetch
        self._keys: dict[str, SigningKey] = {}
        self._fetched_at: datetime | None = None
        self._tried_at: datetime | None = None
        self._turn = asyncio.Lock()

    async def find(self, key_id: str, now: datetime) -> SigningKey | None:
        """Return a key, or None where the issuer has no such key.

        Raises:
            Unavailable: there are no keys, or only some of a day ago, and the issuer cannot be reached.
        """
        if self._is_due(key_id, now):
            async with self._turn:
                # Whoever waited for the turn looks at what the one before fetched.
                if self._is_due(key_id, now):
                    await self._refresh(now)
        if self._fetched_at is None or now - self._fetched_at >= HELD_FOR:
            raise Unavailable(NO_KEYS, int(BETWEEN_FETCHES.total_seconds()))
        return self._keys.get(key_id)

    def _is_due(self, key_id: str, now: datetime) -> bool:
        # Requests do not come in the order of their instants, and a clock may be set back.
        if self._tried_at is not None and abs(now - self._tried_at) < BETWEEN_FETCHES:
            return False
        return self._fetched_at is None or key_id not in self._keys or abs(now - self._fetched_at) >= FRESH_FOR

    async def _refresh(self, now: datetime) -> None:
        """Take up the keys that the issuer has now; where it cannot be reached, the ones from before go on."""
        try:
            self._keys = read_keys(await self._fetch(await self._keys_url()))
            self._fetched_at = now
        except (OSError, ValueError, Malformed) as fault:
            LOG.warning("the keys of the issuer could not be fetched: %r", fault)
        self._tried_at = now

    async def _keys_url(self) -> str:
        """Return the address of the keys: the configured one, else the one that the issuer's discovery names."""
        if self._settings.oidc_keys_url:
            return self._settings.oidc_keys_url
        issuer = self._settings.oidc_issuer
        address = issuer.replace(TENANT_PLACE, EVERY_TENANT).rstrip("/") + DISCOVERY
        document = read_json(await self._fetch(address))
        if not isinstance(document, dict) or document.get("issuer") != issuer:
            raise ValueError("its discovery document is another issuer's")
        url = document.get("jwks_uri")
        if not isinstance(url, str) or not is_guarded_address(url):
            raise ValueError("its discovery document names no https address for the keys")
        return url
