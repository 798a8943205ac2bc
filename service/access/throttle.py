"""How often someone may be wrong, and how often a token may ask: pure, each process counts for itself.

Whoever shows credentials that hold is never refused for what others tried: a count of bad credentials only turns the
answer to one more bad attempt from 401 into 429.
"""

from collections import OrderedDict, deque
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, IPv6Network
from math import ceil

MINUTE_SECONDS = 60
MINUTE_MICROSECONDS = MINUTE_SECONDS * 1_000_000
# Beyond so many names the one that was quiet for longest is forgotten, which bounds the memory.
MOST_NAMES = 10_000
# A household or an office is given a whole IPv6 network of this size, so one who tries passwords may have all of it.
IPV6_PREFIX = 64
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class BadCredentials:
    """Counts credentials that did not hold, by names: the public id of a token, the address of a client."""

    def __init__(self, most_a_minute: int, most_names: int = MOST_NAMES) -> None:
        self._most_a_minute = most_a_minute
        self._most_names = most_names
        self._attempts: OrderedDict[str, deque[float]] = OrderedDict()

    def note(self, names: Iterable[str], now: datetime) -> int | None:
        """Count an attempt under each name; return the seconds to wait where one of them is over its limit, else None.

        With 10 a minute, the 11th attempt within a minute is over. It is not counted itself, so that the wait is
        over when it was said to be.
        """
        waits = [self._count(name, now.timestamp()) for name in names]
        return max((wait for wait in waits if wait is not None), default=None)

    def _count(self, name: str, now: float) -> int | None:
        attempts = self._attempts.setdefault(name, deque())
        self._attempts.move_to_end(name)
        if len(self._attempts) > self._most_names:
            self._attempts.popitem(last=False)
        # What is far in the future was counted before the clock was set back, and would stay for as long as that.
        while attempts and abs(now - attempts[0]) >= MINUTE_SECONDS:
            attempts.popleft()
        if len(attempts) < self._most_a_minute:
            attempts.append(now)
            return None
        return _whole_seconds(attempts[0] + MINUTE_SECONDS - now)


class RequestLimit:
    """Lets each token ask so many times a minute: all of them at once if it likes, then as the minute goes by.

    This is the generic cell rate algorithm (ITU-T I.371): of a token it keeps the one instant at which its requests
    so far would be worked off at the even rate. A full allowance can follow a minute after another, so the seconds
    around that can see almost twice as many.
    """

    def __init__(self, most_a_minute: int, most_names: int = MOST_NAMES) -> None:
        self._most_a_minute = most_a_minute
        self._most_names = most_names
        self._worked_off_at: OrderedDict[str, int] = OrderedDict()

    def take(self, token_id: str, now: datetime) -> int | None:
        """Count a request; return the seconds to wait where the token is over its limit, else None. 0 is no limit."""
        if not self._most_a_minute:
            return None
        # Counted in parts of a microsecond, so many that a request costs a whole number of them: nothing is rounded.
        unit = self._most_a_minute
        present, full = (now - EPOCH) // timedelta(microseconds=1) * unit, MINUTE_MICROSECONDS * unit
        worked_off_at = max(self._worked_off_at.get(token_id, 0), present)
        if worked_off_at - present > full:
            # No one can be so far ahead: the clock was set back.
            worked_off_at = present
        over = worked_off_at + MINUTE_MICROSECONDS - present - full
        if over > 0:
            return _whole_seconds(over / unit / 1_000_000)
        self._worked_off_at[token_id] = worked_off_at + MINUTE_MICROSECONDS
        self._worked_off_at.move_to_end(token_id)
        if len(self._worked_off_at) > self._most_names:
            self._worked_off_at.popitem(last=False)
        return None


def names_of(token_id: str | None, address: IPv4Address | IPv6Address | None) -> list[str]:
    """Return the names under which bad credentials count: the token's id and the client, where they are known.

    An IPv6 address counts as its network: 2001:db8::17 as `client 2001:db8::/64`.
    """
    token = [f"token {token_id}"] if token_id else []
    if isinstance(address, IPv6Address):
        return [*token, f"client {IPv6Network((int(address), IPV6_PREFIX), strict=False)}"]
    return [*token, f"client {address}"] if address else token


def _whole_seconds(seconds: float) -> int:
    """Return a wait as Retry-After tells it: whole seconds, from 1 to 60."""
    return min(max(ceil(seconds), 1), MINUTE_SECONDS)
