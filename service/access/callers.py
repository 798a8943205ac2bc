"""Who is calling: one cheap statement a request tells whether what is remembered of a caller still holds."""

import logging
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from service.access.claims import FederatedIdentity
from service.access.clients import Address
from service.access.queries import Caller, State, find_caller, find_federated, find_state, note_uses
from service.access.scope import Partnership
from service.access.service import welcome
from service.access.throttle import BadCredentials, RequestLimit, names_of
from service.access.tokens import Credentials, IssuerToken, parse_authorization
from service.core.db import Database
from service.core.errors import TooMany, TrackerError, Unauthenticated
from service.core.history import Recorder
from service.settings import Settings

if TYPE_CHECKING:
    from service.access.oidc import Issuer

LOG = logging.getLogger("tracker.access")
REFUSED = "This takes a token that holds: send `Authorization: Bearer trk_…`, or Basic with the token as password."
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="tracker", Basic realm="tracker", charset="UTF-8"'}
TOO_OFTEN_WRONG = "Credentials that do not hold came too often from here. Wait, and send ones that do."
TOO_OFTEN = "This token asks too often. Wait, and ask less often."
# Compared where no token has the id, so that a wrong id takes as long as a wrong secret.
NO_DIGEST = "0" * 64
MOST_REMEMBERED = 10_000
Ask = Callable[[Connection, Partnership], Caller | None]


class Callers:
    """The callers known at the newest transaction that changed who may do what.

    Whatever changes users, roles, tokens, organisations or partners notes its transaction, so what was read of them
    holds until there is a newer one; then all of it is read afresh.
    """

    def __init__(
        self, database: Database, settings: Settings, find_partnership: Callable[[Connection], Partnership]
    ) -> None:
        self._database = database
        self._find_partnership = find_partnership
        self._partnership: Partnership | None = None
        self._read_at = -1
        self._remembered: dict[object, Caller] = {}
        self._issuer = _issuer(settings)
        self._wrong = BadCredentials(settings.bad_credentials_per_minute)
        self._asking = RequestLimit(settings.requests_per_minute)
        self._uses: dict[str, datetime] = {}

    async def identify(
        self, authorization: str | None, client: Callable[[], Address | None], now: datetime
    ) -> tuple[Caller, int]:
        """Return who is calling, and the instant of the newest transaction when that was looked at.

        `client` tells the address that the request came from, where that is needed.

        Raises:
            Unauthenticated: the credentials are wrong, expired or revoked, or their user is disabled.
            TooMany: wrong ones came too often from there, or good ones more often than the settings let them.
            Unavailable: the keys to check an issuer's token cannot be fetched.
        """
        if authorization is None:
            raise refused()
        return await self._admit(parse_authorization(authorization), client, now, is_feed=False)

    async def identify_feed(
        self, key: Credentials | None, client: Callable[[], Address | None], now: datetime
    ) -> tuple[Caller, int]:
        """Return whose key to one list this is, as `identify` does: it opens nothing else, and no token opens this."""
        return await self._admit(key, client, now, is_feed=True)

    async def _admit(
        self,
        shown: Credentials | IssuerToken | None,
        client: Callable[[], Address | None],
        now: datetime,
        *,
        is_feed: bool,
    ) -> tuple[Caller, int]:
        try:
            caller, newest = await self._find(shown, now)
            if (caller.feed is not None) != is_feed:
                raise refused()
        except Unauthenticated:
            token_id = shown.public_id if isinstance(shown, Credentials) else None
            wait = self._wrong.note(names_of(token_id, client()), now)
            if wait is not None:
                raise TooMany(TOO_OFTEN_WRONG, wait) from None
            raise
        wait = self._asking.take(caller.name, now)
        if wait is not None:
            raise TooMany(TOO_OFTEN, wait)
        if isinstance(shown, Credentials):
            self._uses[shown.public_id] = now
        return caller, newest

    async def keep_uses(self) -> None:
        """Write down when tokens were last used; where that cannot be done now, the next time does it."""
        uses, self._uses = self._uses, {}
        if not uses:
            return
        try:
            await self._database.write(lambda connection: note_uses(connection, uses.items()))
        except TrackerError as error:
            LOG.warning("the last uses of tokens could not be kept: %s", error.detail)
            self._uses = {**uses, **self._uses}

    async def _find(self, shown: Credentials | IssuerToken | None, now: datetime) -> tuple[Caller, int]:
        if isinstance(shown, Credentials):
            return await self._find_token(shown, now)
        if isinstance(shown, IssuerToken) and self._issuer is not None:
            return await self._find_federated(await self._issuer.verify(shown.text, now), now)
        raise refused()

    async def _find_token(self, credentials: Credentials, now: datetime) -> tuple[Caller, int]:
        state = await self._state()
        ask = partial(find_caller, public_id=credentials.public_id)
        caller = await self._recall(credentials.public_id, ask, state)
        if (
            not credentials.hold_for(caller.digest if caller else NO_DIGEST)
            or caller is None
            or caller.expires_at <= now
        ):
            raise refused()
        return caller, state.newest

    async def _find_federated(self, identity: FederatedIdentity, now: datetime) -> tuple[Caller, int]:
        """Return who an issuer says is calling; whoever comes for the first time is made a user."""
        state = await self._state()
        caller = await self._recall(_name_of(identity), partial(find_federated, identity=identity), state)
        if caller is None:
            await self._database.write(lambda connection: welcome(Recorder(connection, None, now), identity))
            state = await self._state()
            caller = await self._recall(_name_of(identity), partial(find_federated, identity=identity), state)
        if caller is None or not caller.is_active:
            raise refused()
        return caller.until(identity.expires_at), state.newest

    async def _state(self) -> State:
        """Look at the state of the database, and forget what is remembered of another one."""
        state = await self._database.read(find_state)
        if state.of_access != self._read_at or len(self._remembered) > MOST_REMEMBERED:
            self._read_at, self._remembered, self._partnership = state.of_access, {}, None
        return state

    async def _recall(self, name: object, ask: Ask, state: State) -> Caller | None:
        """Return a remembered caller, or read who it is and remember it unless rights changed meanwhile."""
        caller = self._remembered.get(name)
        if caller is not None:
            return caller
        partnership = self._partnership
        if partnership is None:
            partnership = await self._database.read(self._find_partnership)
        caller = await self._database.read(lambda connection: ask(connection, partnership))
        if self._read_at == state.of_access:
            self._partnership = partnership
            if caller is not None:
                self._remembered[name] = caller
        return caller


def _issuer(settings: Settings) -> "Issuer | None":
    """Return the issuer that is configured; what it takes is imported only then."""
    if not settings.oidc_issuer:
        return None
    from service.access.oidc import Issuer  # noqa: PLC0415 It is heavy, and not always needed.

    return Issuer(settings, refused)


def _name_of(identity: FederatedIdentity) -> tuple[object, ...]:
    """Return what the caller behind a token of the issuer is remembered by: who it is, and the roles in the token."""
    return (identity.tenant, identity.object_id, identity.grants)


def refused() -> Unauthenticated:
    """Return the one error for every kind of credentials that do not hold."""
    return Unauthenticated(REFUSED, headers=CHALLENGE)
