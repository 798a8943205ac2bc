"""Who is calling: one cheap statement a request tells whether what is remembered of a token still holds."""

from collections.abc import Callable
from datetime import datetime
from functools import partial

from sqlalchemy import Connection

from service.access.queries import Caller, State, find_caller, find_state
from service.access.scope import Partnership
from service.access.tokens import Credentials
from service.core.db import Database
from service.core.errors import Unauthenticated

REFUSED = "This takes a token that holds: send `Authorization: Bearer trk_…`, or Basic with the token as password."
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="tracker", Basic realm="tracker", charset="UTF-8"'}
# Compared where no token has the id, so that a wrong id takes as long as a wrong secret.
NO_DIGEST = "0" * 64
MOST_REMEMBERED = 10_000


class Callers:
    """The callers known at the newest transaction that changed who may do what.

    Whatever changes users, roles or tokens notes its transaction, so what was read of them holds until there is a
    newer one; then all of it is read afresh.
    """

    def __init__(self, database: Database, find_partnership: Callable[[Connection], Partnership]) -> None:
        self._database = database
        self._find_partnership = find_partnership
        self._partnership: Partnership | None = None
        self._read_at = -1
        self._remembered: dict[str, Caller] = {}

    async def identify(self, credentials: Credentials | None, now: datetime) -> tuple[Caller, int]:
        """Return who holds these credentials, and the instant of the newest transaction when that was looked at.

        Raises:
            Unauthenticated: there are none, or they are wrong, expired or revoked, or their user is disabled.
        """
        if credentials is None:
            raise refused()
        state = await self._database.read(find_state)
        if state.of_access != self._read_at or len(self._remembered) > MOST_REMEMBERED:
            self._read_at, self._remembered, self._partnership = state.of_access, {}, None
        caller = self._remembered.get(credentials.public_id)
        if caller is None:
            caller = await self._look_up(credentials.public_id, state)
        if (
            not credentials.hold_for(caller.digest if caller else NO_DIGEST)
            or caller is None
            or caller.expires_at <= now
        ):
            raise refused()
        return caller, state.newest

    async def _look_up(self, public_id: str, state: State) -> Caller | None:
        """Read who a token belongs to, and remember it unless rights changed meanwhile."""
        partnership = self._partnership
        if partnership is None:
            partnership = await self._database.read(self._find_partnership)
        caller = await self._database.read(partial(find_caller, public_id=public_id, partnership=partnership))
        if self._read_at == state.of_access:
            self._partnership = partnership
            if caller is not None:
                self._remembered[public_id] = caller
        return caller


def refused() -> Unauthenticated:
    """Return the one error for every kind of credentials that do not hold."""
    return Unauthenticated(REFUSED, headers=CHALLENGE)
