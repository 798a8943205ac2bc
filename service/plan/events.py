"""The change feed: what each transaction did, in the order in which they became known."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    FromClause,
    Integer,
    Select,
    Table,
    and_,
    bindparam,
    exists,
    false,
    or_,
    select,
)

from service.access.collection import list_answer
from service.access.door import Door, EventReader
from service.access.policy import find_refusal
from service.access.resource import IS_SEEN, Lens, Listing, to_all
from service.access.rows import STATEMENTS_KEPT
from service.access.scope import Breadth, Sight
from service.core.fields import Id, Instant, NumberInUrl
from service.core.history import change, ever, stamp
from service.core.negotiation import Tabular
from service.core.paging import CURSOR_MEANING, Limit, Page, bad_cursor
from service.core.responses import LINK, LISTING, answers, page_model, tabular
from service.core.schemas import Deed
from service.plan.models import status_update

LONGEST_PAGE = 10_000
# A place after every event of a transaction: none is so long.
END_OF_TRANSACTION = 2**31 - 1


class EventQuery(Tabular):
    """Where to go on in the feed."""

    after: NumberInUrl = Field(0, description="Events of later transactions than this; 0 for all.", examples=[1])
    limit: Limit = Field(
        100,
        description="Events in a page, 1 to 1000; a page never ends within a transaction of up to 10,000.",
        examples=[20],
    )
    cursor: Annotated[str, Field(max_length=40)] | None = Field(
        None,
        description=CURSOR_MEANING,
        examples=["1.20"],
        json_schema_extra={"pattern": "^[0-9]{1,18}[.][0-9]{1,9}$"},
    )


class Event(BaseModel):
    """One thing that was done to one row."""

    model_config = ConfigDict(extra="forbid", json_schema_serialization_defaults_required=True)

    seq: int = Field(description="Number of the transaction; the feed is in this order.")
    position: int = Field(description="Place within the transaction.")
    recorded_at: Instant = Field(description="When it became known.")
    recorded_by: Id | None = Field(description="The user who did it; null for the service itself.")
    reason: str | None = Field(description="Why, where a reason was given.")
    on_behalf_of: Id | None = Field(
        description="The organisation that answers for the milestone, where somebody else reported for it; else null."
    )
    action: Deed = Field(description="What was done.")
    resource: str = Field(description="The collection.", examples=["milestones"])
    resource_id: Id = Field(description="The row.")
    version: int = Field(description="The version of the row that this made; the last one where it was deleted.")
    href: str | None = Field(description="The row as this left it; null for what has no address of its own.")


def list_events(
    connection: Connection, listings: Sequence[Listing], sight: Sight, after: tuple[int, int], *, limit: int
) -> Page:
    """Return the events of some collections after a place, as far as they may be seen.

    A page ends with a whole transaction, for which it may grow past its limit.

    So a reader that asks again after the last `seq` it saw skips nothing. Only what one plan file brought may be
    longer than any page; then `next` goes on in its midst.
    """
    statement = _events(tuple(listings), sight.breadth)

    def fetch(count: int) -> Sequence[Any]:
        place = {"after_seq": after[0], "after_position": after[1], "page_size": count}
        return connection.execute(statement, {**sight.parameters, **place}).all()

    found = fetch(limit + 1)
    if len(found) <= limit:
        return Page([_shown(row) for row in found], None)
    page = [row for row in found[:limit] if row.seq != found[limit].seq]
    if not page:
        more = fetch(LONGEST_PAGE + 1)
        page = [row for row in more[:LONGEST_PAGE] if row.seq == found[0].seq]
        if len(page) == len(more):
            return Page([_shown(row) for row in page], None)
    return Page([_shown(row) for row in page], f"{page[-1].seq}.{page[-1].position}")


@lru_cache(STATEMENTS_KEPT)
def _events(listings: tuple[Listing, ...], breadth: Breadth) -> Select[Any]:
    seq, position = bindparam("after_seq", type_=BigInteger), bindparam("after_position", type_=Integer)
    is_report = and_(change.c.resource == status_update.info["resource"], status_update.c.id == change.c.row_id)
    return (
        select(change, stamp.c.at, stamp.c.actor_id, stamp.c.reason, status_update.c.on_behalf_of)
        .join(stamp, stamp.c.seq == change.c.seq)
        .outerjoin(status_update, is_report)
        .where(or_(change.c.seq > seq, and_(change.c.seq == seq, change.c.position > position)))
        .where(or_(false(), *(_is_seen(listing.table, Lens(False, breadth)) for listing in listings)))
        .order_by(change.c.seq, change.c.position)
        .limit(bindparam("page_size", type_=Integer))
    )


def _is_seen(table: Table, lens: Lens) -> ColumnElement[bool]:
    """Return the condition that an event is about a row of a table that may be seen, as it was before or after it."""

    def beside(versions: FromClause) -> list[ColumnElement[bool]]:
        then = [versions.c.from_seq <= change.c.seq] if "from_seq" in versions.c else []
        still = [versions.c.to_seq >= change.c.seq] if "to_seq" in versions.c else []
        return [versions.c.id == change.c.row_id, *then, *still]

    is_of: ColumnElement[bool] = change.c.resource == table.info["resource"]
    if lens.breadth is Breadth.ALL or table.info[IS_SEEN] is to_all:
        return is_of
    rows = ever(table, beside)
    seq = rows.c.from_seq if "from_seq" in rows.c else None
    return and_(is_of, exists(select(rows.c.id).where(*lens.is_seen(table, rows, seq))))


def parse_place(query: EventQuery) -> tuple[int, int]:
    """Return the place in the feed that a query names: everything up to it is known to the reader."""
    return (query.after, END_OF_TRANSACTION) if query.cursor is None else place_of(query.cursor)


def place_of(cursor: str) -> tuple[int, int]:
    """Return the place in the feed that a cursor stands for: a transaction, and how far within."""
    seq, dot, position = cursor.partition(".")
    if not (dot and seq.isascii() and seq.isdigit() and position.isascii() and position.isdigit()):
        raise bad_cursor()
    if len(seq) > 18 or len(position) > 9:  # noqa: PLR2004 Longer ones are no 64-bit and 32-bit numbers.
        raise bad_cursor()
    return int(seq), int(position)


def _shown(row: Any) -> dict[str, Any]:
    is_there = row.action != "deleted"
    return {
        "seq": row.seq,
        "position": row.position,
        "recorded_at": row.at,
        "recorded_by": row.actor_id,
        "reason": row.reason,
        "on_behalf_of": row.on_behalf_of,
        "action": row.action,
        "resource": row.resource,
        "resource_id": row.row_id,
        "version": row.version,
        "href": f"/v1/{row.resource}/{row.row_id}?known_at={_instant(row.at)}" if is_there else None,
    }


def _instant(at: Any) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S.%fZ}"


def feed_router(listings: Sequence[Listing]) -> APIRouter:
    """Return the route of the feed over some collections: each caller reads of those that it may read at all."""
    router = APIRouter(route_class=Door, redirect_slashes=False, tags=["events"])

    @router.get(
        "/v1/events",
        operation_id="list_events",
        summary="Read the change feed",
        description=(
            "Every change that you may see, in the one order in which they became known. Follow `next` until it is "
            "null, then ask again after the last `seq`: no change is ever skipped, whoever writes meanwhile. A page "
            "ends with a whole transaction, for which it may grow past its limit."
        ),
        responses=tabular(
            answers(*LISTING, model=page_model("EventPage", Event, LONGEST_PAGE), headers=LINK, what="One page.")
        ),
    )
    async def get_events(query: Annotated[EventQuery, Query()], visit: EventReader) -> Response:
        actor = visit.actor
        readable = [listing for listing in listings if find_refusal(actor, listing.reads) is None]

        def ask(connection: Connection, query: EventQuery) -> Page:
            return list_events(connection, readable, actor.reach.sight, parse_place(query), limit=query.limit)

        return await list_answer(visit, query, "events", ask, is_short=True)

    return router
