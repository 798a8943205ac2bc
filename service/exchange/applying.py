"""Doing what a workbook asks for: each line by the same functions as every other door, all of them or none."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import groupby, islice
from typing import Any

from pydantic import BaseModel, ValidationError
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from service.access.policy import Act, Actor, find_refusal
from service.access.writing import add_row, alter_row
from service.core import clock
from service.core.db import attempt
from service.core.errors import Fault, Forbidden, TrackerError
from service.core.history import BulkRecorder, Recorder
from service.core.problems import fault_of
from service.exchange.comparing import Comparison, Outcome, Status
from service.exchange.gathering import RESOURCES
from service.exchange.sheets import PRIORITIES, REPORTED, UPDATES, WORKSTREAMS, Takes
from service.plan.schemas import StatusUpdateCreate
from service.plan.service import record_update

# What a new row of a sheet becomes something to point to in.
LISTS = {PRIORITIES.name: "priorities", WORKSTREAMS.name: "workstreams"}
# Parts of a report that stand in columns of their own.
EVIDENCE = ("evidence_title", "evidence_url")
DOING = {Status.NEW, Status.UPDATE}
# So many lines are done together; where one of them cannot be, they are done one by one, to tell which.
AT_ONCE = 200


class Application:
    """The lines of one workbook, done one after the other in one transaction."""

    def __init__(self, connection: Connection, actor: Actor, comparison: Comparison, today: date, reason: str) -> None:
        self._connection = connection
        self._actor = actor
        self._comparison = comparison
        self._today = today
        self._reason = reason
        self._recorders: dict[str, BulkRecorder] = {}
        # New rows join those that can be pointed to.
        self._ids = {name: dict(held) for name, held in comparison.refs.by_ref.items()}

    def run(self, outcomes: Sequence[Outcome], accepted: frozenset[str]) -> None:
        """Do the lines that are to be done; what cannot be is noted in its outcome, and leaves no trace."""
        wanted = [
            outcome
            for outcome in outcomes
            if outcome.status in DOING or (outcome.status is Status.CONFLICT and outcome.line.key in accepted)
        ]
        # What a sheet changes stands before the next one is looked at: its lines may point there.
        for _, lines in groupby(wanted, key=lambda outcome: outcome.line.sheet.name):
            for several in _batched(lines):
                if not self._try_together(several):
                    for outcome in several:
                        self._try(outcome)

    def _try_together(self, outcomes: Sequence[Outcome]) -> bool:
        """Do several lines, and return whether that could be done; where one of them cannot be, none is."""
        recorders = {reason: self._recorder(reason) for reason in map(self._reason_of, outcomes)}
        before = [(outcome.row_id, outcome.against) for outcome in outcomes]
        ids = {name: dict(held) for name, held in self._ids.items()}
        try:
            with attempt(self._connection):
                for outcome in outcomes:
                    self._do(recorders[self._reason_of(outcome)], outcome)
                for recorder in recorders.values():
                    recorder.flush()
        except (ValidationError, TrackerError, IntegrityError):
            for outcome, (row_id, against) in zip(outcomes, before, strict=True):
                outcome.row_id, outcome.against = row_id, against
            self._ids = ids
            for recorder in recorders.values():
                recorder.forget()
            return False
        return True

    def _try(self, outcome: Outcome) -> None:
        # The stamp must stand before the attempt: it is no part of it.
        recorder = self._recorder(self._reason_of(outcome))
        try:
            with attempt(self._connection):
                self._do(recorder, outcome)
                recorder.flush()
        except ValidationError as error:
            for fault in error.errors(include_url=False, include_input=False):
                self._refuse(outcome, fault_of(fault))
        except TrackerError as error:
            for each in error.faults or (Fault("", error.detail),):
                self._refuse(outcome, each)
        finally:
            recorder.forget()

    def _reason_of(self, outcome: Outcome) -> str:
        return str(outcome.values.get("change_reason") or self._reason)

    def _recorder(self, reason: str) -> BulkRecorder:
        """Return the recorder of the changes that are made for a reason: each reason has a stamp of its own."""
        if reason not in self._recorders:
            self._recorders[reason] = BulkRecorder(self._connection, self._actor.user_id or None, clock.now(), reason)
        recorder = self._recorders[reason]
        assert recorder.seq  # noqa: S101 Asking for it stamps the transaction.
        return recorder

    @staticmethod
    def _refuse(outcome: Outcome, fault: Fault) -> None:
        name = fault.pointer.removeprefix("/").partition("/")[0]
        outcome.refuse("evidence_title" if name == "evidence" else name, fault.detail)

    def _do(self, recorder: Recorder, outcome: Outcome) -> None:
        if outcome.line.sheet is UPDATES:
            self._check(Act.REPORT_PROGRESS)
            assert outcome.row_id is not None  # noqa: S101 A report without a milestone was refused.
            report = StatusUpdateCreate.model_validate(_report(outcome.values))
            row = record_update(recorder, self._actor, outcome.row_id, report, self._today)
            outcome.against = row["id"]
            return
        self._check(Act.WRITE_PLAN)
        resource = RESOURCES[outcome.line.sheet.name]
        if outcome.row_id is None:
            wanted = resource.create.model_validate(self._new(outcome, resource.create))
            row_id = add_row(recorder, self._actor, resource, wanted, self._today)
            self._know(outcome, row_id, 1, str(outcome.ref))
            return
        before = self._comparison.rows(outcome.line.sheet)[outcome.row_id]
        changed = {change.field: change.after for change in outcome.changes}
        body = self._looked_up(outcome, changed)
        if outcome.values.get("change_reason"):
            body["change_reason"] = outcome.values["change_reason"]
        patch = resource.patch.model_validate(body)
        resource.guard(self._connection, self._actor, before)
        alter_row(recorder, self._actor, resource, before, patch, today=self._today)
        self._know(outcome, outcome.row_id, before["version"] + 1, str(changed.get("ref", before["ref"])))

    def _check(self, act: Act) -> None:
        refusal = find_refusal(self._actor, act)
        if refusal:
            raise Forbidden(refusal)

    def _know(self, outcome: Outcome, row_id: int, version: int, ref: str) -> None:
        """Let later lines point to the row."""
        outcome.row_id, outcome.against = row_id, version
        name = LISTS.get(outcome.line.sheet.name)
        if name is not None:
            self._ids[name][ref.casefold()] = row_id

    def _new(self, outcome: Outcome, model: type[BaseModel]) -> dict[str, Any]:
        """Return what makes the row of a line: a cell that is empty leaves its field to its default."""
        given = {name: value for name, value in outcome.values.items() if name in model.model_fields and value}
        body = self._looked_up(outcome, given)
        if "strategy_id" in model.model_fields:
            body["strategy_id"] = self._comparison.strategy_id
        return body

    def _looked_up(self, outcome: Outcome, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return values as the API takes them: refs as the numbers of their rows, dates as they are written."""
        body: dict[str, Any] = {}
        for each in outcome.line.sheet.read_back:
            if each.name not in values:
                continue
            value = values[each.name]
            if each.takes is Takes.REF and value is not None:
                value = self._id(each.name, each.points_to, value)
            elif each.takes is Takes.REFS:
                value = [self._id(each.name, each.points_to, part) for part in value]
            body[each.name] = value.isoformat() if isinstance(value, date) else value
        return body

    def _id(self, field: str, points_to: str, ref: str) -> int:
        """Return the row with a ref."""
        found = self._ids[points_to].get(ref.casefold())
        if found is None:
            raise TrackerError("", [Fault(f"/{field}", f"There is no row with the ref {ref} in the list {points_to}.")])
        return found


def _report(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the report that a line makes, as the API takes it."""
    body = {name: values[name] for name in REPORTED if values.get(name) is not None and name not in EVIDENCE}
    title, url = (values.get(name) for name in EVIDENCE)
    if title or url:
        body["evidence"] = [{"title": title or url, "url": url or ""}]
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in body.items()}


def _batched(outcomes: Iterator[Outcome]) -> Iterator[list[Outcome]]:
    while several := list(islice(outcomes, AT_ONCE)):
        yield several
