"""Loading a plan file: all of it or nothing, with every fault named by its place in the file."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import Connection, Table, select

from service.access.service import note_access_change
from service.core.errors import Fault, Invalid
from service.core.history import Recorder, Row, metadata, reserve_ids
from service.outcomes import models as outcomes
from service.outcomes.rules import observation_faults
from service.plan import models as plan
from service.plan.rules import UNREPORTED, Standing, decision_faults, milestone_faults, running_faults, settle_percent

MOST_FAULTS = 200
TAKEN = "This ref is taken: there is another {noun} with it."


@dataclass
class Refs:
    """The refs of one kind of thing and their ids: what is there already, and what the file brings."""

    noun: str
    ids: dict[Any, int]

    def add(self, ref: Any, row_id: int) -> bool:
        """Take a new ref; False where it is taken."""
        return self.ids.setdefault(ref, row_id) == row_id


@dataclass
class Loader:
    """What one load has gathered: the rows to add, table by table, and what is wrong with the file."""

    connection: Connection
    today: date
    rows: dict[Table, list[Row]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    _first_ids: dict[Table, int] = field(default_factory=dict)

    def refuse(self, pointer: str, detail: str) -> None:
        """Note a fault; with too many of them there is no point in going on."""
        self.faults.append(Fault(pointer, detail))
        if len(self.faults) >= MOST_FAULTS:
            raise Invalid(*self.faults)

    def check(self, pointer: str, faults: Iterable[Fault]) -> None:
        """Note the faults that a rule finds in one entry."""
        for fault in faults:
            self.refuse(pointer + fault.pointer, fault.detail)

    def add(self, table: Table, values: Row) -> int:
        """Gather a row and return the id that it will have."""
        rows = self.rows.get(table)
        if rows is None:
            rows = self.rows[table] = []
            self._first_ids[table] = reserve_ids(self.connection, table, 1)
        row_id = self._first_ids[table] + len(rows)
        rows.append({"id": row_id, **values})
        return row_id

    def link(self, table: Table, owner_id: int, others: Sequence[Row]) -> None:
        """Gather the links of one row."""
        owner = table.info["owner"]
        self.rows.setdefault(table, []).extend({owner: owner_id, **other} for other in others)

    def known(self, table: Table, noun: str) -> Refs:
        """Return the refs that a table holds."""
        return Refs(noun, {row.ref: row.id for row in self.connection.execute(select(table.c.ref, table.c.id))})

    def find(self, refs: Refs, ref: Any, pointer: str) -> int | None:
        """Return the id of a ref; a fault where there is none."""
        if ref is None:
            return None
        row_id = refs.ids.get(ref)
        if row_id is None:
            name = " / ".join(ref) if isinstance(ref, tuple) else ref
            self.refuse(pointer, f"There is no {refs.noun} with the ref {name}, in this file or in the service.")
        return row_id

    def find_all(self, refs: Refs, wanted: Sequence[Any], column: str, pointer: str) -> list[Row]:
        """Return the link rows of a list of refs."""
        found: dict[int, None] = {}
        for position, ref in enumerate(wanted):
            row_id = self.find(refs, ref, f"{pointer}/{position}")
            if row_id in found:
                self.refuse(f"{pointer}/{position}", "The same entry stands here twice: leave one out.")
            elif row_id is not None:
                found[row_id] = None
        return [{column: row_id} for row_id in found]

    def take(self, refs: Refs, ref: Any, row_id: int, pointer: str) -> None:
        """Give a row its ref; a fault where the ref is taken."""
        if not refs.add(ref, row_id):
            self.refuse(f"{pointer}/ref", TAKEN.format(noun=refs.noun))


def load_plan(recorder: Recorder, file: Any, today: date) -> dict[str, int]:
    """Add everything in a plan file, and return how many rows of each kind that was.

    Raises:
        Invalid: something in it breaks a rule, or names what is not there; nothing was added.
    """
    loader = Loader(recorder.connection, today)
    organisations = _load_tree(loader, plan.organisation, "organisation", file.organisations, "/organisations")
    boards = _load_tree(loader, plan.board, "board", file.boards, "/boards")
    areas = _load_tree(loader, plan.area, "area", file.areas, "/areas")
    owners = _load_owners(loader, file, organisations)
    directory = Directory(organisations, owners, boards, areas, Refs("priority", {}), Refs("workstream", {}))
    strategies = loader.known(plan.strategy, "strategy")
    for position, entry in enumerate(file.strategies):
        _load_strategy(loader, directory, strategies, entry, f"/strategies/{position}")
    _load_decisions(loader, directory, file)
    if loader.faults:
        raise Invalid(*loader.faults)
    _insert(recorder, loader)
    note_access_change(recorder)
    return {table.info["resource"]: len(rows) for table, rows in loader.rows.items() if "resource" in table.info}


@dataclass(frozen=True)
class Directory:
    """What entries refer to."""

    organisations: Refs
    owners: Refs
    boards: Refs
    areas: Refs
    priorities: Refs
    workstreams: Refs


def _load_tree(loader: Loader, table: Table, noun: str, entries: Sequence[Any], place: str) -> Refs:
    """Load things that may have parents; a parent stands before its children, or is there already."""
    refs = loader.known(table, noun)
    for position, entry in enumerate(entries):
        pointer = f"{place}/{position}"
        values = entry.model_dump(exclude={"parent"})
        parent_id = loader.find(refs, entry.parent, f"{pointer}/parent")
        loader.take(refs, entry.ref, loader.add(table, {**values, "parent_id": parent_id}), pointer)
    return refs


def _load_owners(loader: Loader, file: Any, organisations: Refs) -> Refs:
    refs = loader.known(plan.owner, "owner")
    for position, entry in enumerate(file.owners):
        pointer = f"/owners/{position}"
        values = entry.model_dump(exclude={"organisation"})
        values["organisation_id"] = loader.find(organisations, entry.organisation, f"{pointer}/organisation")
        loader.take(refs, entry.ref, loader.add(plan.owner, values), pointer)
    return refs


def _load_strategy(loader: Loader, directory: Directory, strategies: Refs, entry: Any, pointer: str) -> None:
    values = entry.model_dump(include={"ref", "title", "starts_on", "ends_on"})
    loader.check(pointer, running_faults(values))
    strategy_id = loader.add(plan.strategy, values)
    loader.take(strategies, entry.ref, strategy_id, pointer)
    boards = loader.find_all(directory.boards, entry.boards, "board_id", f"{pointer}/boards")
    partners = loader.find_all(
        directory.organisations, entry.organisations, "organisation_id", f"{pointer}/organisations"
    )
    loader.link(plan.strategy_board, strategy_id, boards)
    loader.link(plan.strategy_organisation, strategy_id, partners)
    for position, priority in enumerate(entry.priorities):
        values = {**priority.model_dump(), "strategy_id": strategy_id, "position": priority.position or position + 1}
        row_id = loader.add(plan.priority, values)
        loader.take(directory.priorities, (entry.ref, priority.ref), row_id, f"{pointer}/priorities/{position}")
    milestones = Refs("milestone", {})
    for position, stream in enumerate(entry.workstreams):
        _load_workstream(
            loader, directory, (entry.ref, strategy_id), stream, f"{pointer}/workstreams/{position}", taken=milestones
        )
    _load_indicators(loader, directory, (entry.ref, strategy_id), entry.indicators, f"{pointer}/indicators")


def _load_workstream(
    loader: Loader, directory: Directory, strategy: tuple[str, int], entry: Any, pointer: str, *, taken: Refs
) -> None:
    strategy_ref, strategy_id = strategy
    values = entry.model_dump(
        include={"ref", "title", "description", "heading", "status", "starts_on", "ends_on"},
    )
    loader.check(pointer, running_faults(values))
    values["strategy_id"] = strategy_id
    values["lead_organisation_id"] = loader.find(directory.organisations, entry.lead, f"{pointer}/lead")
    values["owner_id"] = loader.find(directory.owners, entry.owner, f"{pointer}/owner")
    row_id = loader.add(plan.workstream, values)
    loader.take(directory.workstreams, (strategy_ref, entry.ref), row_id, pointer)
    served = [(strategy_ref, ref) for ref in entry.priorities]
    if not served:
        loader.refuse(f"{pointer}/priorities", "A workstream serves at least one priority: name it.")
    found = loader.find_all(directory.priorities, served, "priority_id", f"{pointer}/priorities")
    loader.link(plan.workstream_priority, row_id, found)
    loader.link(
        plan.workstream_area, row_id, loader.find_all(directory.areas, entry.areas, "area_id", f"{pointer}/areas")
    )
    loader.link(plan.workstream_partner, row_id, list(_partners(loader, directory, entry.partners, pointer)))
    for position, award in enumerate(entry.funding_awards):
        _load_award(loader, directory, row_id, award, f"{pointer}/funding_awards/{position}")
    _refuse_repeated(loader, entry.funding_awards, f"{pointer}/funding_awards", "funding award")
    for position, milestone in enumerate(entry.milestones):
        place = f"{pointer}/milestones/{position}"
        milestone_id = _load_milestone(loader, directory, (strategy_id, row_id), milestone, place)
        loader.take(taken, milestone.ref, milestone_id, place)


def _partners(loader: Loader, directory: Directory, entries: Sequence[Any], pointer: str) -> Iterable[Row]:
    seen = set()
    for position, entry in enumerate(entries):
        place = f"{pointer}/partners/{position}"
        row_id = loader.find(directory.organisations, entry.organisation, f"{place}/organisation")
        if (entry.organisation, entry.role) in seen:
            loader.refuse(place, "The same entry stands here twice: leave one out.")
        elif row_id is not None:
            seen.add((entry.organisation, entry.role))
            yield {"organisation_id": row_id, "role": entry.role.value}


def _load_award(loader: Loader, directory: Directory, workstream_id: int, entry: Any, pointer: str) -> None:
    values = entry.model_dump(exclude={"funder"})
    loader.check(pointer, running_faults(values))
    funder_id = loader.find(directory.organisations, entry.funder, f"{pointer}/funder")
    loader.add(plan.funding_award, {**values, "workstream_id": workstream_id, "funder_id": funder_id})


def _load_milestone(loader: Loader, directory: Directory, place: tuple[int, int], entry: Any, pointer: str) -> int:
    values: Row = {
        name: getattr(entry, name)
        for name in ("ref", "kind", "title", "description", "weight", "start_on", "due_on", "due_precision")
    }
    loader.check(pointer, milestone_faults(values))
    values["strategy_id"], values["workstream_id"] = place
    values["agreed_on"] = entry.agreed_on or loader.today
    values["baseline_due_on"] = entry.due_on
    values["owner_id"] = loader.find(directory.owners, entry.owner, f"{pointer}/owner")
    row_id = loader.add(plan.milestone, values)
    _load_updates(loader, row_id, entry.updates, f"{pointer}/updates")
    return row_id


def _load_updates(loader: Loader, milestone_id: int, entries: Sequence[Any], pointer: str) -> None:
    """Load the reports on a milestone, each carrying forward from the one before it in time."""
    before = UNREPORTED
    for position, entry in sorted(enumerate(entries), key=lambda each: each[1].effective_on):
        if entry.effective_on > loader.today:
            loader.refuse(f"{pointer}/{position}/effective_on", "A report is true of today or an earlier date.")
        percent = settle_percent(entry.status, entry.percent_complete, before)
        if isinstance(percent, Fault):
            loader.refuse(f"{pointer}/{position}{percent.pointer}", percent.detail)
            continue
        before = Standing(entry.status, percent)
        loader.add(
            plan.status_update,
            {
                "milestone_id": milestone_id,
                "effective_on": entry.effective_on,
                "status": entry.status.value,
                "percent_complete": percent,
                "forecast_on": entry.forecast_on,
                "confidence": entry.confidence and entry.confidence.value,
                "narrative": entry.narrative,
                "evidence": [each.model_dump() for each in entry.evidence],
            },
        )


def _load_indicators(
    loader: Loader, directory: Directory, strategy: tuple[str, int], entries: Sequence[Any], pointer: str
) -> None:
    strategy_ref, strategy_id = strategy
    _refuse_repeated(loader, entries, pointer, "indicator")
    for position, entry in enumerate(entries):
        place = f"{pointer}/{position}"
        values = entry.model_dump(include={"ref", "title", "unit", "polarity", "comparator"})
        stream = entry.workstream and (strategy_ref, entry.workstream)
        values["workstream_id"] = loader.find(directory.workstreams, stream, f"{place}/workstream")
        row_id = loader.add(outcomes.indicator, {**values, "strategy_id": strategy_id})
        told = [(strategy_ref, ref) for ref in entry.priorities]
        found = loader.find_all(directory.priorities, told, "priority_id", f"{place}/priorities")
        loader.link(outcomes.indicator_priority, row_id, found)
        for number, value in enumerate(entry.observations):
            values = value.model_dump(exclude={"area"})
            loader.check(f"{place}/observations/{number}", observation_faults(values))
            area_id = loader.find(directory.areas, value.area, f"{place}/observations/{number}/area")
            loader.add(outcomes.observation, {**values, "indicator_id": row_id, "area_id": area_id})


def _load_decisions(loader: Loader, directory: Directory, file: Any) -> None:
    taken = loader.connection.execute(
        select(plan.board.c.ref, plan.decision.c.ref).join(plan.board, plan.board.c.id == plan.decision.c.board_id)
    )
    refs = Refs("decision", {tuple(row): 0 for row in taken})
    for known, table in ((directory.priorities, plan.priority), (directory.workstreams, plan.workstream)):
        _know(loader, known, table)
    for position, entry in enumerate(file.decisions):
        pointer = f"/decisions/{position}"
        values = entry.model_dump(exclude={"board", "priorities", "workstreams"})
        loader.check(pointer, decision_faults(values))
        values["board_id"] = loader.find(directory.boards, entry.board, f"{pointer}/board")
        row_id = loader.add(plan.decision, values)
        loader.take(refs, (entry.board, entry.ref), row_id, pointer)
        for table, known, column, name in (
            (plan.decision_priority, directory.priorities, "priority_id", "priorities"),
            (plan.decision_workstream, directory.workstreams, "workstream_id", "workstreams"),
        ):
            named = [(each.strategy, each.ref) for each in getattr(entry, name)]
            loader.link(table, row_id, loader.find_all(known, named, column, f"{pointer}/{name}"))


def _know(loader: Loader, refs: Refs, table: Table) -> None:
    """Let a file refer to what stands in the strategies that were there before it; it brings strategies of its own."""
    found = select(plan.strategy.c.ref, table.c.ref, table.c.id).join(
        plan.strategy, plan.strategy.c.id == table.c.strategy_id
    )
    for strategy_ref, ref, row_id in loader.connection.execute(found):
        refs.add((strategy_ref, ref), row_id)


def _refuse_repeated(loader: Loader, entries: Sequence[Any], pointer: str, noun: str) -> None:
    seen: set[str] = set()
    for position, entry in enumerate(entries):
        if entry.ref in seen:
            loader.refuse(f"{pointer}/{position}/ref", TAKEN.format(noun=noun))
        seen.add(entry.ref)


def _insert(recorder: Recorder, loader: Loader) -> None:
    """Add the gathered rows, what is referred to before what refers to it."""
    tables = [table for table in metadata.sorted_tables if table in loader.rows]
    for table in tables:
        rows = loader.rows[table]
        if "owner" in table.info:
            add = recorder.link_many
        else:
            # The first id was taken when the first row was gathered.
            if len(rows) > 1:
                reserve_ids(recorder.connection, table, len(rows) - 1)
            add = recorder.append_many if "seq" in table.c else recorder.add_many
        add(table, rows)
