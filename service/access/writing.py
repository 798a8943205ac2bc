"""Writing rows of a collection: make, change and retire them. Every door calls these."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, Select, Table, bindparam, exists, func, select

from service.access.policy import Actor
from service.access.resource import Draft, Lens, Link, Resource, View
from service.access.rows import STATEMENTS_KEPT, get_row
from service.access.scope import Breadth, Sight
from service.access.service import note_access_change
from service.core.errors import Conflict, Fault, Invalid
from service.core.fields import Input
from service.core.history import Recorder, Row

Unchanged = Callable[[Row], None]
STRATEGY = "strategy"
KEPT_BY_HISTORY = frozenset({"id", "version", "created_at", "updated_at", "from_seq"})
NO_SUCH = "There is no {noun} {id}, or you may not see it."


def create_row(recorder: Recorder, actor: Actor, resource: Resource, wanted: Input, today: date) -> Row:
    """Make a row, and return it as the API shows it.

    Raises:
        Invalid: the values break a rule, or name something that is not there.
        Forbidden: the actor may not make one there.
        Conflict: the ref is taken.
    """
    row_id = add_row(recorder, actor, resource, wanted, today)
    view = View(None, today, _sight_after(actor, resource, row_id))
    return get_row(recorder.connection, resource, row_id, view)


def add_row(recorder: Recorder, actor: Actor, resource: Resource, wanted: Input, today: date) -> int:
    """Make a row, and return its number: see `create_row`."""
    values = wanted.model_dump()
    draft = Draft(recorder.connection, actor, values, None, frozenset(values), None, today)
    _settle(resource, draft)
    row = recorder.add(resource.table, _columns(resource, draft.values))
    for link in resource.links:
        recorder.link_many(
            link.table, [{link.owner: row["id"], **each} for each in link.rows(draft.values[link.field])]
        )
    _note(recorder, resource)
    return int(row["id"])


def change_row(
    recorder: Recorder,
    actor: Actor,
    resource: Resource,
    row_id: int,
    patch: Input,
    *,
    unchanged: Unchanged,
    today: date,
) -> Row:
    """Apply a merge patch to a row, and return it as the API shows it.

    `unchanged` is given the row as it is, and raises where the caller saw another.

    Raises:
        NotFound: there is no such row that the actor may see.
        Forbidden: the actor may not change it, or not to this.
        Invalid: the values break a rule, or name something that is not there.
        Conflict: the ref is taken.
    """
    view = View(None, today, actor.reach.sight)
    before = get_row(recorder.connection, resource, row_id, view)
    resource.guard(recorder.connection, actor, before)
    unchanged(before)
    alter_row(recorder, actor, resource, before, patch, today=today)
    return get_row(recorder.connection, resource, row_id, view)


def alter_row(recorder: Recorder, actor: Actor, resource: Resource, before: Row, patch: Input, *, today: date) -> None:
    """Apply a merge patch to a row that was just read: see `change_row`."""
    row_id = before["id"]
    asked = patch.model_dump(exclude_unset=True, exclude={"change_reason"})
    for name in [name for name, value in asked.items() if value is None]:
        asked[name] = resource.create.model_fields[name].get_default(call_default_factory=True)
    recorder.reason = getattr(patch, "change_reason", None)
    draft = Draft(recorder.connection, actor, {**before, **asked}, before, frozenset(asked), recorder.reason, today)
    _settle(resource, draft)
    recorder.alter(resource.table, row_id, _moved(_columns(resource, draft.values), before))
    for link in resource.links:
        if link.field in asked:
            unseen = _unseen_links(recorder.connection, link, before)
            recorder.link(link.table, {link.owner: row_id}, [*link.rows(draft.values[link.field]), *unseen])
    _note(recorder, resource)


def retire_row(
    recorder: Recorder, actor: Actor, resource: Resource, row_id: int, *, unchanged: Unchanged, today: date
) -> None:
    """Take a row out of the plan; what was known of it stays known.

    Raises:
        NotFound: there is no such row that the actor may see.
        Forbidden: the actor may not change it.
        Conflict: something still refers to it.
    """
    view = View(None, today, actor.reach.sight)
    before = get_row(recorder.connection, resource, row_id, view)
    resource.guard(recorder.connection, actor, before)
    unchanged(before)
    _refuse_if_referenced(recorder.connection, resource, row_id, view)
    for link in resource.links:
        recorder.link(link.table, {link.owner: row_id}, [])
    recorder.retire(resource.table, row_id)
    _note(recorder, resource)


def _note(recorder: Recorder, resource: Resource) -> None:
    if resource.changes_access:
        note_access_change(recorder)


def _sight_after(actor: Actor, resource: Resource, row_id: int) -> Sight:
    """Return what an actor sees once a row is made: a strategy of its own, too."""
    sight = actor.reach.sight
    if resource.table.name != STRATEGY or sight.is_everything:
        return sight
    return replace(sight, strategies=sight.strategies | {row_id})


def _unseen_links(connection: Connection, link: Link, before: Row) -> list[Row]:
    """Return the links of a row that its reader was not shown, and cannot have meant to take away."""
    if link.across is None:
        return []
    name = link.columns[0]
    held = connection.execute(select(link.table.c[name]).where(link.table.c[link.owner] == before["id"])).scalars()
    return [{name: other} for other in sorted(set(held) - set(before[link.field]))]


def _settle(resource: Resource, draft: Draft) -> None:
    faults = [*resource.rules(draft.values), *_reference_faults(resource, draft)]
    if not faults:
        faults = list(resource.settle(draft))
    if faults:
        raise Invalid(*faults)
    resource.guard(draft.connection, draft.actor, draft.values)


def _columns(resource: Resource, values: Row) -> Row:
    """Return those values that are columns of the table, less those that the history keeps."""
    return {name: values[name] for name in _own_columns(resource.table)}


def _moved(values: Row, before: Row) -> Row:
    """Return the values that are others than before: to set one again costs as much in the indexes it is in."""
    return {name: value for name, value in values.items() if value != before[name]}


@lru_cache
def _own_columns(table: Table) -> tuple[str, ...]:
    return tuple(column.name for column in table.columns if column.name not in KEPT_BY_HISTORY)


@lru_cache
def _pointing(table: Table) -> tuple[tuple[str, Table], ...]:
    """Return the columns that hold the id of another row, with the table that it is in."""
    keys = [(column.name, key.column) for column in table.columns for key in column.foreign_keys]
    return tuple((name, column.table) for name, column in keys if column.name == "id")


def _named(resource: Resource, draft: Draft) -> Iterable[tuple[Table, int, str]]:
    """Yield every id that this write names: the table it should be in, the id, and the pointer."""
    for name, table in _pointing(resource.table):
        value = draft.values.get(name)
        if value is not None and draft.is_changing(name):
            yield table, value, f"/{name}"
    for link in resource.links:
        if link.field not in draft.asked:
            continue
        for position, row in enumerate(link.rows(draft.values[link.field])):
            name = link.columns[0]
            (key,) = link.table.c[name].foreign_keys
            pointer = f"/{link.field}/{position}" + ("" if link.is_plain else f"/{name}")
            yield key.column.table, row[name], pointer


def _reference_faults(resource: Resource, draft: Draft) -> Iterable[Fault]:
    wanted: dict[Table, list[tuple[int, str]]] = defaultdict(list)
    for table, row_id, pointer in _named(resource, draft):
        wanted[table].append((row_id, pointer))
    for table, named in wanted.items():
        ids = {row_id for row_id, _ in named}
        there = _seen_among(draft, table, ids)
        noun = table.name.replace("_", " ")
        for row_id, pointer in named:
            if row_id not in there:
                yield Fault(pointer, NO_SUCH.format(noun=noun, id=row_id))
    yield from _repeated(resource, draft)


def _seen_among(draft: Draft, table: Table, ids: set[int]) -> set[int]:
    """Return those of some ids that are there and may be seen: what else is named might as well not be there."""
    view = View(None, draft.today, draft.actor.reach.sight)
    return set(draft.connection.execute(_among(table, view.lens), {**view.parameters, "named_ids": ids}).scalars())


@lru_cache(STATEMENTS_KEPT)
def _among(table: Table, lens: Lens) -> Select[Any]:
    named = bindparam("named_ids", expanding=True, type_=BigInteger)
    return select(table.c.id).where(table.c.id.in_(named), *lens.is_seen(table, table))


def _repeated(resource: Resource, draft: Draft) -> Iterable[Fault]:
    for link in resource.links:
        seen = [tuple(row.items()) for row in link.rows(draft.values[link.field])]
        if len(set(seen)) < len(seen):
            yield Fault(f"/{link.field}", "The same entry stands here twice: leave one out.")


def _refuse_if_referenced(connection: Connection, resource: Resource, row_id: int, view: View) -> None:
    """Raise Conflict where something refers to a row, naming no more of it than the actor may see."""
    own = {link.table for link in resource.links}
    counts: list[Any] = []
    for table in resource.table.metadata.sorted_tables:
        for key in sorted(table.foreign_keys, key=lambda each: each.parent.name):
            # What goes with its row is no reference to it.
            if key.column is resource.table.c.id and table not in own and key.ondelete != "CASCADE":
                refers = select(func.count()).select_from(table).where(key.parent == row_id)
                seen = refers.where(*_is_seen(table, view.lens))
                counts.append(refers.scalar_subquery().label(f"{table.name} {key.parent.name} all"))
                counts.append(seen.scalar_subquery().label(f"{table.name} {key.parent.name}"))
    if not counts:
        return
    held = connection.execute(select(*counts), view.parameters).one()._mapping
    if not any(held.values()):
        return
    named = [
        f"{count} × {label.split()[0].replace('_', ' ')}"
        for label, count in held.items()
        if count and not label.endswith(" all")
    ]
    told = f" ({', '.join(named)})" if named else ""
    raise Conflict(f"This {resource.noun} is still referred to{told}. Change or delete those first.")


def _is_seen(table: Table, lens: Lens) -> list[ColumnElement[bool]]:
    """Return the conditions that a row may be seen; a link is where the row is that it belongs to."""
    if "owner" not in table.info or lens.breadth is Breadth.ALL:
        return lens.is_seen(table, table)
    column = table.c[table.info["owner"]]
    (key,) = column.foreign_keys
    owner = key.column.table
    return [exists().where(owner.c.id == column, *lens.is_seen(owner, owner))]
