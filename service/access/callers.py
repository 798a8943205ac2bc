"""Who is calling: one cheap statement a request tells whether what is remembered of a token still holds."""

from datetime import datetime

from service.access.queries import Caller, find_caller, find_state
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

    def __init__(self, database: Database) -> None:
        self._database = database
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
            self._read_at, self._remembered = state.of_access, {}
        caller = self._remembered.get(credentials.public_id)
        if caller is None:
            caller = await self._database.read(lambda connection: find_caller(connection, credentials.public_id))
            if caller is not None and self._read_at == state.of_access:
                self._remembered[credentials.public_id] = caller
        if (
            not credentials.hold_for(caller.digest if caller else NO_DIGEST)
            or caller is None
            or caller.expires_at <= now
        ):
            raise refused()
        return caller, state.newest


def refused() -> Unauthenticated:
    """Return the one error for every kind of credentials that do not hold."""
    return Unauthenticated(REFUSED, headers=CHALLENGE)
