"""Writing rows of a collection: make, change and retire them. Every door calls these."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

from sqlalchemy import Connection, Table, func, select

from service.access.resource import Draft, Moment, Resource
from service.access.rows import get_row
from service.core.errors import Conflict, Fault, Invalid
from service.core.fields import Input
from service.core.history import Recorder, Row

Unchanged = Callable[[Row], None]
NO_SUCH = "There is no {noun} {id}, or you may not see it."


def create_row(recorder: Recorder, resource: Resource, wanted: Input, today: date) -> Row:
    """Make a row, and return it as the API shows it.

    Raises:
        Invalid: the values break a rule, or name something that is not there.
        Conflict: the ref is taken.
    """
    values = wanted.model_dump()
    draft = Draft(recorder.connection, values, None, frozenset(values), None, today)
    _settle(resource, draft)
    row = recorder.add(resource.table, _columns(resource, draft.values))
    for link in resource.links:
        recorder.link_many(
            link.table, [{link.owner: row["id"], **each} for each in link.rows(draft.values[link.field])]
        )
    return get_row(recorder.connection, resource, row["id"], Moment(None, today))


def change_row(
    recorder: Recorder, resource: Resource, row_id: int, patch: Input, *, unchanged: Unchanged, today: date
) -> Row:
    """Apply a merge patch to a row, and return it as the API shows it.

    `unchanged` is given the row as it is, and raises where the caller saw another.

    Raises:
        NotFound: there is no such row.
        Invalid: the values break a rule, or name something that is not there.
        Conflict: the ref is taken.
    """
    before = get_row(recorder.connection, resource, row_id, Moment(None, today))
    unchanged(before)
    asked = patch.model_dump(exclude_unset=True, exclude={"change_reason"})
    for name in [name for name, value in asked.items() if value is None]:
        asked[name] = resource.create.model_fields[name].get_default(call_default_factory=True)
    recorder.reason = getattr(patch, "change_reason", None)
    draft = Draft(recorder.connection, {**before, **asked}, before, frozenset(asked), recorder.reason, today)
    _settle(resource, draft)
    recorder.alter(resource.table, row_id, _columns(resource, draft.values))
    for link in resource.links:
        if link.field in asked:
            recorder.link(link.table, {link.owner: row_id}, link.rows(draft.values[link.field]))
    return get_row(recorder.connection, resource, row_id, Moment(None, today))


def retire_row(recorder: Recorder, resource: Resource, row_id: int, unchanged: Unchanged, today: date) -> None:
    """Take a row out of the plan; what was known of it stays known.

    Raises:
        NotFound: there is no such row.
        Conflict: something still refers to it.
    """
    before = get_row(recorder.connection, resource, row_id, Moment(None, today))
    unchanged(before)
    _refuse_if_referenced(recorder.connection, resource, row_id)
    for link in resource.links:
        recorder.link(link.table, {link.owner: row_id}, [])
    recorder.retire(resource.table, row_id)


def _settle(resource: Resource, draft: Draft) -> None:
    faults = [*resource.rules(draft.values), *_reference_faults(resource, draft)]
    if not faults:
        faults = list(resource.settle(draft))
    if faults:
        raise Invalid(*faults)


def _columns(resource: Resource, values: Row) -> Row:
    """Return those values that are columns of the table, less those that the history keeps."""
    kept = {"id", "version", "created_at", "updated_at", "from_seq"}
    return {column.name: values[column.name] for column in resource.table.columns if column.name not in kept}


def _named(resource: Resource, draft: Draft) -> Iterable[tuple[Table, int, str]]:
    """Yield every id that this write names: the table it should be in, the id, and the pointer."""
    for column in resource.table.columns:
        for key in column.foreign_keys:
            value = draft.values.get(column.name)
            if key.column.name == "id" and value is not None and draft.is_changing(column.name):
                yield key.column.table, value, f"/{column.name}"
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
        there = set(draft.connection.execute(select(table.c.id).where(table.c.id.in_(ids))).scalars())
        noun = table.name.replace("_", " ")
        for row_id, pointer in named:
            if row_id not in there:
                yield Fault(pointer, NO_SUCH.format(noun=noun, id=row_id))
    yield from _repeated(resource, draft)


def _repeated(resource: Resource, draft: Draft) -> Iterable[Fault]:
    for link in resource.links:
        seen = [tuple(row.items()) for row in link.rows(draft.values[link.field])]
        if len(set(seen)) < len(seen):
            yield Fault(f"/{link.field}", "The same entry stands here twice: leave one out.")


def _refuse_if_referenced(connection: Connection, resource: Resource, row_id: int) -> None:
    own = {link.table for link in resource.links}
    counts: list[Any] = []
    for table in resource.table.metadata.sorted_tables:
        for key in sorted(table.foreign_keys, key=lambda each: each.parent.name):
            if key.column is resource.table.c.id and table not in own:
                count = select(func.count()).select_from(table).where(key.parent == row_id).scalar_subquery()
                counts.append(count.label(f"{table.name} {key.parent.name}"))
    if not counts:
        return
    held = connection.execute(select(*counts)).one()._mapping
    named = [f"{count} × {label.split()[0].replace('_', ' ')}" for label, count in held.items() if count]
    if named:
        raise Conflict(f"This {resource.noun} is still referred to ({', '.join(named)}). Change or delete those first.")
