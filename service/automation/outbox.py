"""Bringing things to people: each is noted first, and brought at least once, by whoever takes it.

A delivery is taken for a while by moving its next attempt into the future. Who dies with it in hand leaves nothing to
clean: it is taken again when that time has come.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Collection, Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, insert, select, update

from service.automation.models import DeliveryKind, delivery
from service.core.db import Database
from service.core.errors import Conflict
from service.core.history import Row

LEASE = timedelta(minutes=10)
FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=12)
MOST_ATTEMPTS = 12
# Whoever is slow to answer holds up one of these, and not all.
AT_ONCE = 4
LONGEST_ERROR = 300
Bring = Callable[[Row], Awaitable[None]]


class Undeliverable(Exception):
    """It could not be brought now; the message says why. `is_final` says that it never can."""

    def __init__(self, why: str, *, is_final: bool = False) -> None:
        super().__init__(why)
        self.is_final = is_final


def note(connection: Connection, wanted: Iterable[Row], now: datetime) -> int:
    """Note what is to be brought, each key once for ever, and return how much of it is new."""
    rows = {row["key"]: row for row in wanted}
    if not rows:
        return 0
    held = set(connection.execute(select(delivery.c.key).where(delivery.c.key.in_(rows))).scalars())
    told = dict.fromkeys(("strategy_id", "report_id", "owner_id", "webhook_id", "event", "body"))
    blank = {**told, "attempts": 0, "created_at": now, "next_at": now, "done_at": None}
    new = [{**blank, **row} for key, row in rows.items() if key not in held]
    if new:
        connection.execute(insert(delivery), new)
    return len(new)


def message_id(row: Row) -> str:
    """Return the id of what is brought: the same at each attempt, and never that of anything else."""
    return hashlib.sha256(f"{row['key']} {row['created_at'].isoformat()}".encode()).hexdigest()[:32]


async def bring_all(
    database: Database, kinds: Collection[DeliveryKind], bring: Bring, now: Callable[[], datetime]
) -> int:
    """Bring what is due of the kinds that can be brought here, and return how much was; the rest is tried again."""
    # Where one fails, the others still end before it is told: nothing goes on behind the caller's back.
    hands = (_bring_on(database, kinds, bring, now) for _ in range(AT_ONCE))
    brought = 0
    for done in await asyncio.gather(*hands, return_exceptions=True):
        if isinstance(done, BaseException):
            raise done
        brought += done
    return brought


async def _bring_on(
    database: Database, kinds: Collection[DeliveryKind], bring: Bring, now: Callable[[], datetime]
) -> int:
    brought = 0
    while (row := await database.write(lambda connection: _take(connection, kinds, now()))) is not None:
        try:
            await bring(row)
        except Undeliverable as error:
            await database.write(lambda connection, row=row, error=error: _put_off(connection, row, error, now()))  # type: ignore[misc]
            continue
        await database.write(lambda connection, row=row: _finish(connection, row, now()))  # type: ignore[misc]
        brought += 1
    return brought


def send_again(connection: Connection, delivery_id: int, now: datetime) -> None:
    """Have a delivery brought once more, under the id that it had.

    Raises:
        Conflict: it waits already.
    """
    waits = select(delivery.c.id).where(delivery.c.id == delivery_id, delivery.c.next_at <= now)
    if connection.execute(waits).first() is not None:
        raise Conflict("This delivery waits already: it is brought within a minute or so.")
    again = {"attempts": 0, "next_at": now, "done_at": None, "error": None}
    connection.execute(update(delivery).where(delivery.c.id == delivery_id).values(again))


def has_due(connection: Connection, kinds: Collection[DeliveryKind], now: datetime) -> bool:
    """Tell whether anything is to be brought."""
    return connection.execute(select(delivery.c.id).where(*_is_due(kinds, now)).limit(1)).first() is not None


def _is_due(kinds: Collection[DeliveryKind], now: datetime) -> list[ColumnElement[bool]]:
    return [delivery.c.next_at <= now, delivery.c.kind.in_([kind.value for kind in kinds])]


def _take(connection: Connection, kinds: Collection[DeliveryKind], now: datetime) -> dict[str, Any] | None:
    """Take the delivery that waited longest, so that nobody else does for a while; None where none is due."""
    due = select(delivery).where(*_is_due(kinds, now)).order_by(delivery.c.next_at, delivery.c.id).limit(1)
    row = connection.execute(due).mappings().one_or_none()
    if row is None:
        return None
    taken = {"attempts": row["attempts"] + 1, "next_at": now + LEASE}
    connection.execute(update(delivery).where(delivery.c.id == row["id"]).values(taken))
    return {**row, **taken}


def _put_off(connection: Connection, row: Row, error: Undeliverable, now: datetime) -> None:
    is_over = error.is_final or row["attempts"] >= MOST_ATTEMPTS
    again_at = now + wait_after(row["attempts"])
    values = {"error": str(error)[:LONGEST_ERROR], "next_at": None if is_over else again_at}
    connection.execute(update(delivery).where(delivery.c.id == row["id"]).values(values))
    if row["webhook_id"] is not None and not error.is_final:
        # What else waits for the same receiver would fail as well.
        waiting = (delivery.c.webhook_id == row["webhook_id"], delivery.c.next_at < again_at)
        connection.execute(update(delivery).where(*waiting).values(next_at=again_at))


def _finish(connection: Connection, row: Row, now: datetime) -> None:
    values = {"error": None, "next_at": None, "done_at": now}
    connection.execute(update(delivery).where(delivery.c.id == row["id"]).values(values))


def wait_after(attempts: int) -> timedelta:
    """Return how long to wait after so many attempts: one minute after the first, then twice as long each time."""
    wait = FIRST_WAIT * int(2 ** (attempts - 1))
    return min(wait, LONGEST_WAIT)
