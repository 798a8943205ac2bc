"""Bringing things to people: each is noted first, and brought at least once, by whoever takes it.

A delivery is taken for a while by moving its next attempt into the future. Who dies with it in hand leaves nothing to
clean: it is taken again when that time has come.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert, select, update

from service.core.db import Database
from service.core.history import Row
from service.reporting.models import DeliveryKind, delivery

LEASE = timedelta(minutes=10)
FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=12)
MOST_ATTEMPTS = 12
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
    blank = {"strategy_id": None, "report_id": None, "owner_id": None, "attempts": 0, "created_at": now, "next_at": now}
    new = [{**blank, **row} for key, row in rows.items() if key not in held]
    if new:
        connection.execute(insert(delivery), new)
    return len(new)


async def bring_all(database: Database, bringers: Mapping[DeliveryKind, Bring], now: Callable[[], datetime]) -> int:
    """Bring what is due, one after the other, and return how much was brought. What fails is tried again later."""
    brought = 0
    while (row := await database.write(lambda connection: _take(connection, now()))) is not None:
        try:
            await bringers[DeliveryKind(row["kind"])](row)
        except Undeliverable as error:
            await database.write(lambda connection, row=row, error=error: _put_off(connection, row, error, now()))  # type: ignore[misc]
            continue
        await database.write(lambda connection, row=row: _finish(connection, row, now()))  # type: ignore[misc]
        brought += 1
    return brought


def has_due(connection: Connection, now: datetime) -> bool:
    """Tell whether anything is to be brought."""
    return connection.execute(select(delivery.c.id).where(delivery.c.next_at <= now).limit(1)).first() is not None


def _take(connection: Connection, now: datetime) -> dict[str, Any] | None:
    """Take the delivery that waited longest, so that nobody else does for a while; None where none is due."""
    due = select(delivery).where(delivery.c.next_at <= now).order_by(delivery.c.next_at, delivery.c.id).limit(1)
    row = connection.execute(due).mappings().one_or_none()
    if row is None:
        return None
    taken = {"attempts": row["attempts"] + 1, "next_at": now + LEASE}
    connection.execute(update(delivery).where(delivery.c.id == row["id"]).values(taken))
    return {**row, **taken}


def _put_off(connection: Connection, row: Row, error: Undeliverable, now: datetime) -> None:
    is_over = error.is_final or row["attempts"] >= MOST_ATTEMPTS
    values = {"error": str(error)[:LONGEST_ERROR], "next_at": None if is_over else now + wait_after(row["attempts"])}
    connection.execute(update(delivery).where(delivery.c.id == row["id"]).values(values))


def _finish(connection: Connection, row: Row, now: datetime) -> None:
    values = {"error": None, "next_at": None, "done_at": now}
    connection.execute(update(delivery).where(delivery.c.id == row["id"]).values(values))


def wait_after(attempts: int) -> timedelta:
    """Return how long to wait after so many attempts: one minute after the first, then twice as long each time."""
    wait = FIRST_WAIT * int(2 ** (attempts - 1))
    return min(wait, LONGEST_WAIT)
