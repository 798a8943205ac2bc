"""Random plans with a history: each is played into the service's own tables and into the reference's world.

A history is a list of transactions, each a list of steps. A step names rows by a number that is taken modulo how
many there are, so that any list of steps can be played, and what fails shrinks to few of them.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar

from hypothesis import strategies as st
from sqlalchemy import Connection

from service.access.policy import SERVICE
from service.core.db import Database
from service.core.history import Known as KnownPlan
from service.core.history import Recorder, find_known
from service.plan import models as plan
from service.plan.rules import Confidence, MilestoneStatus, WorkstreamStatus
from service.plan.schemas import StatusUpdateCreate
from service.plan.service import record_update
from service.progress.schemas import MilestoneFilters
from tests import reference
from tests.reference import Fact, Known, Milestone, Organisation, Owner, Priority, Update, Workstream, World

T = TypeVar("T")
FIRST_DAY = date(2018, 1, 1)
DAYS = 730
# A date on which every report of these histories lies in the past.
TODAY = date(2021, 1, 1)
START = datetime(2020, 1, 1, tzinfo=UTC)
EVER = 2**62
WHOLE = 100
RAGS = ("not_applicable", "complete", "unscheduled", "red", "amber", "not_due", "green")


# What can happen.


@dataclass(frozen=True)
class Schedule:
    """When a milestone starts and is due."""

    start_on: date | None
    due_on: date | None


@dataclass(frozen=True)
class AddWorkstream:
    status: WorkstreamStatus
    serves: frozenset[int]
    lead: int
    owner: int | None


@dataclass(frozen=True)
class ChangeWorkstream:
    stream: int
    status: WorkstreamStatus | None
    serves: frozenset[int] | None
    lead: int


@dataclass(frozen=True)
class RetireWorkstream:
    stream: int


@dataclass(frozen=True)
class AddMilestone:
    stream: int
    owner: int | None
    ref: str
    weight: int
    agreed_on: date
    schedule: Schedule


@dataclass(frozen=True)
class ChangeMilestone:
    milestone: int
    weight: int | None
    agreed_on: date | None
    schedule: Schedule | None
    stream: int | None
    owner: int | None


@dataclass(frozen=True)
class RetireMilestone:
    milestone: int


@dataclass(frozen=True)
class Report:
    milestone: int
    effective_on: date
    status: MilestoneStatus
    percent: int
    names_percent: bool
    forecast_on: date | None
    confidence: Confidence | None


@dataclass(frozen=True)
class MoveOwner:
    owner: int
    organisation: int


@dataclass(frozen=True)
class MovePriority:
    priority: int
    position: int


Step = (
    AddWorkstream
    | ChangeWorkstream
    | RetireWorkstream
    | AddMilestone
    | ChangeMilestone
    | RetireMilestone
    | Report
    | MoveOwner
    | MovePriority
)


@dataclass(frozen=True)
class Transaction:
    """Steps that become known together; the system clock may have stepped back since the one before."""

    seconds_on: int
    steps: list[Step]


@dataclass(frozen=True)
class Clocks:
    """The two clocks of a question: a date, and which of the transactions was the newest (taken modulo).

    The date is one of the calendar, or lies so many tenths into the schedule of a milestone.
    """

    on: date
    milestone: int | None
    tenths: int
    days_off: int
    knowing: int


@dataclass(frozen=True)
class Asked:
    """Which milestones a question is about; rows by number, as in a step."""

    priorities: frozenset[int] | None = None
    streams: frozenset[int] | None = None
    organisations: frozenset[int] | None = None
    owners: frozenset[int] | None = None
    statuses: frozenset[MilestoneStatus] | None = None
    rags: frozenset[str] | None = None
    overdue: bool | None = None
    due_after: date | None = None
    due_before: date | None = None


# How it is drawn.

picks = st.integers(0, 5)
sets_of_picks = st.frozensets(picks, min_size=1, max_size=3)
# Some dates come often, so that reports fall on the same day and questions on a due date.
days = st.one_of(
    st.sampled_from([FIRST_DAY + timedelta(days=90 * quarter) for quarter in range(8)]),
    st.integers(0, DAYS).map(lambda number: FIRST_DAY + timedelta(days=number)),
)
early_days = st.integers(0, 120).map(lambda number: FIRST_DAY + timedelta(days=number))
# What is planned at these tenths of a schedule, and what seven or nine tenths of that is: where a rag turns.
TENTHS = (1, 5, 8)
TURNING = [tenths * part + beside for tenths in TENTHS for part in (7, 9) for beside in (-1, 0, 1)]
percents = st.one_of(st.sampled_from(TURNING), st.sampled_from(TURNING), st.integers(0, 99))
statuses = st.one_of(st.just(MilestoneStatus.IN_PROGRESS), st.sampled_from(MilestoneStatus))
refs = st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9-]{0,3}\Z")
weights = st.one_of(st.integers(1, 5), st.integers(1, 1000))


def scheduled(start_on: date, length: int) -> Schedule:
    return Schedule(start_on, start_on + timedelta(days=length))


schedules = st.one_of(
    st.builds(scheduled, days, st.sampled_from([10, 100, 200])),
    st.builds(scheduled, days, st.integers(0, 400)),
    st.builds(Schedule, st.none(), days),
    st.builds(Schedule, st.none() | days, st.none()),
)


def maybe(strategy: st.SearchStrategy[T]) -> st.SearchStrategy[T | None]:
    return st.none() | strategy


adding_milestones = st.builds(AddMilestone, picks, maybe(picks), refs, weights, st.one_of(early_days, days), schedules)
reports = st.builds(
    Report,
    picks,
    st.one_of(early_days, days),
    statuses,
    percents,
    st.booleans(),
    maybe(days),
    maybe(st.sampled_from(Confidence)),
)
steps: st.SearchStrategy[Step] = st.one_of(
    adding_milestones,
    reports,
    reports,
    st.builds(ChangeMilestone, picks, maybe(weights), maybe(days), maybe(schedules), maybe(picks), maybe(picks)),
    st.builds(AddWorkstream, st.sampled_from(WorkstreamStatus), sets_of_picks, picks, maybe(picks)),
    st.builds(ChangeWorkstream, picks, maybe(st.sampled_from(WorkstreamStatus)), maybe(sets_of_picks), picks),
    st.builds(RetireMilestone, picks),
    st.builds(RetireWorkstream, picks),
    st.builds(MoveOwner, picks, picks),
    st.builds(MovePriority, picks, st.integers(1, 9)),
)
transactions = st.builds(Transaction, st.integers(-5, 5), st.lists(steps, min_size=1, max_size=6))
# The first transaction brings milestones, so that there is something to ask about.
openings = st.builds(Transaction, st.just(0), st.lists(adding_milestones, min_size=2, max_size=6))
histories = st.builds(lambda first, later: [first, *later], openings, st.lists(transactions, min_size=1, max_size=5))
clocks = st.builds(
    Clocks, days, maybe(st.integers(0, 9)), st.sampled_from([0, *TENTHS, 10]), st.integers(-1, 1), st.integers(0, 9)
)
questions = st.one_of(
    st.just(Asked()),
    st.builds(Asked, priorities=sets_of_picks),
    st.builds(Asked, streams=sets_of_picks),
    st.builds(Asked, organisations=sets_of_picks, rags=maybe(st.frozensets(st.sampled_from(RAGS), min_size=1))),
    st.builds(Asked, owners=sets_of_picks, statuses=maybe(st.frozensets(st.sampled_from(MilestoneStatus), min_size=1))),
    st.builds(Asked, overdue=st.booleans()),
    st.builds(Asked, due_after=days, due_before=maybe(days)),
)


# How it is played.


class Scene:
    """A database in which one plan after the other is played, each in a strategy of its own."""

    def __init__(self, url: str) -> None:
        self._runner = asyncio.Runner()
        self._database = Database(url)
        self._plans = 0
        self.now = START

    def close(self) -> None:
        self._runner.run(self._database.dispose())
        self._runner.close()

    def write(self, act: Callable[[Connection], T]) -> T:
        return self._runner.run(self._database.write(act))

    def look(self, ask: Callable[[Connection], T]) -> T:
        return self._runner.run(self._database.snapshot(ask))

    def played(self, history: Iterable[Transaction]) -> "Played":
        """Play a history in a new strategy."""
        self._plans += 1
        played = Played(self, self._plans)
        played.play(history)
        return played

    def known(self, at: datetime | None) -> KnownPlan:
        """Return the state of knowledge at an instant."""
        return self.look(lambda connection: find_known(connection, at, max(self.now, START) + timedelta(days=1)))


@contextmanager
def staged(url: str) -> Iterator[Scene]:
    """Open a scene, and close it in the end."""
    scene = Scene(url)
    try:
        yield scene
    finally:
        scene.close()


@dataclass
class Stamped:
    """A transaction that was played."""

    seq: int
    at: datetime


@dataclass
class Played:
    """One strategy in the database, and everything that was ever known of it."""

    scene: Scene
    number: int
    strategy_id: int = 0
    stamps: list[Stamped] = field(default_factory=list)
    world: World = field(default_factory=lambda: World([], [], [], [], [], {}))

    def play(self, history: Iterable[Transaction]) -> None:
        """Play transactions one after the other."""
        for transaction in history:
            self.scene.now += timedelta(seconds=transaction.seconds_on)
            self.stamps.append(self.scene.write(lambda connection, now=transaction: self._commit(connection, now)))  # type: ignore[misc]

    def _commit(self, connection: Connection, transaction: Transaction) -> Stamped:
        recorder = Recorder(connection, None, self.scene.now)
        if not self.strategy_id:
            self._open(recorder)
        for step in transaction.steps:
            self._take(recorder, step)
        return Stamped(recorder.seq, recorder.at)

    def _open(self, recorder: Recorder) -> None:
        """Make a strategy with three organisations, three owners, three priorities and two workstreams."""
        name = f"P{self.number}"
        self.strategy_id = recorder.add(
            plan.strategy, {"ref": name, "title": name, "starts_on": FIRST_DAY, "ends_on": None}
        )["id"]
        for place in range(3):
            ref = f"{name}-{place}"
            values: dict[str, Any] = {"ref": ref, "name": f"Organisation {ref}", "kind": "council", "parent_id": None}
            row = recorder.add(plan.organisation, values)
            self._now_is(self.world.organisations, Organisation(row["id"], ref, row["name"]), recorder.seq)
        for place in range(3):
            ref, organisation = f"{name}-{place}", self._pick(self.world.organisations, place)
            values = {"ref": ref, "post": f"Post {ref}", "organisation_id": organisation.id}
            row = recorder.add(plan.owner, {**values, "holder_name": None, "email": None})
            self._now_is(self.world.owners, Owner(row["id"], ref, row["post"], organisation.id), recorder.seq)
        for place in range(3):
            values = {"ref": f"p{place}", "title": f"Priority {place}", "description": "", "position": 3 - place}
            row = recorder.add(plan.priority, {**values, "strategy_id": self.strategy_id})
            self._now_is(
                self.world.priorities, Priority(row["id"], row["ref"], row["title"], row["position"]), recorder.seq
            )
        for place in range(2):
            self._take(recorder, AddWorkstream(WorkstreamStatus.ACTIVE, frozenset({place, 2}), place, None))

    def _take(self, recorder: Recorder, step: Step) -> None:  # noqa: C901 One line for each kind of step.
        match step:
            case AddWorkstream():
                self._add_workstream(recorder, step)
            case AddMilestone():
                self._add_milestone(recorder, step)
            case ChangeWorkstream():
                self._change_workstream(recorder, step)
            case ChangeMilestone():
                self._change_milestone(recorder, step)
            case RetireWorkstream():
                self._retire_workstream(recorder, step)
            case RetireMilestone() if self._present(self.world.milestones):
                self._retire_milestone(recorder, self._pick(self.world.milestones, step.milestone))
            case Report() if self._present(self.world.milestones):
                self._report(recorder, step)
            case MoveOwner():
                owner = self._pick(self.world.owners, step.owner)
                organisation_id = self._pick(self.world.organisations, step.organisation).id
                recorder.alter(plan.owner, owner.id, {"organisation_id": organisation_id})
                self._now_is(self.world.owners, replace(owner, organisation_id=organisation_id), recorder.seq)
            case MovePriority():
                priority = self._pick(self.world.priorities, step.priority)
                recorder.alter(plan.priority, priority.id, {"position": step.position})
                self._now_is(self.world.priorities, replace(priority, position=step.position), recorder.seq)

    def _add_workstream(self, recorder: Recorder, step: AddWorkstream) -> None:
        ref = f"w{len(self.world.workstreams)}"
        values = {
            "strategy_id": self.strategy_id,
            "ref": ref,
            "title": f"Workstream {ref}",
            "description": "",
            "heading": "",
            "status": step.status.value,
            "lead_organisation_id": self._pick(self.world.organisations, step.lead).id,
            "owner_id": self._picked_owner(step.owner),
            "starts_on": None,
            "ends_on": None,
        }
        row_id: int = recorder.add(plan.workstream, values)["id"]
        priority_ids = self._picked(self.world.priorities, step.serves)
        recorder.link(plan.workstream_priority, {"workstream_id": row_id}, _links(priority_ids))
        row = Workstream(
            row_id,
            ref,
            str(values["title"]),
            step.status.value,
            priority_ids,
            self._pick(self.world.organisations, step.lead).id,
            self._picked_owner(step.owner),
        )
        self._now_is(self.world.workstreams, row, recorder.seq)

    def _change_workstream(self, recorder: Recorder, step: ChangeWorkstream) -> None:
        if not self._present(self.world.workstreams):
            return
        was = self._pick(self.world.workstreams, step.stream)
        status = was.status if step.status is None else step.status.value
        lead_id = self._pick(self.world.organisations, step.lead).id
        recorder.alter(plan.workstream, was.id, {"status": status, "lead_organisation_id": lead_id})
        row = replace(was, status=status, lead_organisation_id=lead_id)
        if step.serves is not None:
            row = replace(row, priority_ids=self._picked(self.world.priorities, step.serves))
            recorder.link(plan.workstream_priority, {"workstream_id": was.id}, _links(row.priority_ids))
        self._now_is(self.world.workstreams, row, recorder.seq)

    def _retire_workstream(self, recorder: Recorder, step: RetireWorkstream) -> None:
        if not self._present(self.world.workstreams):
            return
        gone = self._pick(self.world.workstreams, step.stream)
        for milestone in self._present(self.world.milestones):
            if milestone.workstream_id == gone.id:
                self._retire_milestone(recorder, milestone)
        recorder.link(plan.workstream_priority, {"workstream_id": gone.id}, [])
        recorder.retire(plan.workstream, gone.id)
        self._is_gone(self.world.workstreams, gone.id, recorder.seq)

    def _add_milestone(self, recorder: Recorder, step: AddMilestone) -> None:
        taken = {milestone.ref for milestone in self._present(self.world.milestones)}
        if step.ref in taken or not self._present(self.world.workstreams):
            return
        values = {
            "workstream_id": self._pick(self.world.workstreams, step.stream).id,
            "ref": step.ref,
            "title": f"Milestone {step.ref}",
            "owner_id": self._picked_owner(step.owner),
            "weight": step.weight,
            "agreed_on": step.agreed_on,
            "start_on": step.schedule.start_on,
            "due_on": step.schedule.due_on,
            "baseline_due_on": step.schedule.due_on,
        }
        rest = {"strategy_id": self.strategy_id, "kind": "milestone", "description": "", "due_precision": "day"}
        row_id = recorder.add(plan.milestone, {**values, **rest})["id"]
        self._now_is(self.world.milestones, Milestone(id=row_id, **values), recorder.seq)  # type: ignore[arg-type]

    def _change_milestone(self, recorder: Recorder, step: ChangeMilestone) -> None:
        if not self._present(self.world.milestones):
            return
        was = self._pick(self.world.milestones, step.milestone)
        schedule = step.schedule or Schedule(was.start_on, was.due_on)
        row = replace(
            was,
            weight=step.weight or was.weight,
            agreed_on=step.agreed_on or was.agreed_on,
            start_on=schedule.start_on,
            due_on=schedule.due_on,
            baseline_due_on=was.baseline_due_on or schedule.due_on,
            owner_id=self._picked_owner(step.owner),
        )
        if step.stream is not None:
            row = replace(row, workstream_id=self._pick(self.world.workstreams, step.stream).id)
        names = ("weight", "agreed_on", "start_on", "due_on", "baseline_due_on", "owner_id", "workstream_id")
        recorder.alter(plan.milestone, was.id, {name: getattr(row, name) for name in names})
        self._now_is(self.world.milestones, row, recorder.seq)

    def _retire_milestone(self, recorder: Recorder, gone: Milestone) -> None:
        recorder.retire(plan.milestone, gone.id)
        self._is_gone(self.world.milestones, gone.id, recorder.seq)

    def _report(self, recorder: Recorder, step: Report) -> None:
        milestone_id = self._pick(self.world.milestones, step.milestone).id
        updates = self.world.updates.setdefault(milestone_id, [])
        before = reference.find_latest_update(updates, step.effective_on, EVER)
        last = before.percent_complete if before else 0
        fixed = {"complete": WHOLE, "not_started": 0, "proposed": 0}.get(step.status.value)
        names_percent = fixed is None and (step.names_percent or last == WHOLE)
        percent = fixed if fixed is not None else (step.percent if names_percent else last)
        report = StatusUpdateCreate(
            effective_on=step.effective_on,
            status=step.status,
            percent_complete=percent if names_percent else None,
            forecast_on=step.forecast_on,
            confidence=step.confidence,
        )
        row = record_update(recorder, SERVICE, milestone_id, report, TODAY)
        assert row["percent_complete"] == percent
        confidence = step.confidence and step.confidence.value
        updates.append(
            Update(
                row["id"],
                recorder.seq,
                step.effective_on,
                step.status.value,
                percent,
                step.forecast_on,
                confidence,
            )
        )

    def _now_is(self, versions: list[Known[Any]], row: Any, seq: int) -> None:
        self._is_gone(versions, row.id, seq)
        versions.append(Known(row, seq))

    @staticmethod
    def _is_gone(versions: list[Known[Any]], row_id: int, seq: int) -> None:
        for place, version in enumerate(versions):
            if version.row.id == row_id and version.to_seq is None:
                versions[place] = replace(version, to_seq=seq)

    @staticmethod
    def _present(versions: list[Known[reference.Row]]) -> list[reference.Row]:
        rows = [version.row for version in versions if version.to_seq is None]
        return sorted(rows, key=lambda row: row.id)

    def _pick(self, versions: list[Known[reference.Row]], number: int) -> reference.Row:
        rows = self._present(versions)
        return rows[number % len(rows)]

    def _picked(self, versions: list[Known[reference.Row]], numbers: frozenset[int]) -> frozenset[int]:
        return frozenset(self._pick(versions, number).id for number in numbers)

    def _picked_owner(self, number: int | None) -> int | None:
        return None if number is None else self._pick(self.world.owners, number).id

    # How it is asked about.

    def known(self, clock: Clocks) -> tuple[int, KnownPlan]:
        """Return the number of a transaction, and the state of knowledge that an answer then rested on."""
        stamped = self.stamps[clock.knowing % len(self.stamps)]
        return stamped.seq, self.scene.known(stamped.at)

    def day(self, clock: Clocks) -> date:
        """Return the date of a question."""
        rows = [version.row for version in self.world.milestones]
        if clock.milestone is None or not rows:
            return clock.on
        row = rows[clock.milestone % len(rows)]
        if row.start_on is None or row.due_on is None:
            return (row.due_on or clock.on) + timedelta(days=clock.days_off)
        return row.start_on + clock.tenths * (row.due_on - row.start_on) // 10 + timedelta(days=clock.days_off)

    def ever(self, versions: list[Known[reference.Row]], numbers: frozenset[int] | None) -> list[int] | None:
        """Return the ids that these numbers name among all rows there ever were; None where there are no numbers."""
        if numbers is None:
            return None
        ids = sorted({version.row.id for version in versions})
        return sorted({ids[number % len(ids)] for number in numbers})

    def filters(self, asked: Asked) -> MilestoneFilters:
        """Return the filters of the service."""
        given = {
            "priority_id": self.ever(self.world.priorities, asked.priorities),
            "workstream_id": self.ever(self.world.workstreams, asked.streams),
            "organisation_id": self.ever(self.world.organisations, asked.organisations),
            "owner_id": self.ever(self.world.owners, asked.owners),
            "status": asked.statuses and sorted(asked.statuses),
            "rag": asked.rags and sorted(asked.rags),
            "overdue": asked.overdue,
            "due_after": asked.due_after,
            "due_before": asked.due_before,
        }
        return MilestoneFilters.model_validate({name: value for name, value in given.items() if value is not None})

    def keeps(self, filters: MilestoneFilters) -> Callable[[Fact], bool]:
        """Return the same filters as a condition of the reference."""

        def keep(fact: Fact) -> bool:
            due_on, is_overdue = fact.milestone.due_on, fact.overdue and fact.included
            return (
                (filters.priority_id is None or not fact.workstream.priority_ids.isdisjoint(filters.priority_id))
                and (filters.workstream_id is None or fact.workstream.id in filters.workstream_id)
                and (filters.organisation_id is None or fact.organisation_id in filters.organisation_id)
                and (filters.owner_id is None or fact.milestone.owner_id in filters.owner_id)
                and (filters.status is None or fact.status in filters.status)
                and (filters.rag is None or fact.rag in filters.rag)
                and (filters.overdue is None or is_overdue == filters.overdue)
                and (filters.due_after is None or (due_on is not None and due_on >= filters.due_after))
                and (filters.due_before is None or (due_on is not None and due_on < filters.due_before))
            )

        return keep


def _links(priority_ids: frozenset[int]) -> list[dict[str, int]]:
    return [{"priority_id": priority_id} for priority_id in sorted(priority_ids)]
