"""Idempotency-Key: the same request sent twice does its work once. Answers are kept for 24 hours.

The answer is kept in the transaction that did the work, so that either both are there or neither. A second request
that arrives while the first is at work in the same process is told so (409); in another process it waits for the
writer's place, and then gets the first answer.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
    delete,
    insert,
    select,
)
from sqlmodel import SQLModel

from service.core.columns import Instant, Key
from service.core.errors import Conflict, Fault, Invalid, Malformed

KEPT = timedelta(hours=24)
PATTERN = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)
HEADER = "/header/Idempotency-Key"

kept_answer = Table(
    "kept_answer",
    SQLModel.metadata,
    Column("id", Key, primary_key=True),
    Column("user_id", BigInteger, nullable=False),
    Column("key", String(255), nullable=False),
    Column("request_digest", String(64), nullable=False),
    Column("status", Integer, nullable=False),
    Column("location", String(300)),
    Column("body", LargeBinary, nullable=False),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("user_id", "key"),
    Index("ix_kept_answer_created_at", "created_at"),
)


@dataclass(frozen=True)
class KeyedRequest:
    """A request that carries an Idempotency-Key."""

    user_id: int
    key: str
    digest: str


@dataclass(frozen=True)
class FirstAnswer:
    """What was answered the first time."""

    status: int
    location: str | None
    body: bytes


_in_flight: set[tuple[int, str]] = set()


def read_key(header: str | None, user_id: int, method_and_path: str, body: bytes) -> KeyedRequest | None:
    """Return the keyed request, or None where there is no key.

    Raises:
        Malformed: the key is not 1 to 255 visible ASCII characters.
    """
    if header is None:
        return None
    if not PATTERN.fullmatch(header):
        detail = "An Idempotency-Key is 1 to 255 visible ASCII characters, e.g. a UUID."
        raise Malformed(detail, [Fault(HEADER, detail)])
    digest = sha256(method_and_path.encode() + b"\n" + body).hexdigest()
    return KeyedRequest(user_id, header, digest)


@contextmanager
def in_flight(request: KeyedRequest | None) -> Iterator[None]:
    """Hold a key while its request is at work.

    Raises:
        Conflict: a request with this key is at work already.
    """
    if request is None:
        yield
        return
    name = (request.user_id, request.key)
    if name in _in_flight:
        raise Conflict("A request with this Idempotency-Key is still at work. Send it again in a moment.")
    _in_flight.add(name)
    try:
        yield
    finally:
        _in_flight.discard(name)


def find_answer(connection: Connection, request: KeyedRequest, now: datetime) -> FirstAnswer | None:
    """Return the answer kept for a key, or None where the key is new.

    Raises:
        Invalid: the key was used for another request.
    """
    row = connection.execute(
        select(kept_answer).where(
            kept_answer.c.user_id == request.user_id,
            kept_answer.c.key == request.key,
            kept_answer.c.created_at > now - KEPT,
        )
    ).one_or_none()
    if row is None:
        return None
    if row.request_digest != request.digest:
        raise Invalid(Fault(HEADER, "This key was used for another request. Take a new one."))
    return FirstAnswer(row.status, row.location, row.body)


def keep_answer(connection: Connection, request: KeyedRequest, answer: FirstAnswer, now: datetime) -> None:
    """Keep the answer to a key, and forget those older than a day."""
    connection.execute(delete(kept_answer).where(kept_answer.c.created_at <= now - KEPT))
    connection.execute(
        insert(kept_answer).values(
            user_id=request.user_id,
            key=request.key,
            request_digest=request.digest,
            status=answer.status,
            location=answer.location,
            body=answer.body,
            created_at=now,
        )
    )
