"""Reading rows of a collection: one, a page of them, the versions of one. One statement each."""

from collections.abc import Iterable, Mapping
from datetime import date
from functools import lru_cache
from string import ascii_lowercase, ascii_uppercase
from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Connection,
    FromClause,
    Integer,
    and_,
    bindparam,
    func,
    or_,
    select,
)

from service.access.resource import Lens, Listing, Resource, View
from service.access.scope import Sight
from service.core.errors import NotFound
from service.core.history import Row, change, ever, stamp
from service.core.paging import (
    Key,
    ListQuery,
    Page,
    after,
    decode_cursor,
    encode_cursor,
    order_by,
    parse_sort,
    place_parameters,
)
from service.core.statements import Statement

# The parameters of a list that are no filters.
PAGING = frozenset({"limit", "cursor", "sort", "known_at", "format", "bom"})
STATEMENTS_KEPT = 256
# What lower() of both engines folds; Python's own would fold more, and then find less.
SMALL_LETTERS = str.maketrans(ascii_uppercase, ascii_lowercase)
ESCAPE = "/"
# Filters that take one value; every other takes a list.
SINGLE = frozenset(
    {
        "as_at",
        "due_after",
        "due_before",
        "effective_after",
        "effective_before",
        "is_active",
        "overdue",
        "q",
        "recorded_since",
        "updated_since",
    }
)


def missing(noun: str, row_id: int) -> NotFound:
    """Return the error of a row that is not there, or that the actor may not see."""
    return NotFound(f"There is no {noun} {row_id}, or you may not see it.")


def find_row(connection: Connection, resource: Resource, row_id: int, view: View) -> Row | None:
    """Return a row as it was known, or None where there is none that the actor may see."""
    statement = _one_row(resource, view.lens_of_one)
    found = resource.arrange(statement.dicts(connection, {"row_id": row_id, **view.parameters}))
    return found[0] if found else None


def get_row(connection: Connection, resource: Resource, row_id: int, view: View) -> Row:
    """Return a row as it was known.

    Raises:
        NotFound: there was none, or the actor may not see it.
    """
    row = find_row(connection, resource, row_id, view)
    if row is None:
        raise missing(resource.noun, row_id)
    return row


@lru_cache(STATEMENTS_KEPT)
def _one_row(resource: Resource, lens: Lens) -> Statement:
    rows = resource.source(lens)
    chosen = select(*resource.columns(rows, lens.seq, lens)).select_from(rows)
    wanted = rows.c.id == bindparam("row_id", type_=BigInteger)
    return Statement(chosen.where(wanted, *lens.is_seen(resource.table, rows, lens.seq)))


def list_rows(
    connection: Connection, listing: Listing, query: ListQuery, view: View, fixed: Mapping[str, Any] | None = None
) -> Page:
    """Return a page of rows as they were known, in the order asked for; `fixed` adds filters of the address itself."""
    keys = parse_sort(query.sort, listing.sortable)
    values = {**filter_values(query, query.model_fields_set - PAGING), **(fixed or {})}
    lens, place = view.lens, None
    if query.cursor is not None:
        place = decode_cursor(query.cursor, keys, _source(listing, lens))
    nulls = None if place is None else tuple(value is None for value in place)
    statement = _page(listing, lens, frozenset(values), keys, nulls)
    parameters = {
        **view.parameters,
        **filter_parameters(values),
        **place_parameters(place or ()),
        "page_size": query.limit + 1,
    }
    items = listing.arrange(statement.dicts(connection, parameters))
    if len(items) <= query.limit:
        return Page(items, None)
    return Page(items[: query.limit], encode_cursor(keys, items[query.limit - 1]))


def get_listed(connection: Connection, listing: Listing, noun: str, row_id: int, view: View) -> Row:
    """Return one row of a list that has no versions, as the list shows it.

    Raises:
        NotFound: it was not known.
    """
    found = list_rows(connection, listing, ListQuery(), view, {"id": [row_id]}).items
    if not found:
        raise missing(noun, row_id)
    return found[0]


@lru_cache(STATEMENTS_KEPT)
def _source(listing: Listing, lens: Lens) -> FromClause:
    return listing.source(lens)


@lru_cache(STATEMENTS_KEPT)
def _page(
    listing: Listing, lens: Lens, names: frozenset[str], keys: tuple[Key, ...], nulls: tuple[bool, ...] | None
) -> Statement:
    """Return the statement of a list; building it takes longer than running it, so it is kept."""
    rows = _source(listing, lens)
    found = select(*listing.columns(rows, lens.seq, lens)).select_from(rows)
    found = found.where(*lens.is_seen(listing.table, rows, lens.seq), *filters(listing, rows, names, lens))
    if nulls is not None:
        found = found.where(after(rows, keys, nulls))
    return Statement(found.order_by(*order_by(rows, keys)).limit(bindparam("page_size", type_=Integer)))


def filter_values(query: Any, names: Iterable[str]) -> dict[str, Any]:
    """Return the filters that a query sets, by name."""
    return {name: value for name in names if (value := getattr(query, name)) is not None}


def filter_parameters(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of a statement that was built for these filters."""
    return {f"filter_{name}": like_pattern(value) if name == "q" else value for name, value in values.items()}


def filters(listing: Listing, rows: FromClause, names: Iterable[str], lens: Lens) -> list[ColumnElement[bool]]:
    """Return the conditions of filters; one that has no rule of its own compares the column of its name."""
    conditions: list[ColumnElement[bool]] = []
    for name in sorted(names):
        value: BindParameter[Any] = bindparam(f"filter_{name}", expanding=name not in SINGLE)
        if name in listing.conditions:
            conditions.append(listing.conditions[name](rows, value, lens))
        elif name == "q":
            columns = [rows.c[each] for each in listing.searched if each in rows.c]
            conditions.append(or_(*(func.lower(column).like(value, escape=ESCAPE) for column in columns)))
        elif name == "updated_since":
            conditions.append(rows.c.updated_at >= value)
        else:
            conditions.append(rows.c[name] == value if name in SINGLE else rows.c[name].in_(value))
    return conditions


def like_pattern(text: str) -> str:
    """Return the LIKE pattern for a text anywhere in a lower-cased column: `50%` is looked for as it stands."""
    for special in (ESCAPE, "%", "_"):
        text = text.replace(special, ESCAPE + special)
    return f"%{text.translate(SMALL_LETTERS)}%"


def list_versions(
    connection: Connection, resource: Resource, row_id: int, *, limit: int, before_seq: int | None, sight: Sight
) -> Page:
    """Return a page of what was done to a row and what it then was, newest first.

    Raises:
        NotFound: there never was such a row, or none that the actor may see.
    """
    view = View(None, date.min, sight)
    lens = view.lens
    held = ever(resource.table, lambda rows: [rows.c.id == row_id])
    ended = stamp.alias("ended")
    shown = [column for column in held.c if column.name not in ("version", "from_seq", "to_seq")]
    links = [link.gathered(held.c.id, held.c.from_seq, lens) for link in resource.links]
    found = (
        select(
            *shown,
            *links,
            change.c.seq,
            change.c.version,
            change.c.action,
            stamp.c.at.label("recorded_at"),
            ended.c.at.label("recorded_until"),
            stamp.c.actor_id.label("recorded_by"),
            stamp.c.reason,
        )
        .select_from(change)
        .join(stamp, stamp.c.seq == change.c.seq)
        .join(held, held.c.version == change.c.version)
        .outerjoin(ended, and_(ended.c.seq == held.c.to_seq, change.c.action != "deleted"))
        .where(change.c.resource == resource.name, change.c.row_id == row_id)
        .where(*lens.is_seen(resource.table, held, held.c.from_seq))
        .order_by(change.c.seq.desc(), change.c.position.desc())
        .limit(limit + 1)
    )
    if before_seq is not None:
        found = found.where(change.c.seq < before_seq)
    items = resource.arrange([dict(row._mapping) for row in connection.execute(found, view.parameters)])
    if not items and before_seq is None:
        raise missing(resource.noun, row_id)
    last_seq = items[limit - 1]["seq"] if len(items) > limit else None
    for item in items:
        del item["seq"]
    return Page(items[:limit], None if last_seq is None else str(last_seq))
