"""Doing what a workbook asks for: each line by the same functions as every other door, all of them or none."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from pydantic import BaseModel, ValidationError
from sqlalchemy import Connection

from service.access.policy import Act, Actor, find_refusal
from service.access.writing import change_row, create_row
from service.core import clock
from service.core.db import attempt
from service.core.errors import Fault, Forbidden, TrackerError
from service.core.history import Recorder, Row
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


class Application:
    """The lines of one workbook, done one after the other in one transaction."""

    def __init__(self, connection: Connection, actor: Actor, comparison: Comparison, today: date, reason: str) -> None:
        self._connection = connection
        self._actor = actor
        self._comparison = comparison
        self._today = today
        self._reason = reason
        self._recorders: dict[str, Recorder] = {}
        # New rows join those that can be pointed to.
        self._ids = {name: dict(held) for name, held in comparison.refs.by_ref.items()}

    def run(self, outcomes: Sequence[Outcome], accepted: frozenset[str]) -> None:
        """Do the lines that are to be done; what cannot be is noted in its outcome, and leaves no trace."""
        for outcome in outcomes:
            if outcome.status in DOING or (outcome.status is Status.CONFLICT and outcome.line.key in accepted):
                self._try(outcome)

    def _try(self, outcome: Outcome) -> None:
        # The stamp must stand before the attempt: it is no part of it.
        recorder = self._recorder(str(outcome.values.get("change_reason") or self._reason))
        try:
            with attempt(self._connection):
                self._do(recorder, outcome)
        except ValidationError as error:
            for fault in error.errors(include_url=False, include_input=False):
                self._refuse(outcome, fault_of(fault))
        except TrackerError as error:
            for each in error.faults or (Fault("", error.detail),):
                self._refuse(outcome, each)

    def _recorder(self, reason: str) -> Recorder:
        """Return the recorder of the changes that are made for a reason: each reason has a stamp of its own."""
        if reason not in self._recorders:
            self._recorders[reason] = Recorder(self._connection, self._actor.user_id or None, clock.now(), reason)
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
            row = create_row(recorder, self._actor, resource, wanted, self._today)
        else:
            changed = {change.field: change.after for change in outcome.changes}
            body = self._looked_up(outcome, changed)
            if outcome.values.get("change_reason"):
                body["change_reason"] = outcome.values["change_reason"]
            patch = resource.patch.model_validate(body)
            row = change_row(
                recorder, self._actor, resource, outcome.row_id, patch, unchanged=lambda _: None, today=self._today
            )
        self._know(outcome, row)

    def _check(self, act: Act) -> None:
        refusal = find_refusal(self._actor, act)
        if refusal:
            raise Forbidden(refusal)

    def _know(self, outcome: Outcome, row: Row) -> None:
        """Let later lines point to the row."""
        outcome.row_id, outcome.against = row["id"], row["version"]
        name = LISTS.get(outcome.line.sheet.name)
        if name is not None:
            self._ids[name][row["ref"].casefold()] = row["id"]

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
